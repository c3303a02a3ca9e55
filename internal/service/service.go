// Package service is the seam between the gateway and the AWS services: what a
// service is told about a call, and how it registers its operations.
//
// The gateway decodes, verifies and authorizes; a service receives typed shapes
// and returns typed shapes. Services know no HTTP and no codec.
package service

import (
	"context"
	"fmt"
	"time"

	"github.com/spillway/spillway/internal/iam"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/smithy"
)

// Call is what the gateway knows about one request beside its input.
type Call struct {
	RequestID string
	Now       time.Time // when the request arrived
	Principal *iam.Principal
	Region    string // the namespace the call acts in
	// BaseURL is "scheme://host[:port]" as the caller addressed the server, for
	// URLs that it will send later calls to.
	BaseURL string
	// Path is the request's path, unescaped: requests sent to a queue's URL name
	// the queue there.
	Path string
	// Query is true for the query protocol, where a few answers differ.
	Query bool
	// TraceHeader is X-Amzn-Trace-Id, or "".
	TraceHeader string
	// Conditions is what policies may ask of the request beside its principal.
	// Valid during the call.
	Conditions iam.Context
}

// Account is the caller's account: the namespace of names it does not qualify.
func (c *Call) Account() string { return c.Principal.Account }

// Access is what a call wants to do, for authorization.
type Access struct {
	Action   string // "sqs:SendMessage"
	Resource string // ARN, or "*" for operations without one
	// Owner is the account that owns the resource; "" means the caller's.
	Owner string
	// Policy is the resource's own policy, nil for none.
	Policy *policy.Document
	// OwnerOnly operations cannot be opened to other accounts by a policy.
	OwnerOnly bool
}

// Operation joins a generated operation to the code that serves it: by Invoke, or by
// Open if its answer is a stream of events.
type Operation struct {
	Shape  *smithy.Operation
	Access func(c *Call, in smithy.Shape) (Access, error)
	Invoke func(ctx context.Context, c *Call, in smithy.Shape) (smithy.Shape, error)
	Open   func(ctx context.Context, c *Call, in smithy.Shape) (Events, error)
	// Waits says that a call may wait on purpose for something to come. It gives up its
	// place among the running calls then, and is told to answer when the server drains.
	// Every other call is let finish.
	Waits bool
}

// Service is one AWS service, ready to serve.
type Service struct {
	API        *smithy.Service
	Operations map[string]*Operation // by name
	// Denied is the service's own error for what policies do not allow, nil for
	// smithy.AccessDenied.
	Denied *smithy.ErrorType
}

// Table collects a service package's operations before there is an instance of
// the service: it is filled by init functions, one an operation file, and
// never changes afterwards. S is the package's service type.
type Table[S any] struct{ entries []entry[S] }

type entry[S any] struct {
	op   *smithy.Operation
	bind func(s S) *Operation
}

// Register adds an operation: its generated descriptor, how it is authorized,
// and the method. In and Out are the generated input and output shapes; a
// mismatch with the descriptor panics at start, in every test. Marks say more of the
// operation: Waits.
func Register[S any, In, Out any, PI interface {
	*In
	smithy.Shape
}, PO interface {
	*Out
	smithy.Shape
}](t *Table[S], op *smithy.Operation,
	access func(S, *Call, PI) (Access, error),
	invoke func(S, context.Context, *Call, PI) (PO, error),
	marks ...func(*Operation),
) {
	checkInput[PI](op)
	if op.Events != nil {
		panic("service: " + op.Name + " answers with events, see RegisterStream")
	}
	if op.NewOutput != nil {
		if _, ok := op.NewOutput().(PO); !ok {
			panic(fmt.Sprintf("service: %s registered with output %T", op.Name, PO(nil)))
		}
	}
	t.entries = append(t.entries, entry[S]{op, func(s S) *Operation {
		o := &Operation{
			Shape: op,
			Access: func(c *Call, in smithy.Shape) (Access, error) {
				return access(s, c, in.(PI))
			},
			Invoke: func(ctx context.Context, c *Call, in smithy.Shape) (smithy.Shape, error) {
				out, err := invoke(s, ctx, c, in.(PI))
				if err != nil || op.NewOutput == nil {
					return nil, err
				}
				return out, nil
			},
		}
		for _, mark := range marks {
			mark(o)
		}
		return o
	}})
}

// Waits marks an operation that Register adds as one that waits: see Operation.Waits.
func Waits(o *Operation) { o.Waits = true }

func checkInput[PI smithy.Shape](op *smithy.Operation) {
	if _, ok := op.NewInput().(PI); !ok {
		panic(fmt.Sprintf("service: %s registered with input %T", op.Name, *new(PI)))
	}
}

// Bind returns the service that serves the table's operations with s.
func (t *Table[S]) Bind(api *smithy.Service, s S) *Service {
	svc := &Service{API: api, Operations: make(map[string]*Operation, len(t.entries))}
	for _, e := range t.entries {
		svc.Operations[e.op.Name] = e.bind(s)
	}
	return svc
}

// None is the output of operations that have none. Its methods are never called.
type None struct{}

// Schema implements smithy.Shape.
func (*None) Schema() *smithy.Schema { return noneSchema }

// EncodeMembers implements smithy.Shape.
func (*None) EncodeMembers(smithy.Encoder) {}

// DecodeMember implements smithy.Shape.
func (*None) DecodeMember(smithy.Decoder, int) {}

var noneSchema = smithy.Structure("None")
