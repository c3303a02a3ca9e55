package smithy

import "time"

// Shape is a structure of an API: an operation's input or output, or a
// structure inside one. Generated types implement it on their pointers.
//
// Optional scalars are pointers, nil when absent; lists, maps and blobs are
// absent when nil. "Required" in a model is a constraint to validate, not a
// promise of the decoder.
type Shape interface {
	// Schema describes the shape. Its Members are in the order that
	// EncodeMembers writes them and DecodeMember counts them.
	Schema() *Schema
	// EncodeMembers writes the members that are present.
	EncodeMembers(Encoder)
	// DecodeMember reads the value of member i, on which the decoder stands.
	DecodeMember(d Decoder, i int)
}

// Encoder writes values in some wire format. The member says what is written;
// inside collections it is the collection's Elem. An Encoder never fails:
// everything a shape can hold can be written.
type Encoder interface {
	String(m *Member, v string)
	Int(m *Member, v int64)
	Float(m *Member, v float64)
	Bool(m *Member, v bool)
	Blob(m *Member, v []byte)
	Time(m *Member, v time.Time)
	Struct(m *Member, v Shape)

	BeginList(m *Member, length int)
	EndList(m *Member)

	BeginMap(m *Member, length int)
	Key(m *Member, k string) // before each value; m is the map's member
	EndMap(m *Member)
}

// Decoder reads values in some wire format. It stands on one value; each
// method reads that value as its type. The first error sticks: afterwards
// every method returns zero values and More returns false, so generated code
// checks nothing and the caller asks Err once.
//
// Strings and blobs returned are the caller's to keep.
type Decoder interface {
	String() string
	// Int reads a KindInteger or KindLong; it refuses what does not fit the kind.
	Int() int64
	Float() float64 // KindFloat and KindDouble
	Bool() bool
	Blob() []byte
	Time() time.Time
	// Struct reads a structure, calling v.DecodeMember for each known member
	// that is present and not null. Unknown members are skipped.
	Struct(v Shape)

	// BeginList enters a list; m is the member that holds it. After it, each
	// true from More stands on the next element; false leaves the list.
	BeginList(m *Member)
	// BeginMap enters a map. After it, each true from More is followed by
	// exactly one Key and then one value.
	BeginMap(m *Member)
	More() bool
	Key() string

	// Err returns the first error.
	Err() error
}
