package smithy

import "fmt"

// CoralNamespace qualifies, in awsJson, the errors that AWS's front end
// answers before an operation runs, and those that no model lists.
const CoralNamespace = "com.amazon.coral.service"

// ErrorType is a kind of API error: everything of it but the message.
type ErrorType struct {
	Shape     string // the shape's name, "QueueDoesNotExist"
	Code      string // the code of the query protocol, "AWS.SimpleQueueService.NonExistentQueue"
	Status    int    // HTTP status
	Namespace string // in awsJson
}

// New makes an error of this type.
func (t *ErrorType) New(message string) *APIError {
	return &APIError{ErrorType: t, Message: message}
}

// Newf makes an error of this type with a formatted message.
func (t *ErrorType) Newf(format string, args ...any) *APIError {
	return &APIError{ErrorType: t, Message: fmt.Sprintf(format, args...)}
}

// APIError is an error that a client is told. Anything else that an operation
// returns is answered as InternalFailure, its detail only logged.
type APIError struct {
	*ErrorType
	Message string
	// QueryMessage replaces Message in the query protocol where AWS words it
	// differently there; "" means the same.
	QueryMessage string
	// Hint is for humans: sent as x-spillway-hint, which SDKs ignore.
	Hint string
}

// Error implements error.
func (e *APIError) Error() string { return e.Code + ": " + e.Message }

// Sender reports whether the client is at fault (any 4xx).
func (e *APIError) Sender() bool { return e.Status < 500 }

// Errors that any service may answer. Code and Status as recorded from AWS
// (facts-sqs.md 1.5) where a recording exists.
var (
	UnknownOperation      = coral("UnknownOperationException", "InvalidAction", 400)
	SerializationError    = coral("SerializationException", "MalformedInput", 400)
	AccessDenied          = coral("AccessDeniedException", "AccessDenied", 403)
	UnrecognizedClient    = coral("UnrecognizedClientException", "InvalidClientTokenId", 403)
	InvalidSignature      = coral("InvalidSignatureException", "SignatureDoesNotMatch", 403)
	IncompleteSignature   = coral("IncompleteSignatureException", "IncompleteSignature", 400)
	ExpiredToken          = coral("ExpiredTokenException", "ExpiredToken", 403)
	MissingAuthToken      = coral("MissingAuthenticationTokenException", "MissingAuthenticationToken", 403)
	ValidationError       = coral("ValidationException", "ValidationError", 400)
	InvalidParameterValue = coral("InvalidParameterValueException", "InvalidParameterValue", 400)
	MissingParameter      = coral("MissingRequiredParameterException", "MissingParameter", 400)
	Throttling            = coral("ThrottlingException", "Throttling", 400)
	RequestTooLarge       = coral("RequestEntityTooLargeException", "RequestEntityTooLarge", 413)
	InternalFailure       = coral("InternalFailure", "InternalFailure", 500)
	ServiceUnavailable    = coral("ServiceUnavailable", "ServiceUnavailable", 503)
)

func coral(shape, code string, status int) *ErrorType {
	return &ErrorType{Shape: shape, Code: code, Status: status, Namespace: CoralNamespace}
}
