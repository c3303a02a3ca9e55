package sqs

import (
	"encoding/json"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/queue"
)

// Kinds of catalog records.
const (
	kindQueue    = "sqs.queue"    // region/account/name: record
	kindDeleted  = "sqs.deleted"  // region/account/name: unix ms of the deletion
	kindMoveTask = "sqs.movetask" // task id: taskRecord
	kindLastMove = "sqs.lastmove" // ARN of a source: id of its latest task
	kindKey      = "sqs.key"      // "receipt": secret of receipt handles
)

// name names a queue.
type name struct{ region, account, queue string }

func (n name) key() string { return n.region + "/" + n.account + "/" + n.queue }

func parseKey(key string) (name, bool) {
	region, rest, ok := strings.Cut(key, "/")
	account, queue, ok2 := strings.Cut(rest, "/")
	return name{region, account, queue}, ok && ok2
}

// arn is the queue's ARN.
func (n name) arn() string { return "arn:aws:sqs:" + n.region + ":" + n.account + ":" + n.queue }

// nameOf takes a queue's ARN apart.
func nameOf(s string) (name, bool) {
	a, err := arn.Parse(s)
	if err != nil || a.Partition != arn.Partition || a.Service != "sqs" || a.Region == "" || a.Account == "" || a.Resource == "" {
		return name{}, false
	}
	return name{a.Region, a.Account, a.Resource}, true
}

// fifo reports whether the name is that of a FIFO queue.
func (n name) fifo() bool { return strings.HasSuffix(n.queue, ".fifo") }

// record is a queue as the catalog stores it, in JSON.
type record struct {
	ID uint64 `json:"id"`
	// Attributes are those that were set; the others have their default.
	Attributes map[string]string `json:"attributes,omitempty"`
	Tags       map[string]string `json:"tags,omitempty"`
	// DedupByGroup is the deduplication scope at creation, which stays in force
	// whatever the attribute says later (recorded from AWS).
	DedupByGroup bool  `json:"dedupByGroup,omitempty"`
	Created      int64 `json:"created"`  // unix ms
	Modified     int64 `json:"modified"` // unix ms
	Purged       int64 `json:"purged,omitempty"`
}

// Queue is one queue as the operations see it. It never changes: a change of the
// catalog makes a new one.
type Queue struct {
	name
	record
	ARN     string
	policy  *policy.Document // nil for none
	redrive *redrivePolicy   // nil for none
	number  map[string]int64 // numeric attributes in force
	handle  *queue.Queue
}

// FIFO reports whether it is a FIFO queue.
func (q *Queue) FIFO() bool { return q.fifo() }

// Handle is the queue in the engine.
func (q *Queue) Handle() *queue.Queue { return q.handle }

// queueChanged hears of every queue record, in order. It is the only writer of
// the registry.
func (s *Service) queueChanged(key string, value []byte) {
	n, ok := parseKey(key)
	if !ok {
		s.logger.Error("catalog: malformed queue key", "key", key)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.queues[n]
	if old != nil && old.redrive != nil {
		delete(s.sources[old.redrive.target], n)
	}
	var r record
	if value != nil {
		if err := json.Unmarshal(value, &r); err != nil {
			s.logger.Error("catalog: malformed queue record", "queue", key, "error", err)
			return
		}
	}
	if old != nil && (value == nil || old.ID != r.ID) {
		s.engine.Delete(old.ID)
		delete(s.byID, old.ID)
		delete(s.queues, n)
	}
	if value != nil {
		s.put(n, r)
	}
	if old == nil || value == nil || old.ID != r.ID {
		for source := range s.sources[n] {
			if q := s.queues[source]; q != nil {
				s.put(source, q.record) // its dead-letter queue came or went
			}
		}
	}
}

// put makes the queue known to the service and the engine. s.mu is held.
func (s *Service) put(n name, r record) {
	q := &Queue{name: n, record: r, ARN: n.arn(), number: numbers(r.Attributes)}
	if text := r.Attributes[attrPolicy]; text != "" {
		p, err := policy.Parse(text)
		if err != nil {
			// It was checked when it was set. Never fall back to an open queue.
			s.logger.Error("queue policy cannot be read: it denies everything", "queue", q.ARN, "error", err)
			p = &policy.Document{}
		}
		q.policy = p
	}
	if text := r.Attributes[attrRedrivePolicy]; text != "" {
		if p, err := parseRedrivePolicy(text); err == nil {
			q.redrive = p
			if s.sources[p.target] == nil {
				s.sources[p.target] = make(map[name]struct{})
			}
			s.sources[p.target][n] = struct{}{}
		}
	}
	q.handle = s.engine.Declare(r.ID, s.spec(q))
	s.queues[n] = q
	s.byID[r.ID] = q
}

// spec is the queue as the engine has to treat it. s.mu is held.
func (s *Service) spec(q *Queue) queue.Spec {
	spec := queue.Spec{
		FIFO:        q.FIFO(),
		Lease:       q.number[attrVisibilityTimeout] * 1000,
		Delay:       q.number[attrDelaySeconds] * 1000,
		Retention:   q.number[attrRetention] * 1000,
		MaxInFlight: s.limits.MaxInFlight,
	}
	if q.redrive != nil {
		if q.redrive.target == q.name {
			spec.DeadLetter = q.ID
		} else if target := s.queues[q.redrive.target]; target != nil {
			spec.DeadLetter = target.ID
		}
		spec.MaxDeliveries = uint32(q.redrive.MaxReceiveCount)
	}
	return spec
}

// lookup returns a queue by name, or nil.
func (s *Service) lookup(n name) *Queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.queues[n]
}

// lookupID returns a queue by its id in the engine, or nil.
func (s *Service) lookupID(id uint64) *Queue {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.byID[id]
}

// sourcesOf returns the queues that dead-letter into n, sorted by name.
func (s *Service) sourcesOf(n name) []name {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.SortedFunc(maps.Keys(s.sources[n]), compareNames)
}

func compareNames(a, b name) int { return strings.Compare(a.key(), b.key()) }

// Queues yields all queues, in no order; for metrics.
func (s *Service) Queues() iter.Seq[*Queue] {
	s.mu.RLock()
	all := slices.Collect(maps.Values(s.queues))
	s.mu.RUnlock()
	return slices.Values(all)
}

func millis(t time.Time) int64 { return t.UnixMilli() }
