package kinesis

import (
	"encoding/json"
	"slices"
	"sort"

	"github.com/spillway/spillway/internal/iam/policy"
	engine "github.com/spillway/spillway/internal/stream"
)

// stream is one stream as the operations see it. It never changes: a change of the
// catalog makes a new one.
type stream struct {
	name
	streamRecord
	ARN    string
	policy *policy.Document // nil for none
	shards []*shard         // in order of index
	open   []*shard         // in order of their ranges, which cover everything

	traffic *traffic // the same for all that the stream becomes
}

// shard is one shard of a stream.
type shard struct {
	shardRecord
	hashRange
	handle *engine.Shard
	text   string // shardID(Index)
}

// consumer is a registered consumer of a stream.
type consumer struct {
	consumerName
	consumerRecord
	ARN    string
	policy *policy.Document
}

const hour = 60 * 60 * 1000 // ms

// streamChanged hears of every stream record, in order.
func (s *Service) streamChanged(key string, value []byte) {
	n, ok := parseKey(key)
	if !ok {
		s.logger.Error("catalog: malformed stream key", "key", key)
		return
	}
	x := &stream{name: n, ARN: n.arn()}
	if value != nil {
		if err := json.Unmarshal(value, &x.streamRecord); err != nil {
			s.logger.Error("catalog: malformed stream record", "stream", key, "error", err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.streams[n]
	if old != nil && old.ID == x.ID {
		x.traffic = old.traffic
	} else {
		x.traffic = &traffic{}
	}
	kept := make(map[uint64]bool)
	for i := range x.Shards {
		r := x.Shards[i]
		kept[r.ID] = true
		x.shards = append(x.shards, s.declare(x, r))
	}
	if old != nil {
		for _, sh := range old.shards {
			if !kept[sh.ID] {
				s.engine.Delete(sh.ID)
			}
		}
	}
	if value == nil {
		delete(s.streams, n)
		return
	}
	for _, sh := range x.shards {
		if sh.Closed == 0 {
			x.open = append(x.open, sh)
		}
	}
	slices.SortFunc(x.open, func(a, b *shard) int { return a.start.compare(b.start) })
	x.policy = s.readPolicy(x.ARN, x.Policy)
	s.streams[n] = x
}

func (s *Service) declare(x *stream, r shardRecord) *shard {
	sh := &shard{shardRecord: r, text: shardID(r.Index)}
	sh.start, _ = parseHash(r.Start) // written by evenRanges and its like
	sh.end, _ = parseHash(r.End)
	sh.handle = s.engine.Declare(r.ID, engine.Spec{Retention: int64(x.Hours) * hour})
	return sh
}

// readPolicy parses what was checked when it was set. Never fall back to an open stream.
func (s *Service) readPolicy(arn, text string) *policy.Document {
	if text == "" {
		return nil
	}
	p, err := policy.Parse(text)
	if err != nil {
		s.logger.Error("resource policy cannot be read: it denies everything", "resource", arn, "error", err)
		return &policy.Document{}
	}
	return p
}

// consumerChanged hears of every consumer record, in order.
func (s *Service) consumerChanged(key string, value []byte) {
	n, ok := parseConsumerKey(key)
	if !ok {
		s.logger.Error("catalog: malformed consumer key", "key", key)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	of := s.consumers[n.name]
	if value == nil {
		delete(of, n.consumer)
		return
	}
	x := &consumer{consumerName: n}
	if err := json.Unmarshal(value, &x.consumerRecord); err != nil {
		s.logger.Error("catalog: malformed consumer record", "consumer", key, "error", err)
		return
	}
	x.ARN = consumerARN(n, x.Created)
	x.policy = s.readPolicy(x.ARN, x.Policy)
	if of == nil {
		of = make(map[string]*consumer)
		s.consumers[n.name] = of
	}
	of[n.consumer] = x
}

// route returns the open shard of a hash key.
func (x *stream) route(h hash) *shard {
	i := sort.Search(len(x.open), func(i int) bool { return x.open[i].end.compare(h) >= 0 })
	return x.open[i] // the ranges cover everything
}

// shardAt returns the shard with an index, or nil.
func (x *stream) shardAt(index int) *shard {
	i, ok := slices.BinarySearchFunc(x.shards, index, func(sh *shard, index int) int { return sh.Index - index })
	if !ok {
		return nil
	}
	return x.shards[i]
}

// expired reports whether all that a closed shard had is past the retention.
func (x *stream) expired(sh *shard, now int64) bool {
	return sh.Closed != 0 && sh.Closed+int64(x.Hours)*hour < now
}

// listed are the shards that the API shows at a time.
func (x *stream) listed(now int64) []*shard {
	return slices.DeleteFunc(slices.Clone(x.shards), func(sh *shard) bool { return x.expired(sh, now) })
}

// first and last are the ends of a shard's sequence numbers.
func (sh *shard) first() sequence {
	return sequence{created: sh.Created, time: sh.Created, shard: uint32(sh.Index)}
}

func (sh *shard) last() sequence {
	return sequence{created: sh.Created, index: lastIndex, time: max(sh.Closed/1000, sh.Created), shard: uint32(sh.Index)}
}

// number is the sequence number of a record.
func (sh *shard) number(seq uint64, at int64) sequence {
	return sequence{created: sh.Created, index: seq, time: max(at/1000, sh.Created), shard: uint32(sh.Index)}
}

func (s *Service) lookup(n name) *stream {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.streams[n]
}

func (s *Service) lookupConsumer(n name, consumer string) *consumer {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.consumers[n][consumer]
}
