package bus

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors of Pending.
var (
	// ErrConflict: the log did not end with the expected sequence.
	ErrConflict = errors.New("cluster: wrong last sequence")
	// ErrRefused: the log said no, for another reason.
	ErrRefused = errors.New("cluster: the log refused")
)

// Append writes data after sequence expected, or not at all; see Pending for the
// result. It does not wait. The same message may be appended again under the same
// id. data must not change until then.
func (l *Log) Append(expected uint64, id string, data []byte) (Pending, error) {
	m := nats.NewMsg(l.name)
	m.Data = data
	future, err := l.b.js.PublishMsgAsync(m, jetstream.WithExpectLastSequence(expected), jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, fmt.Errorf("cluster: append: %w", err)
	}
	return pending{future}, nil
}

// Pending is a message on its way.
type Pending interface {
	// Wait returns the sequence of the message, that of the first if it was appended
	// twice. ErrConflict and ErrRefused say that it is not in the log because of this
	// Append; after any other error that is unknown. The result is given once: after
	// ctx ended one may wait again, after another result not.
	Wait(ctx context.Context) (seq uint64, err error)
}

type pending struct{ future jetstream.PubAckFuture }

// Wait implements Pending.
func (p pending) Wait(ctx context.Context) (uint64, error) {
	select {
	case ack := <-p.future.Ok():
		return ack.Sequence, nil
	case err := <-p.future.Err():
		return 0, refusal(err)
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// refusal says what the answer to an append means. Only what is said before a message
// is proposed to the replicas, or by all of them alike, is definite. Other answers are
// not: a leader whose own disk is full says so after a majority may have stored the
// message, and "duplicate message id is in process" means that its first copy may yet
// be stored.
func refusal(err error) error {
	if errors.Is(err, jetstream.ErrNoStreamResponse) {
		return fmt.Errorf("%w: no node takes messages for it", ErrRefused)
	}
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return fmt.Errorf("cluster: append: %w", err)
	}
	switch server.ErrorIdentifier(api.ErrorCode) {
	case server.JSStreamWrongLastSequenceErrF, server.JSStreamWrongLastSequenceConstantErr:
		return fmt.Errorf("%w: %s", ErrConflict, api.Description)
	case server.JSStreamMessageExceedsMaximumErr, server.JSStreamSealedErr, server.JSStreamTooManyRequests:
		return fmt.Errorf("%w: %s", ErrRefused, api.Description)
	}
	return fmt.Errorf("cluster: append: %w", err)
}
