package kinesis

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/spillway/spillway/internal/catalog"
)

// Kinds of catalog records.
const (
	kindStream   = "kinesis.stream"   // region/account/name: streamRecord
	kindConsumer = "kinesis.consumer" // region/account/stream/name: consumerRecord
	kindAccount  = "kinesis.account"  // region/account: accountRecord
	kindKey      = "kinesis.key"      // "iterator": secret of iterators and tokens
)

// Stream states.
const (
	stateCreating = "CREATING"
	stateActive   = "ACTIVE"
	stateUpdating = "UPDATING"
	stateDeleting = "DELETING"
)

// streamRecord is a stream as the catalog stores it, in JSON.
type streamRecord struct {
	ID       uint64        `json:"id"`      // never used again, also not for a stream of the same name
	Created  int64         `json:"created"` // unix ms
	OnDemand bool          `json:"onDemand,omitempty"`
	Hours    int           `json:"hours"`  // of retention
	Shards   []shardRecord `json:"shards"` // in order of index; closed ones until they expire
	Next     int           `json:"next"`   // index of the next shard
	// State holds until Until (unix ms); after that the stream is active, or gone.
	State string `json:"state,omitempty"`
	Until int64  `json:"until,omitempty"`
	// Reshard is what is under way, nil for nothing.
	Reshard *reshardRecord `json:"reshard,omitempty"`

	MaxRecordKiB int               `json:"maxRecordKiB,omitempty"` // 0 for 1024
	KeyID        string            `json:"keyId,omitempty"`        // of encryption, "" for none
	Metrics      []string          `json:"metrics,omitempty"`
	Tags         map[string]string `json:"tags,omitempty"`
	Policy       string            `json:"policy,omitempty"`
	WarmMiBps    int               `json:"warmMiBps,omitempty"`
	Spread       bool              `json:"spread,omitempty"` // records go anywhere: distribution AUTO
	// Switched are the latest changes of mode (unix ms).
	Switched []int64 `json:"switched,omitempty"`
}

// shardRecord is a shard of a stream.
type shardRecord struct {
	Index   int    `json:"index"`
	ID      uint64 `json:"id"` // in the engine
	Start   string `json:"start"`
	End     string `json:"end"`
	Parents []int  `json:"parents,omitempty"` // a parent, and for merged ones the adjacent one
	Created int64  `json:"created"`           // unix s, as its sequence numbers have it
	Closed  int64  `json:"closed,omitempty"`  // unix ms, 0 while it is open
}

// reshardRecord is a resharding under way: shards to close, and those that then replace
// them.
type reshardRecord struct {
	Close []int         `json:"close"`
	Make  []shardRecord `json:"make"`
}

// consumerRecord is a consumer as the catalog stores it, in JSON.
type consumerRecord struct {
	Stream  uint64            `json:"stream"`  // id
	Created int64             `json:"created"` // unix ms
	State   string            `json:"state,omitempty"`
	Until   int64             `json:"until,omitempty"`
	Tags    map[string]string `json:"tags,omitempty"`
	Policy  string            `json:"policy,omitempty"`
}

// accountRecord is what an account has set in a region.
type accountRecord struct {
	Committed bool  `json:"committed,omitempty"` // MinimumThroughputBillingCommitment
	Started   int64 `json:"started,omitempty"`   // unix ms
	Ended     int64 `json:"ended,omitempty"`
}

// state is the stream's state at a time (unix ms).
func (r *streamRecord) state(now int64) string {
	if r.Reshard != nil {
		return stateUpdating
	}
	if now < r.Until {
		return r.State
	}
	return stateActive
}

// deleted reports whether the time of a stream that is being deleted is over.
func (r *streamRecord) deleted(now int64) bool { return r.State == stateDeleting && now >= r.Until }

// maxRecord is the largest record: data and partition key, in bytes.
func (r *streamRecord) maxRecord() int {
	if r.MaxRecordKiB == 0 {
		return 1024 << 10
	}
	return r.MaxRecordKiB << 10
}

// shard returns the shard with an index, or nil.
func (r *streamRecord) shard(index int) *shardRecord {
	i, ok := slices.BinarySearchFunc(r.Shards, index, func(sh shardRecord, index int) int { return sh.Index - index })
	if !ok {
		return nil
	}
	return &r.Shards[i]
}

func get[R any](tx *catalog.Tx, kind, key string) (r R, ok bool, err error) {
	value, ok := tx.Get(kind, key)
	if !ok {
		return r, false, nil
	}
	return r, true, json.Unmarshal(value, &r)
}

func put[R any](tx *catalog.Tx, kind, key string, r *R) error {
	value, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("kinesis: write %s %s: %w", kind, key, err)
	}
	tx.Put(kind, key, value)
	return nil
}
