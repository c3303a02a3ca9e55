package bus

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// GapError says that a log does not have the message that should come next.
type GapError struct{ Want, Got uint64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("cluster: the log has sequence %d where %d should be", e.Got, e.Want)
}

const (
	tailAhead = 128 // messages asked for before they are taken
	tailBeat  = time.Second
	tailPause = 100 * time.Millisecond
)

// Tail calls each for every message from a sequence on, for ever: until ctx ends,
// each fails, or a message is missing (GapError). It goes on by itself after
// elections and lost connections. data is each's own.
func (l *Log) Tail(ctx context.Context, from uint64, each func(seq uint64, data []byte) error) error {
	next := from
	for {
		err := l.reaches(ctx, next)
		if err == nil {
			err = l.tail(ctx, &next, each)
		}
		var gap *GapError
		var failed *eachError
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &gap):
			return gap
		case errors.As(err, &failed):
			return failed.error
		}
		if !pause(ctx, tailPause) {
			return ctx.Err()
		}
	}
}

// eachError is an error of the caller's function, not the log's.
type eachError struct{ error }

// reaches fails with a GapError if the log begins after a sequence.
func (l *Log) reaches(ctx context.Context, seq uint64) error {
	info, err := l.Info(ctx)
	if err == nil && info.First > seq && info.Last >= seq {
		return &GapError{Want: seq, Got: info.First}
	}
	return err
}

// tail reads through one consumer.
func (l *Log) tail(ctx context.Context, next *uint64, each func(seq uint64, data []byte) error) error {
	making, cancel := context.WithTimeout(ctx, apiTime)
	consumer, err := l.b.js.OrderedConsumer(making, l.name, jetstream.OrderedConsumerConfig{
		DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: *next, InactiveThreshold: time.Minute,
	})
	cancel()
	if err != nil {
		return err
	}
	messages, err := consumer.Messages(jetstream.PullMaxMessages(tailAhead), jetstream.PullHeartbeat(tailBeat))
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, messages.Stop)()
	defer messages.Stop()
	for {
		m, err := messages.Next()
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		switch seq := meta.Sequence.Stream; {
		case seq < *next:
			continue // again, after the consumer was made anew
		case seq > *next:
			return &GapError{Want: *next, Got: seq}
		}
		if err := each(*next, m.Data()); err != nil {
			return &eachError{err}
		}
		*next++
	}
}
