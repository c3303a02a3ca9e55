package cluster

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"

	"github.com/spillway/spillway/internal/pause"
	"github.com/spillway/spillway/internal/store"
)

// Re-seeding: a replica that is new, was away for longer than the log reaches back,
// or found its log damaged takes the partition's whole content from a peer's store.
//
// The peer holds a snapshot and answers for the records after a key, a chunk at a
// time, so the receiver sets the pace, can ask for any chunk again, and goes on
// where it was when the connection comes back. A chunk:
//
//	flags 1 (1: the last) | { key length 4 | value length 4 | key | value }... | CRC-32C 4
const (
	chunkBytes  = 1 << 20
	chunkLast   = 1
	seedCall    = 10 * time.Second
	seedTries   = 30
	seedPause   = 500 * time.Millisecond
	openRequest = 2
	readRequest = 8
)

var (
	errChunk  = errors.New("damaged chunk")
	errNoPeer = errors.New("no peer has the partition to copy from at the moment")
)

// takeSeed replaces the content of a partition by what a peer has, and then by
// nothing newer: the log goes on from there.
func (n *Node) takeSeed(ctx context.Context, r *replica) error {
	peer := n.table.donor(r.id, n.node)
	if peer == "" {
		return fmt.Errorf("partition %d: %w", r.id, errNoPeer)
	}
	began := time.Now()
	id, at, err := n.openSeed(ctx, peer, r)
	if err != nil {
		return fmt.Errorf("copy partition %d from %s: %w", r.id, peer, err)
	}
	defer n.closeSeed(peer, id)
	r.pin(at.seq)
	w := &seedWriter{store: n.store, partition: r.id, at: at}
	if err := w.begin(); err != nil {
		return err
	}
	after := []byte{}
	for last := false; !last; {
		chunk, err := n.readSeed(ctx, peer, id, after)
		if err != nil {
			return fmt.Errorf("copy partition %d from %s: %w", r.id, peer, err)
		}
		if after, last, err = w.write(chunk); err != nil {
			return err
		}
	}
	if err := w.end(); err != nil {
		return err
	}
	r.logger.Info("took the partition from a peer", "peer", peer, "sequence", at.seq, "records", w.records,
		"bytes", w.bytes, "took", time.Since(began).Round(time.Millisecond))
	return nil
}

func (n *Node) openSeed(ctx context.Context, peer string, r *replica) (id uint64, at position, err error) {
	ctx, cancel := context.WithTimeout(ctx, seedCall)
	defer cancel()
	reply, err := n.bus.Call(ctx, peer, callSeedOpen, binary.BigEndian.AppendUint16(nil, r.id))
	if err != nil {
		return 0, at, err
	}
	if len(reply) < 8 {
		return 0, at, fmt.Errorf("it refused: %s", reply)
	}
	if at, err = parsePosition(reply[8:]); err != nil {
		return 0, at, fmt.Errorf("it refused: %q", reply)
	}
	if at.log != r.uuid || at.state != stateApplied {
		return 0, at, errors.New("its copy is not usable")
	}
	return binary.BigEndian.Uint64(reply), at, nil
}

// readSeed asks for a chunk until it arrives whole.
func (n *Node) readSeed(ctx context.Context, peer string, id uint64, after []byte) ([]byte, error) {
	request := append(binary.BigEndian.AppendUint64(nil, id), after...)
	var err error
	for range seedTries {
		var reply []byte
		calling, cancel := context.WithTimeout(ctx, seedCall)
		reply, err = n.bus.Call(calling, peer, callSeedRead, request)
		cancel()
		if err == nil {
			if len(reply) == 0 {
				return nil, errors.New("it does not have the snapshot any more")
			}
			var chunk []byte
			if chunk, err = checkChunk(reply); err == nil {
				return chunk, nil
			}
		}
		if !pause.For(ctx, seedPause) {
			return nil, ctx.Err()
		}
	}
	return nil, err
}

func (n *Node) closeSeed(peer string, id uint64) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second) // also while this node stops
	defer cancel()
	// Not heard, the peer lets go of it by itself.
	_, _ = n.bus.Call(ctx, peer, callSeedClose, binary.BigEndian.AppendUint64(nil, id))
}

// checkChunk verifies a chunk's checksum and takes it off.
func checkChunk(b []byte) ([]byte, error) {
	if len(b) < 5 || crc32.Checksum(b[:len(b)-4], castagnoli) != binary.BigEndian.Uint32(b[len(b)-4:]) {
		return nil, errChunk
	}
	return b[:len(b)-4], nil
}

// seedWriter writes what arrives. Until end, the partition is marked as being
// replaced, so that an interruption starts over instead of using a part.
type seedWriter struct {
	store     *store.Store
	partition uint16
	at        position // of the snapshot
	records   int
	bytes     int64
}

func (w *seedWriter) begin() error {
	b := w.store.NewBatch()
	lo, hi := store.PartitionBounds(w.partition)
	b.DeleteRange(lo, hi)
	seeding := position{state: stateSeeding, log: w.at.log}
	b.Set(positionKey(w.partition), seeding.encode())
	return b.Commit(false)
}

// write stores a chunk and returns its last key.
func (w *seedWriter) write(chunk []byte) (after []byte, last bool, err error) {
	b := w.store.NewBatch()
	own := string(positionKey(w.partition))
	rest := chunk[1:]
	for len(rest) > 0 {
		key, value, left, ok := nextRecord(rest)
		partition, _, _, formed := store.SplitKey(key)
		if !ok || !formed || partition != w.partition {
			b.Discard()
			return nil, false, errChunk
		}
		rest = left
		if string(key) != own {
			b.Set(key, value)
		}
		after = key
		w.records++
		w.bytes += int64(len(key) + len(value))
	}
	return append([]byte(nil), after...), chunk[0]&chunkLast != 0, b.Commit(false)
}

// end makes the copy durable before it says that it is whole.
func (w *seedWriter) end() error {
	if err := w.store.Flush(); err != nil {
		return err
	}
	b := w.store.NewBatch()
	b.Set(positionKey(w.partition), w.at.encode())
	return b.Commit(false)
}

func nextRecord(b []byte) (key, value, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, nil, false
	}
	k, v := int64(binary.BigEndian.Uint32(b)), int64(binary.BigEndian.Uint32(b[4:]))
	if b = b[8:]; k+v > int64(len(b)) {
		return nil, nil, nil, false
	}
	return b[:k], b[k : k+v], b[k+v:], true
}
