package cluster

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/spillway/spillway/internal/store"
)

// position says how far a partition's store has applied the log. It is written in
// the batch that it describes, so the two never differ:
//
//	key    [partition][SpaceLog][1]
//	value  version 1 | state 1 | log's UUID 16 | sequence 8 | hash 16 | epoch 8 | number 8 | time 8 | offset 8
//
// Version 1 had no offset.
type position struct {
	state  byte
	log    uuid
	seq    uint64 // of the last frame applied; 0 for none
	hash   digest // of that frame
	epoch  uint64
	number uint64
	time   int64 // the latest owner's time seen, unix ms
	// offset is how far this node's system clock was ahead of the partition's time when
	// it was last seen, in ms. It belongs to the node, not to the log. 0 also for one
	// that is not known: then the system's clock has to be believed.
	offset int64
}

// States of a position.
const (
	stateApplied byte = 1 // the store is the log up to seq
	stateSeeding byte = 2 // the store is being replaced: nothing in it may be used
)

const (
	positionVersion = 2
	positionSizeV1  = 1 + 1 + 16 + 8 + 16 + 8 + 8 + 8
	positionSize    = positionSizeV1 + 8
)

func positionKey(partition uint16) []byte {
	return store.AppendKey(nil, partition, store.SpaceLog, 1)
}

func (p *position) encode() []byte {
	b := append(make([]byte, 0, positionSize), positionVersion, p.state)
	b = append(b, p.log[:]...)
	b = binary.BigEndian.AppendUint64(b, p.seq)
	b = append(b, p.hash[:]...)
	b = binary.BigEndian.AppendUint64(b, p.epoch)
	b = binary.BigEndian.AppendUint64(b, p.number)
	b = binary.BigEndian.AppendUint64(b, uint64(p.time))
	return binary.BigEndian.AppendUint64(b, uint64(p.offset))
}

func parsePosition(b []byte) (p position, err error) {
	old := len(b) == positionSizeV1 && b[0] == 1
	if !old && (len(b) != positionSize || b[0] != positionVersion) || b[1] < stateApplied || b[1] > stateSeeding {
		return p, errors.New("damaged, or of an unknown version")
	}
	p.state = b[1]
	copy(p.log[:], b[2:])
	p.seq = binary.BigEndian.Uint64(b[18:])
	copy(p.hash[:], b[26:])
	p.epoch = binary.BigEndian.Uint64(b[42:])
	p.number = binary.BigEndian.Uint64(b[50:])
	p.time = int64(binary.BigEndian.Uint64(b[58:]))
	if !old {
		p.offset = int64(binary.BigEndian.Uint64(b[66:]))
	}
	return p, nil
}

// readPosition returns the position of a partition; ok is false for one that was
// never part of a cluster.
func readPosition(r store.Reader, partition uint16) (p position, ok bool, err error) {
	b, ok, err := r.Get(positionKey(partition))
	if err != nil || !ok {
		return p, false, err
	}
	if p, err = parsePosition(b); err != nil {
		return p, false, fmt.Errorf("position of partition %d: %w", partition, err)
	}
	return p, true, nil
}

// check says why f, at sequence seq, cannot be what follows the position; nil if
// it does.
func (p *position) check(seq uint64, f *frame) error {
	switch {
	case f.log != p.log:
		return fmt.Errorf("%w: sequence %d is of another log", errDamaged, seq)
	case seq != p.seq+1 || f.previous != p.seq:
		return fmt.Errorf("%w: sequence %d follows %d, applied up to %d", errDamaged, seq, f.previous, p.seq)
	case f.hash != p.hash:
		return fmt.Errorf("%w: sequence %d does not continue the history that was applied", errDamaged, seq)
	case f.number != p.number+1:
		return fmt.Errorf("%w: sequence %d has number %d after %d", errDamaged, seq, f.number, p.number)
	case f.kind == kindBarrier && f.epoch <= p.epoch, f.kind != kindBarrier && f.epoch != p.epoch:
		return fmt.Errorf("%w: sequence %d is of epoch %d after %d", errDamaged, seq, f.epoch, p.epoch)
	}
	return nil
}

// errDamaged means that this node's copy of the log cannot be followed: the store
// has to be taken from a peer.
var errDamaged = errors.New("the log does not continue this replica")

// next is the position after f, whose bytes hash to d, at p.seq+1.
func (p *position) next(f *frame, d digest) position {
	n := *p
	n.state, n.seq, n.hash, n.epoch, n.number = stateApplied, p.seq+1, d, f.epoch, f.number
	n.time = max(p.time, f.time)
	return n
}
