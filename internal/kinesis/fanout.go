package kinesis

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
	engine "github.com/spillway/spillway/internal/stream"
)

const (
	// subscriptionLife is how long one SubscribeToShard lasts.
	subscriptionLife = 5 * time.Minute
	// heartbeat is how long a subscription is silent at most.
	heartbeat = 4 * time.Second
	// takeOver is how long a subscription is safe from the next one of the same consumer
	// and shard.
	takeOver = 5 * time.Second
	// pushBytes and pushRecords bound one event.
	pushBytes   = 1 << 20
	pushRecords = 10_000
)

// subscriptionKey is what there is one subscription of at a time.
type subscriptionKey struct {
	consumer string // ARN
	shard    int
}

// fanOut are the subscriptions on this node.
type fanOut struct {
	mu     sync.Mutex
	active map[subscriptionKey]*subscription
}

// begin makes a subscription the one of its consumer and shard, and ends the one before
// if that is old enough.
func (f *fanOut) begin(key subscriptionKey, now time.Time) (*subscription, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if old := f.active[key]; old != nil {
		if now.Sub(old.began) < takeOver {
			return nil, false
		}
		old.displace()
	}
	sub := &subscription{key: key, began: now}
	sub.life, sub.displace = context.WithCancel(context.Background())
	f.active[key] = sub
	return sub, true
}

func (f *fanOut) end(sub *subscription) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.active[sub.key] == sub {
		delete(f.active, sub.key)
	}
}

// subscription is one SubscribeToShard under way. It implements service.Events: records
// are read when the client has taken the last ones, so nothing piles up.
type subscription struct {
	s        *Service
	key      subscriptionKey
	began    time.Time
	life     context.Context // ends when another one takes its place
	displace context.CancelFunc

	stream   uint64 // id
	name     name
	consumer *consumer
	shard    int
	next     uint64
	last     sequence // of the newest record that was sent, or where it began
	ended    bool     // the shard has no more, and its children were named
}

// Next implements service.Events.
func (sub *subscription) Next(ctx context.Context) (smithy.Shape, error) {
	if sub.ended {
		return nil, io.EOF
	}
	beat := time.Now().Add(heartbeat)
	for {
		x, sh, err := sub.look()
		if err != nil {
			return nil, err
		}
		if !time.Now().Before(sub.began.Add(subscriptionLife)) {
			return nil, io.EOF
		}
		page, err := sh.handle.Read(ctx, sub.next, pushRecords, pushBytes, nil)
		if err != nil {
			return nil, engineError(err)
		}
		done := sub.s.ended(x, sh, &page)
		if len(page.Records) > 0 || done || !time.Now().Before(beat) {
			return sub.event(x, sh, &page, done), nil
		}
		if err := sub.wait(ctx, sh, beat); err != nil {
			return nil, err
		}
	}
}

// look finds the shard anew: the stream, the consumer or the subscription may have ended.
func (sub *subscription) look() (*stream, *shard, error) {
	if sub.life.Err() != nil {
		return nil, nil, kinesisapi.ResourceInUseException.Newf("Another active subscription exists for this consumer: %s", sub.key.consumer)
	}
	x, sh, err := sub.s.iterated(iterator{stream: sub.stream, shard: sub.shard, name: sub.name}, time.Now())
	if err != nil {
		return nil, nil, err
	}
	sub.s.mu.RLock()
	of := sub.s.consumers[sub.name][sub.consumer.consumer]
	sub.s.mu.RUnlock()
	if of == nil || of.Created != sub.consumer.Created {
		return nil, nil, missingConsumer(sub.name, sub.consumer.consumer)
	}
	return x, sh, nil
}

// wait returns when there may be something to say.
func (sub *subscription) wait(ctx context.Context, sh *shard, beat time.Time) error {
	until := beat
	if end := sub.began.Add(subscriptionLife); end.Before(until) {
		until = end
	}
	waiting, cancel := context.WithDeadline(ctx, until)
	defer cancel()
	defer context.AfterFunc(sub.life, cancel)()
	err := sh.handle.Wait(waiting, sub.next)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil, waiting.Err() != nil:
		return nil
	case errors.Is(err, engine.ErrClosed), errors.Is(err, engine.ErrNoShard):
		// The catalog knows a moment later.
		select {
		case <-time.After(reroutePause):
		case <-waiting.Done():
		}
		return nil
	}
	return engineError(err)
}

// event is what is pushed. The number to continue after is that of the newest record, or
// where the subscription began; at the end of a shard there is none, but its children.
func (sub *subscription) event(x *stream, sh *shard, page *engine.Page, done bool) *kinesisapi.SubscribeToShardEvent {
	out := &kinesisapi.SubscribeToShardEvent{Records: shown(sh, page.Records), MillisBehindLatest: new(behind(sh, page, time.Now()))}
	x.traffic.read(page.Records)
	if n := len(page.Records); n > 0 {
		r := &page.Records[n-1]
		sub.last = sh.number(r.Seq, r.Time)
	} else if page.Next > 0 && page.Next-1 > sub.last.index {
		sub.last = sh.number(page.Next-1, time.Now().UnixMilli()) // what was there has expired
	}
	sub.next = page.Next
	if done {
		sub.ended = true
		out.ChildShards = x.children(sh)
		return out
	}
	out.ContinuationSequenceNumber = new(sub.last.String())
	return out
}

// Close implements service.Events.
func (sub *subscription) Close() { sub.s.fanOut.end(sub); sub.displace() }

var _ service.Events = (*subscription)(nil)
