package queue

import (
	"encoding/binary"
	"fmt"

	"github.com/spillway/spillway/internal/queue/core"
	"github.com/spillway/spillway/internal/store"
)

// journal turns what core writes and reads into keys and values of the store,
// for one queue during one call.
type journal struct {
	batch     *store.Batch
	reader    store.Reader
	partition uint16
	queue     uint64

	key, value []byte // scratch
}

func (j *journal) at(space store.Space, a uint64) []byte {
	j.key = store.AppendKey(j.key[:0], j.partition, space, j.queue, a)
	return j.key
}

func (j *journal) at2(space store.Space, a, b uint64) []byte {
	j.key = store.AppendKey(j.key[:0], j.partition, space, j.queue, a, b)
	return j.key
}

// PutMessage implements core.Journal, as do the methods below.
func (j *journal) PutMessage(seq uint64, record []byte) {
	j.batch.Set(j.at(store.SpaceMessage, seq), record)
}

func (j *journal) DropMessage(seq uint64, size int) {
	j.batch.DeleteSized(j.at(store.SpaceMessage, seq), uint32(size))
}

func (j *journal) DropMessages(from, to uint64) { j.dropRange(store.SpaceMessage, from, to) }

func (j *journal) dropRange(space store.Space, from, to uint64) {
	lo := store.AppendKey(nil, j.partition, space, j.queue, from)
	hi := store.AppendKey(nil, j.partition, space, j.queue, to)
	j.batch.DeleteRange(lo, hi)
}

func (j *journal) PutState(seq uint64, s *core.State) {
	j.value = s.Append(j.value[:0])
	j.batch.Set(j.at(store.SpaceState, seq), j.value)
}

func (j *journal) DropState(seq uint64) { j.batch.Delete(j.at(store.SpaceState, seq)) }

func (j *journal) PutDelayed(due int64, seq uint64) {
	j.batch.Set(j.at2(store.SpaceDelayed, uint64(due), seq), nil)
}

func (j *journal) DropDelayed(due int64, seq uint64) {
	j.batch.Delete(j.at2(store.SpaceDelayed, uint64(due), seq))
}

func (j *journal) SetDelayCount(second int64, n uint64) {
	key := j.at(store.SpaceDelayCount, uint64(second))
	if n == 0 {
		j.batch.Delete(key)
		return
	}
	j.value = binary.BigEndian.AppendUint64(j.value[:0], n)
	j.batch.Set(key, j.value)
}

func (j *journal) PutDedup(seq uint64, d *core.Dedup) {
	j.value = d.Append(j.value[:0])
	j.batch.Set(j.at(store.SpaceDedup, seq), j.value)
}

func (j *journal) DropDedup(from, to uint64) { j.dropRange(store.SpaceDedup, from, to) }

func (j *journal) PutTransfer(source, seq uint64) {
	j.batch.Set(j.at2(store.SpaceTransfer, source, seq), nil)
}

func (j *journal) DropTransfer(source, seq uint64) {
	j.batch.Delete(j.at2(store.SpaceTransfer, source, seq))
}

func (j *journal) PutQueue(r *core.Record) {
	j.value = r.Append(j.value[:0])
	j.key = store.AppendKey(j.key[:0], j.partition, store.SpaceQueue, j.queue)
	j.batch.Set(j.key, j.value)
}

func (j *journal) Purge() {
	j.dropAll(store.SpaceMessage, store.SpaceState, store.SpaceDelayed, store.SpaceDelayCount, store.SpaceDedup)
}

func (j *journal) dropAll(spaces ...store.Space) {
	for _, space := range spaces {
		lo, hi := store.Bounds(j.partition, space, j.queue)
		j.batch.DeleteRange(lo, hi)
	}
}

// dropQueue deletes everything of the queue.
func (j *journal) dropQueue() {
	j.Purge()
	j.dropAll(store.SpaceTransfer, store.SpaceQueue)
}

// Messages implements core.Source, as do the methods below. A store that cannot
// be read stops the partition.
func (j *journal) Messages(from uint64, most, mostBytes int) (records []core.Stored, more bool) {
	lo := store.AppendKey(nil, j.partition, store.SpaceMessage, j.queue, from)
	_, hi := store.Bounds(j.partition, store.SpaceMessage, j.queue)
	size := 0
	err := j.reader.Scan(lo, hi, func(key, value []byte) bool {
		if len(records) == most || size >= mostBytes {
			more = true
			return false
		}
		size += len(value)
		records = append(records, core.Stored{Seq: last(key), Record: append([]byte(nil), value...)})
		return true
	})
	j.must(err)
	return records, more
}

func (j *journal) Message(seq uint64) ([]byte, bool) {
	record, ok, err := j.reader.Get(j.at(store.SpaceMessage, seq))
	j.must(err)
	return record, ok
}

func (j *journal) Delayed(after core.Due, most int) (dues []core.Due, more bool) {
	lo := store.AppendKey(nil, j.partition, store.SpaceDelayed, j.queue, uint64(after.At), after.Seq+1)
	_, hi := store.Bounds(j.partition, store.SpaceDelayed, j.queue)
	err := j.reader.Scan(lo, hi, func(key, _ []byte) bool {
		if len(dues) == most {
			more = true
			return false
		}
		dues = append(dues, core.Due{At: int64(last(key[:len(key)-8])), Seq: last(key)})
		return true
	})
	j.must(err)
	return dues, more
}

func (j *journal) must(err error) {
	if err != nil {
		panic(fmt.Errorf("queue %d: read: %w", j.queue, err))
	}
}

// last is the last part of a key.
func last(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

var (
	_ core.Journal = (*journal)(nil)
	_ core.Source  = (*journal)(nil)
)
