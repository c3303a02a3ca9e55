package cluster

import (
	"context"
	"errors"
)

// Log is one partition's replicated log: the seam to the engine that replicates.
// Today that is a JetStream stream (package bus); nothing above it knows.
type Log interface {
	// Append writes data as the message after sequence expected, or not at all. It
	// does not wait. The same id, bytes and expected sequence may be appended again
	// while it is unknown whether they were: the log has them once. data must not
	// change until the result is known.
	Append(expected uint64, id string, data []byte) (Pending, error)
	// Tail calls each for every message from a sequence on, in order, for ever. It
	// ends with ctx's error, with each's, or with one that matches ErrTrimmed if the
	// log does not have that message any more.
	Tail(ctx context.Context, from uint64, begun func(last uint64), each func(seq uint64, data []byte) error) error
	// Read returns one message as the leader has it; ok is false if there is none.
	Read(ctx context.Context, seq uint64) (data []byte, ok bool, err error)
	// Trim removes the messages up to a sequence.
	Trim(ctx context.Context, upTo uint64) error
	Leader
}

// Leader is the part of a log that is about who leads it.
type Leader interface {
	// Leads tells whether this node leads. It does not block.
	Leads() bool
	// StepDown gives up the lead, to the preferred node if it can.
	StepDown(ctx context.Context, preferred string) error
	Info(ctx context.Context) (Info, error)
}

// Info is a log as its leader sees it.
type Info struct {
	First, Last uint64 // sequences; First is Last+1 when empty
	Bytes       uint64
	Leader      string
	Replicas    []string // nodes that keep it, the leader included
}

// Pending is a message on its way.
type Pending interface {
	// Wait returns the message's sequence. ErrConflict: the log did not end with
	// the expected sequence. Any other error: unknown.
	Wait(ctx context.Context) (seq uint64, err error)
}

// Errors of a Log.
var (
	// ErrConflict: another message has the sequence.
	ErrConflict = errors.New("the log has another message there")
	// ErrTrimmed: the log does not reach back that far.
	ErrTrimmed = errors.New("the log does not reach back that far")
)
