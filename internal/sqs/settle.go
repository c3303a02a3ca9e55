package sqs

import (
	"errors"

	"github.com/spillway/spillway/internal/api/sqsapi"

	"github.com/spillway/spillway/internal/queue"
)

// settleError maps what the engine says of one receipt handle.
func settleError(err error, handle string) error {
	switch {
	case errors.Is(err, queue.ErrLapsed):
		return invalidParameter("Value %s for parameter ReceiptHandle is invalid. Reason: The receipt handle has expired.", handle)
	case errors.Is(err, queue.ErrGone):
		return invalidParameter("Value %s for parameter ReceiptHandle is invalid. Reason: Message does not exist or is not available for visibility timeout change.", handle)
	}
	return err
}

// settleBatchError is settleError for an entry of a batch, where a message that
// is gone has another code: recorded from AWS by gocloud.dev (TestDoubleAck),
// which drops failures with that code and no others.
func settleBatchError(err error, handle string) error {
	if errors.Is(err, queue.ErrGone) {
		return sqsapi.ReceiptHandleIsInvalid.New("Message does not exist or is not available for visibility timeout change")
	}
	return settleError(err, handle)
}

// settle carries out what a batch asks for, in one commit. Settlements[i] belongs
// to the handle handles[i]; the result has an error, in the given words, or nil
// for each.
func (q *Queue) settle(settlements []queue.Settlement, handles []string, words func(err error, handle string) error) ([]error, error) {
	errs, err := q.handle.Settle(settlements, make([]error, 0, len(settlements)))
	if err != nil {
		return nil, engineError(err)
	}
	for i := range errs {
		if errors.Is(errs[i], queue.ErrTooLong) {
			errs[i] = invalidParameter("Value %d for parameter VisibilityTimeout is invalid. Reason: Total VisibilityTimeout for the message is beyond the limit [%d seconds]", settlements[i].Time/1000, maxVisibility)
		} else {
			errs[i] = words(errs[i], handles[i])
		}
	}
	return errs, nil
}

// settleBatch is a batch of settlements with the ids that the client gave them.
type settleBatch struct {
	ids         []*string
	handles     []string
	settlements []queue.Settlement
	refused     []refusal
}

type refusal struct {
	id  *string
	err error
}

func newSettleBatch(n int) *settleBatch {
	return &settleBatch{ids: make([]*string, 0, n), handles: make([]string, 0, n), settlements: make([]queue.Settlement, 0, n)}
}

// add adds an entry, or what is wrong with it already.
func (b *settleBatch) add(id, handle *string, x queue.Settlement, err error) {
	if err != nil {
		b.refused = append(b.refused, refusal{id, err})
		return
	}
	b.ids = append(b.ids, id)
	b.handles = append(b.handles, *handle)
	b.settlements = append(b.settlements, x)
}

// run settles, calls done for each entry that succeeded, and returns the others.
func (b *settleBatch) run(q *Queue, done func(id *string)) ([]sqsapi.BatchResultErrorEntry, error) {
	if len(b.settlements) > 0 {
		errs, err := q.settle(b.settlements, b.handles, settleBatchError)
		if err != nil {
			return nil, err
		}
		for i, err := range errs {
			if err != nil {
				b.refused = append(b.refused, refusal{b.ids[i], err})
			} else {
				done(b.ids[i])
			}
		}
	}
	var out []sqsapi.BatchResultErrorEntry
	for _, r := range b.refused {
		f, err := failed(r.id, r.err)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, nil
}
