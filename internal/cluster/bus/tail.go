package bus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/spillway/spillway/internal/pause"
)

// GapError says that a log does not have the message that should come next.
type GapError struct{ Want, Got uint64 }

func (e *GapError) Error() string {
	return fmt.Sprintf("cluster: the log has sequence %d where %d should be", e.Got, e.Want)
}

const (
	tailAhead = 128 // messages asked for before they are taken
	// tailBeat is how often a consumer says that it is there; after two that are
	// missing it is made anew. nats.go does not take less.
	tailBeat  = 500 * time.Millisecond
	tailPause = 100 * time.Millisecond
	// tailIdle is when JetStream forgets a consumer that nobody asks.
	tailIdle = 30 * time.Second
	// A request that finds no leader is not answered at all, so the first attempts
	// must not wait for long: an election takes about a second.
	tailTry, tailTryMost = time.Second, 8 * time.Second
)

// Tail calls each for every message from a sequence on, for ever: until ctx ends,
// each fails, or a message is missing (GapError). It goes on by itself after
// elections and lost connections. data is each's own. Whenever it begins anew, begun is
// told where the log ends: what comes after that is written now.
//
// It does not use nats.go's ordered consumer: that one makes itself anew with
// requests of 10 s which nothing ends early, and whoever stops following because it
// has to take over the log would wait for them.
func (l *Log) Tail(ctx context.Context, from uint64, begun func(last uint64), each func(seq uint64, data []byte) error) error {
	t := &tail{log: l, next: from, begun: begun, each: each, try: tailTry}
	for {
		err := t.consume(ctx)
		var gap *GapError
		var failed *eachError
		switch {
		case errors.As(err, &failed):
			return failed.error
		case ctx.Err() != nil:
			return ctx.Err()
		case errors.As(err, &gap):
			return gap
		}
		l.b.logger.Debug("tail again", "log", l.name, "next", t.next, "reason", err)
		if !pause.For(ctx, tailPause) {
			return ctx.Err()
		}
	}
}

// eachError is an error of the caller's function, not the log's.
type eachError struct{ error }

// errLost: a message was lost between the consumer and here.
var errLost = errors.New("cluster: a message did not arrive")

// tail is one call of Tail.
type tail struct {
	log   *Log
	next  uint64 // sequence
	begun func(last uint64)
	each  func(seq uint64, data []byte) error
	try   time.Duration // for a request, until one is answered
}

// consume reads through one consumer.
func (t *tail) consume(ctx context.Context) error {
	consumer, err := t.begin(ctx)
	if err != nil {
		t.try = min(2*t.try, tailTryMost)
		return err
	}
	t.try = tailTry
	defer t.remove(consumer.CachedInfo().Name)
	messages, err := consumer.Messages(jetstream.PullMaxMessages(tailAhead), jetstream.PullHeartbeat(tailBeat),
		jetstream.WithMessagesErrOnMissingHeartbeat(true))
	if err != nil {
		return err
	}
	defer messages.Stop()
	for delivered := uint64(1); ; delivered++ {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return err
		}
		meta, err := m.Metadata()
		if err != nil {
			return err
		}
		if meta.Sequence.Consumer != delivered {
			return errLost
		}
		if err := t.take(ctx, meta.Sequence.Stream, m.Data()); err != nil {
			return err
		}
	}
}

// begin makes a consumer that starts with the next message, if the log still has it.
func (t *tail) begin(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, t.try)
	defer cancel()
	info, err := t.log.Info(ctx)
	if err != nil {
		return nil, err
	}
	if info.First > t.next && info.Last >= t.next {
		// A consumer would begin later; if nothing is left, without ever saying so.
		return nil, &GapError{Want: t.next, Got: info.First}
	}
	t.begun(info.Last)
	return t.log.b.js.CreateConsumer(ctx, t.log.name, jetstream.ConsumerConfig{
		Name: "tail-" + t.log.b.Node() + "-" + rand.Text(), DeliverPolicy: jetstream.DeliverByStartSequencePolicy, OptStartSeq: t.next,
		AckPolicy: jetstream.AckNonePolicy, Replicas: 1, MemoryStorage: true, InactiveThreshold: tailIdle,
	})
}

// remove has JetStream forget a consumer at once. Nobody waits for the answer.
func (t *tail) remove(consumer string) {
	if err := t.log.b.conn.Publish("$JS.API.CONSUMER.DELETE."+t.log.name+"."+consumer, nil); err != nil {
		t.log.b.logger.Debug("remove a consumer", "error", err)
	}
}

// take hands on a message, after those that are missing before it.
//
// A consumer runs on any one of the log's nodes. If that node lost messages (a
// damaged file: ENGINE.md 3.3), the leader may well have them, and this is no gap of
// the log.
func (t *tail) take(ctx context.Context, seq uint64, data []byte) error {
	for t.next < seq {
		missing, ok, err := t.log.Read(ctx, t.next)
		if err != nil {
			return err
		}
		if !ok {
			return &GapError{Want: t.next, Got: seq}
		}
		t.log.b.logger.Warn("a replica of the log does not have a message that the leader has", "log", t.log.name, "sequence", t.next)
		if err := t.give(missing); err != nil {
			return err
		}
	}
	if seq < t.next {
		return nil
	}
	return t.give(data)
}

func (t *tail) give(data []byte) error {
	if err := t.each(t.next, data); err != nil {
		return &eachError{err}
	}
	t.next++
	return nil
}
