package smithy

// Protocol names a wire protocol of AWS APIs.
type Protocol string

// The protocols that models name.
const (
	AWSJSON10 Protocol = "awsJson1_0"
	AWSJSON11 Protocol = "awsJson1_1"
	AWSQuery  Protocol = "awsQuery"
	RESTJSON1 Protocol = "restJson1"
	// AWSCBOR11 is awsJson 1.1 with its documents in CBOR: what Java clients speak.
	AWSCBOR11 Protocol = "awsCbor1_1"
)

// Dialect is how AWS's front end for a service words what is wrong with a request.
type Dialect uint8

const (
	// DialectModern is that of SQS: error types with their namespace, STRING_VALUE.
	DialectModern Dialect = iota
	// DialectClassic is that of Kinesis and its age: bare error types, Java's classes,
	// and SerializationException with a capital Message.
	DialectClassic
)

// Service is one AWS API as its model describes it. Generated.
type Service struct {
	ID           string // "SQS"
	SigningName  string // the service of the credential scope, "sqs"
	TargetPrefix string // of X-Amz-Target, "AmazonSQS"; "" without awsJson
	Version      string // the model's apiVersion, "2012-11-05"
	XMLNamespace string // of query responses
	Protocols    []Protocol
	// QueryCompatible services add x-amzn-query-error to JSON errors.
	QueryCompatible bool
	// ErrorNamespace qualifies modelled errors in awsJson, "com.amazonaws.sqs".
	ErrorNamespace string
	Dialect        Dialect
	// ExtendedID services name every request a second time, in x-amz-id-2.
	ExtendedID bool
	// MaxBody is the largest request body that the service needs, in bytes, where that
	// is more than what most do; else 0.
	MaxBody    int
	Operations []*Operation // sorted by name
}

// Operation returns the operation called name, or nil.
func (s *Service) Operation(name string) *Operation {
	lo, hi := 0, len(s.Operations)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if s.Operations[mid].Name < name {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.Operations) && s.Operations[lo].Name == name {
		return s.Operations[lo]
	}
	return nil
}

// Operation is one API operation as the model describes it. Generated.
type Operation struct {
	Name     string
	NewInput func() Shape
	// NewOutput is nil when the model has no output: the response then has an
	// empty body in awsJson and no Result element in query.
	NewOutput func() Shape
	// ResultWrapper is the element that holds the output in query responses,
	// "SendMessageResult".
	ResultWrapper string
	// Events are the events that follow the output, of operations which answer
	// with a stream of them; EventErrors are what can end it.
	Events       []Event
	EventErrors  []*ErrorType
	Errors       []*ErrorType
	Method, Path string // HTTP binding of REST protocols
}

// Event is one kind of event of an event stream.
type Event struct {
	Name   string
	Schema *Schema
}

// Event finds the kind of an event by its shape.
func (o *Operation) Event(v Shape) (name string, ok bool) {
	schema := v.Schema()
	for i := range o.Events {
		if o.Events[i].Schema == schema {
			return o.Events[i].Name, true
		}
	}
	return "", false
}
