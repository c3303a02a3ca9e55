package core

import "encoding/binary"

// State is what is stored of a shard beside its records, in every batch that changes
// it. Times are unix ms.
type State struct {
	// First is the oldest record that is stored, Next the sequence of the next one to
	// come. They are equal when there is none.
	First, Next uint64
	// FirstTime: no stored record is older. 0 when there is none.
	FirstTime int64
	Newest    int64 // time of the newest record there ever was, 0 before the first
	// Horizon hides the records before it, whatever the retention is now: what has
	// expired once does not come back.
	Horizon  int64
	ClosedAt int64 // 0 while the shard takes appends
}

// NewState is the state of a shard that nothing is stored of.
func NewState() State { return State{First: firstSequence, Next: firstSequence} }

const (
	firstSequence = 1
	stateVersion  = 1
)

// Cutoff is the time before which records are not shown.
func (s *State) Cutoff(now, retention int64) int64 { return max(s.Horizon, now-retention) }

// AppendState appends the stored form of s.
func (s *State) AppendState(dst []byte) []byte {
	dst = append(dst, stateVersion)
	for _, v := range [...]uint64{s.First, s.Next, uint64(s.FirstTime), uint64(s.Newest), uint64(s.Horizon), uint64(s.ClosedAt)} {
		dst = binary.AppendUvarint(dst, v)
	}
	return dst
}

// ParseState reads what AppendState wrote.
func ParseState(b []byte) (State, error) {
	if len(b) < 1 || b[0] != stateVersion {
		return State{}, ErrRecord
	}
	r := reader{b: b[1:]}
	s := State{
		First: r.number(), Next: r.number(), FirstTime: int64(r.number()), Newest: int64(r.number()),
		Horizon: int64(r.number()), ClosedAt: int64(r.number()),
	}
	if r.bad || len(r.b) > 0 || s.First < firstSequence || s.First > s.Next {
		return State{}, ErrRecord
	}
	return s, nil
}
