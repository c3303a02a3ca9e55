package stream

import (
	"encoding/binary"

	"github.com/spillway/spillway/internal/store"
	"github.com/spillway/spillway/internal/stream/core"
)

// journal turns what core writes into keys and values of the store, for one shard
// during one call.
type journal struct {
	batch     *store.Batch
	partition uint16
	shard     uint64
	large     int      // bytes from which on chunks are stored apart from their keys
	fresh     []cached // the chunks that were put

	key, value []byte // scratch
}

// PutChunk implements core.Journal, as do the methods below.
func (j *journal) PutChunk(last uint64, c core.Chunk) {
	j.key = store.AppendKey(j.key[:0], j.partition, store.SpaceRecord, j.shard, last)
	if len(c.Value) >= j.large {
		j.batch.SetLarge(j.key, c.Value)
	} else {
		j.batch.Set(j.key, c.Value)
	}
	j.fresh = append(j.fresh, cached{first: last - uint64(c.Count) + 1, last: last, value: c.Value})
}

func (j *journal) DropChunks(from, to uint64) {
	j.batch.DeleteRange(recordKey(j.partition, j.shard, from), recordKey(j.partition, j.shard, to))
}

func (j *journal) PutState(s *core.State) {
	j.key = store.AppendKey(j.key[:0], j.partition, store.SpaceShard, j.shard)
	j.value = s.AppendState(j.value[:0])
	j.batch.Set(j.key, j.value)
}

// dropShard deletes everything of the shard.
func (j *journal) dropShard() {
	lo, hi := store.Bounds(j.partition, store.SpaceRecord, j.shard)
	j.batch.DeleteRange(lo, hi)
	j.batch.Delete(store.AppendKey(j.key[:0], j.partition, store.SpaceShard, j.shard))
}

func recordKey(partition uint16, shard, seq uint64) []byte {
	return store.AppendKey(make([]byte, 0, 3+8+8), partition, store.SpaceRecord, shard, seq)
}

// last is the last part of a key.
func last(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

var _ core.Journal = (*journal)(nil)

// source reads a shard's chunks.
type source struct {
	reader    store.Reader
	partition uint16
	shard     uint64
}

// Chunk implements core.Source.
func (s source) Chunk(from, below uint64) (p core.Part, ok bool, err error) {
	lo, hi := recordKey(s.partition, s.shard, from), recordKey(s.partition, s.shard, below)
	var failed error
	err = s.reader.Scan(lo, hi, func(key, value []byte) bool {
		p, failed = core.ParseChunk(last(key), value)
		ok = failed == nil
		return false
	})
	if failed != nil {
		err = failed
	}
	return p, ok, err
}

var _ core.Source = source{}
