package service

import "errors"

// QueueMessage is what one service puts into a queue of another by itself: SNS
// delivering to SQS.
type QueueMessage struct {
	Body       string
	Seal       *Seal              // a signature that the body lacks; nil for none
	Attributes []MessageAttribute // at most 10
	// Group and Dedup are the message's ids on a FIFO queue; on a standard queue
	// Group names a tenant and Dedup is ignored.
	Group, Dedup string
	Trace        string // AWSTraceHeader, "" for none
	Service      string // who sends: "sns.amazonaws.com"
	Sender       string // SenderId that receivers see
	// SourceARN and SourceAccount are on whose behalf, for the queue's policy.
	SourceARN, SourceAccount string
}

// MessageAttribute is a user's attribute of a message, with its type as sent.
type MessageAttribute struct {
	Name, Type string
	Text       string // unless Binary is set
	Binary     []byte
}

// Errors that no other attempt changes.
var (
	// ErrNoTarget: the queue does not exist.
	ErrNoTarget = errors.New("the target does not exist")
	// ErrTargetDenies: the target's policy does not let the service in.
	ErrTargetDenies = errors.New("the target's policy does not allow it")
	// ErrTargetRefuses: the target cannot take such a message.
	ErrTargetRefuses = errors.New("the target cannot take this message")
)
