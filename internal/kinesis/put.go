package kinesis

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/service"
	engine "github.com/spillway/spillway/internal/stream"
)

// entry is a record to put, and what became of it.
type entry struct {
	key     string
	data    []byte
	hash    hash
	shard   *shard
	number  sequence
	failure error // nil if it is stored
}

// newEntry checks a record. A hash key in the request wins over that of the partition
// key; in a stream that spreads its records neither matters.
func newEntry(x *stream, partitionKey *string, data []byte, explicit *string) (entry, error) {
	e := entry{key: deref(partitionKey), data: data}
	if n := len(data) + len(e.key); n > x.maxRecord() {
		return e, invalid("Record size of %d bytes exceeds the limit of %d bytes of stream %s.", n, x.maxRecord(), x.stream)
	}
	if x.Spread {
		e.hash = hash{rand.Uint64(), rand.Uint64()}
		return e, nil
	}
	e.hash = hashOf(e.key)
	if explicit != nil {
		h, ok := parseHash(*explicit)
		if !ok {
			return e, invalid("Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was %s", *explicit)
		}
		e.hash = h
	}
	return e, nil
}

const (
	// rerouteTime bounds how long a put looks for the shards that replace closed ones.
	rerouteTime  = 5 * time.Second
	reroutePause = 10 * time.Millisecond
)

// store appends the entries to their shards, all shards at the same time; within one in
// order. What meets a shard that was just closed goes on to its children. Each entry
// says what became of it.
func (s *Service) store(ctx context.Context, x *stream, entries []*entry) {
	if closed := s.append(x, entries); len(closed) > 0 {
		s.reroute(ctx, x, closed)
	}
}

// reroute stores entries whose shards are closed in those that replace them.
func (s *Service) reroute(ctx context.Context, x *stream, entries []*entry) {
	ctx, cancel := context.WithTimeout(ctx, rerouteTime)
	defer cancel()
	for len(entries) > 0 {
		next, err := s.replaced(ctx, x)
		if err != nil {
			for _, e := range entries {
				e.failure = err
			}
			return
		}
		x, entries = next, s.append(next, entries)
	}
}

// replaced is the stream with shards that another call, or node, made.
func (s *Service) replaced(ctx context.Context, x *stream) (*stream, error) {
	next, err := s.shown(ctx, x.name)
	switch {
	case err != nil:
		return nil, err
	case next.ID != x.ID:
		return nil, x.missing()
	case next == x && !pause.For(ctx, reroutePause):
		return nil, kinesisapi.InternalFailureException.New("Internal Service Failure")
	}
	return next, nil
}

// append is one attempt of store. It returns the entries whose shard is closed.
func (s *Service) append(x *stream, entries []*entry) (closed []*entry) {
	var targets []*engine.Target
	var order [][]*entry // of each target
	at := make(map[*shard]int)
	for _, e := range entries {
		e.shard = x.route(e.hash)
		if s.config.Throttle && !s.rates.write(e.shard.ID, len(e.data)+len(e.key), time.Now()) {
			x.traffic.writesRefused.Add(1)
			e.failure = rateExceeded(x, e.shard)
			continue
		}
		i, ok := at[e.shard]
		if !ok {
			i = len(targets)
			at[e.shard] = i
			targets = append(targets, &engine.Target{Shard: e.shard.handle})
			order = append(order, nil)
		}
		targets[i].Records = append(targets[i].Records, engine.Record{Key: e.key, Data: e.data, Header: x.header()})
		order[i] = append(order[i], e)
	}
	engine.AppendEach(targets)
	for i, t := range targets {
		if t.Err == nil {
			x.traffic.wrote(t.Records)
		}
		if errors.Is(t.Err, engine.ErrClosed) {
			closed = append(closed, order[i]...)
			continue
		}
		for j, e := range order[i] {
			if e.failure = engineError(t.Err); t.Err == nil {
				e.number = e.shard.number(t.Appended.First+uint64(j), t.Appended.Time)
			}
		}
	}
	return closed
}

// Headers of records: whether the stream was encrypted when they came.
var encrypted = []byte{1}

func (x *stream) header() []byte {
	if x.KeyID != "" {
		return encrypted
	}
	return nil
}

// encryption is what answers say of a record or stream.
func encryption(on bool) *string {
	if on {
		return new("KMS")
	}
	return nil
}

func rateExceeded(x *stream, sh *shard) error {
	return kinesisapi.ProvisionedThroughputExceededException.Newf("Rate exceeded for shard %s in stream %s under account %s.", sh.text, x.stream, x.account)
}

func dryRun() error {
	return kinesisapi.DryRunOperationException.New("The request would have succeeded, but the DryRun parameter was specified.")
}

// writable finds the stream of a put.
func (s *Service) writable(c *service.Call, byName, byARN *string) (*stream, error) {
	n, err := streamName(c, byName, byARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	if x.state(c.Now.UnixMilli()) == stateCreating {
		return nil, n.missing()
	}
	return x, nil
}

// checkOrdering checks SequenceNumberForOrdering, which decides nothing: a shard's
// numbers only grow.
func checkOrdering(x *stream, number *string, now time.Time) error {
	if number == nil {
		return nil
	}
	latest := now.Unix() + 1
	for _, sh := range x.open {
		latest = max(latest, sh.Created) // a moment ahead of the clock after a resharding
	}
	q, foreign, ok := parseSequence(*number)
	if !ok || !foreign && q.time > latest {
		return invalid("ExclusiveMinimumSequenceNumber %s used in PutRecord on stream %s under account %s is invalid.", *number, x.stream, x.account)
	}
	return nil
}
