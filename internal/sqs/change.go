package sqs

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/smithy"
)

// errNoQueue is the answer for a queue that does not exist, in both wordings.
func errNoQueue() error {
	err := sqsapi.QueueDoesNotExist.New("The specified queue does not exist.")
	err.QueryMessage = "The specified queue does not exist for this wsdl version."
	return err
}

func invalidParameter(format string, args ...any) error {
	return smithy.InvalidParameterValue.Newf(format, args...)
}

func missingParameter(parameter string) error {
	return smithy.MissingParameter.Newf("The request must contain the parameter %s.", parameter)
}

// engineError maps the engine's errors; others stay as they are and are answered
// as InternalFailure.
func engineError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, queue.ErrNoQueue):
		return errNoQueue()
	case errors.Is(err, queue.ErrInFlight):
		return sqsapi.OverLimit.New("The maximum number of in flight messages is reached.")
	case errors.Is(err, partition.ErrDiskFull):
		e := smithy.ServiceUnavailable.New("The server is short of disk space. Try again later.")
		e.Hint = "free disk space, or raise min-free-bytes; receives and deletes still work"
		return e
	case errors.Is(err, partition.ErrBusy), errors.Is(err, partition.ErrStopped), errors.Is(err, partition.ErrNotOwner):
		return smithy.ServiceUnavailable.New("The request has failed due to a temporary failure of the server.")
	}
	return err
}

// update changes the record of a queue that exists. The change is durable and in
// force when it returns. It sees the latest record; an error from change leaves
// everything as it was.
func (s *Service) update(ctx context.Context, q *Queue, change func(tx *catalog.Tx, r *record) error) error {
	return engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		r, ok, err := readRecord(tx, q.name)
		if err != nil {
			return err
		}
		if !ok || r.ID != q.ID {
			return errNoQueue()
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		return writeRecord(tx, q.name, &r)
	}))
}

func readRecord(tx *catalog.Tx, n name) (r record, ok bool, err error) {
	value, ok := tx.Get(kindQueue, n.key())
	if ok {
		err = json.Unmarshal(value, &r)
	}
	return r, ok, err
}

func writeRecord(tx *catalog.Tx, n name, r *record) error {
	value, err := json.Marshal(r)
	if err != nil {
		return err
	}
	tx.Put(kindQueue, n.key(), value)
	return nil
}
