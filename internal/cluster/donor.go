package cluster

import (
	"context"
	"encoding/binary"
	"hash/crc32"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/store"
)

const (
	// seedIdle is how long a snapshot is held for a receiver that does not ask, and
	// maxSeeds how many are held at a time: they keep deleted data on disk.
	seedIdle = time.Minute
	maxSeeds = 32
)

// donor gives peers the content of partitions.
type donor struct {
	store *store.Store
	// usable tells whether this node's copy of a partition is whole.
	usable func(partition uint16) bool

	mu    sync.Mutex // guards the rest
	next  uint64
	seeds map[uint64]*seed
}

// seed is one snapshot that is being copied.
type seed struct {
	partition uint16
	view      *store.Snapshot
	busy      sync.Mutex // one chunk at a time
	used      time.Time  // guarded by donor.mu
}

func newDonor(st *store.Store, usable func(uint16) bool) *donor {
	return &donor{store: st, usable: usable, seeds: map[uint64]*seed{}}
}

// open answers with an id and the position of the snapshot, or in words why not.
func (d *donor) open(_ context.Context, request []byte) []byte {
	if len(request) != openRequest {
		return []byte("bad request")
	}
	partition := binary.BigEndian.Uint16(request)
	if !d.usable(partition) {
		return []byte("not whole")
	}
	view, err := d.store.NewSnapshot()
	if err != nil {
		return []byte("closing")
	}
	at, ok, err := readPosition(view, partition)
	if err != nil || !ok || at.state != stateApplied {
		view.Close()
		return []byte("no data")
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.seeds) >= maxSeeds {
		view.Close()
		return []byte("busy")
	}
	d.next++
	// Unlike one of before a restart, so that a receiver notices.
	id := uint64(time.Now().UnixNano())<<8 | d.next&0xff
	d.seeds[id] = &seed{partition: partition, view: view, used: time.Now()}
	at.offset = 0 // of this node's clock
	return append(binary.BigEndian.AppendUint64(nil, id), at.encode()...)
}

// read answers with the chunk after a key, nothing if the snapshot is gone.
func (d *donor) read(_ context.Context, request []byte) []byte {
	if len(request) < readRequest {
		return nil
	}
	d.mu.Lock()
	s := d.seeds[binary.BigEndian.Uint64(request)]
	if s != nil {
		s.used = time.Now()
		s.busy.Lock() // before mu is given up, so that sweep cannot close it
	}
	d.mu.Unlock()
	if s == nil {
		return nil
	}
	defer s.busy.Unlock()
	chunk, err := s.chunk(request[readRequest:])
	if err != nil {
		return nil
	}
	return chunk
}

func (s *seed) chunk(after []byte) ([]byte, error) {
	lo, hi := store.PartitionBounds(s.partition)
	if len(after) > 0 {
		lo = append(append([]byte(nil), after...), 0)
	}
	out := make([]byte, 1, chunkBytes+chunkBytes/4)
	out[0] = chunkLast
	err := s.view.Scan(lo, hi, func(key, value []byte) bool {
		if len(out) >= chunkBytes {
			out[0] = 0
			return false
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(key)))
		out = binary.BigEndian.AppendUint32(out, uint32(len(value)))
		out = append(append(out, key...), value...)
		return true
	})
	return binary.BigEndian.AppendUint32(out, crc32.Checksum(out, castagnoli)), err
}

// close lets go of a snapshot.
func (d *donor) close(_ context.Context, request []byte) []byte {
	if len(request) == readRequest {
		d.drop(func(id uint64, _ *seed) bool { return id == binary.BigEndian.Uint64(request) })
	}
	return []byte("ok")
}

// sweep lets go of what nobody asks for any more; all of it when all is true.
func (d *donor) sweep(all bool) {
	d.drop(func(_ uint64, s *seed) bool { return all || time.Since(s.used) > seedIdle })
}

func (d *donor) drop(which func(id uint64, s *seed) bool) {
	d.mu.Lock()
	var dropped []*seed
	for id, s := range d.seeds {
		if which(id, s) {
			delete(d.seeds, id)
			dropped = append(dropped, s)
		}
	}
	d.mu.Unlock()
	for _, s := range dropped {
		s.busy.Lock() // a chunk that is being read is finished first
		s.view.Close()
		s.busy.Unlock()
	}
}
