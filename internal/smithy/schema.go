package smithy

// Kind is the type of a shape in the AWS API models.
type Kind uint8

// The kinds of shapes. The zero Kind is invalid.
const (
	KindString Kind = iota + 1
	KindInteger
	KindLong
	KindFloat
	KindDouble
	KindBoolean
	KindBlob
	KindTimestamp
	KindList
	KindMap
	KindStructure
)

// Schema describes one shape of an API model: what codecs and the validator
// need to know of it. Schemas are generated, shared and never change after
// package initialisation.
type Schema struct {
	Name    string // the shape's name in the model, "SendMessageRequest"
	Kind    Kind
	Members []Member // of a structure, in wire order
	Elem    *Member  // of a list: its element; of a map: its value
	Key     *Member  // of a map
	Limits  Limits
	Enum    []string // allowed values of a string, nil when open
	// LenientScalars collections of strings accept numbers and booleans in JSON,
	// as their text. SQS's queue attributes do (facts-sqs.md 1.1).
	LenientScalars bool

	// JavaClass is what AWS calls a structure where it shows one in an error; "" for
	// services of which that is not known.
	JavaClass string

	byName  map[string]int
	pattern pattern // compiled Limits.Pattern
}

// Limits are the constraint traits of a shape. Min and Max bound the length of
// strings (in characters), blobs (in bytes), lists and maps, and the value of
// numbers.
type Limits struct {
	Min, Max       int64
	HasMin, HasMax bool
	Pattern        string // an anchored Java regular expression, "" for none
}

// Member is one member of a structure, or the element, key or value of a
// collection. Elements of collections carry Name "member", "key" or "value"
// unless the model names them otherwise.
type Member struct {
	Name    string // the name in JSON documents
	XMLName string // the name in query requests and XML responses
	// JSONResultName is the name in the JSON form of query responses; "" means
	// Name.
	JSONResultName string
	Target         *Schema
	Required       bool
	// Flattened collections of the query protocol have no ".member" level.
	Flattened bool
	Sensitive bool // never log the value
}

// MemberIndex returns the position in Members of the member called name in
// JSON documents, or -1. Name is not retained, so callers may pass a string
// that aliases a network buffer.
func (s *Schema) MemberIndex(name string) int {
	if i, ok := s.byName[name]; ok {
		return i
	}
	return -1
}

// Structure makes the schema of a structure and indexes its members. It is
// called by generated code.
func Structure(name string, members ...Member) *Schema {
	s := &Schema{Name: name, Kind: KindStructure, Members: members, byName: make(map[string]int, len(members))}
	for i := range members {
		s.byName[members[i].Name] = i
	}
	return s
}

// InJava says in which package AWS has the structure. It is called by generated code.
func (s *Schema) InJava(pkg string) *Schema {
	s.JavaClass = pkg + "." + s.Name
	return s
}
