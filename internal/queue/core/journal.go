package core

import "sync/atomic"

// Journal takes what must survive a crash. Calls between two commits become
// durable together or not at all.
type Journal interface {
	PutMessage(seq uint64, record []byte)
	DropMessage(seq uint64, size int)
	// DropMessages drops what is left of all messages in [from, to): they are gone
	// already, and so are their tombstones then.
	DropMessages(from, to uint64)
	PutState(seq uint64, s *State)
	DropState(seq uint64)
	PutDelayed(due int64, seq uint64)
	DropDelayed(due int64, seq uint64)
	// SetDelayCount records how many messages are due within a second (unix s).
	SetDelayCount(second int64, n uint64)
	PutDedup(seq uint64, d *Dedup)
	DropDedup(from, to uint64)
	// PutTransfer remembers that message seq of queue source has arrived here.
	PutTransfer(source, seq uint64)
	DropTransfer(source, seq uint64)
	PutQueue(r *Record)
	// Purge drops everything but the queue's record and its transfers.
	Purge()
}

// Stored is a message record read back.
type Stored struct {
	Seq    uint64
	Record []byte // the caller's to keep
}

// Due is an entry of the delay lane read back.
type Due struct {
	At  int64 // unix ms
	Seq uint64
}

// Source reads what is stored. It may or may not show batches that have not
// completed yet. Damage panics: the shell stops the partition then.
type Source interface {
	// Messages reads records in order from sequence on, at most max of them and
	// about maxBytes; more reports that it stopped early.
	Messages(from uint64, max, maxBytes int) (records []Stored, more bool)
	Message(seq uint64) (record []byte, ok bool)
	// Delayed reads the delay lane in order after (at, seq).
	Delayed(after Due, max int) (dues []Due, more bool)
}

// Tx is one step of a queue: the time, the batch it writes to, and what it may
// read. Batch numbers increase; everything up to Completed is durable and can be
// read from the Source.
type Tx struct {
	Now              int64 // unix ms, never goes back
	Batch, Completed uint64
	Journal
	Source
	// Transfer is called for every message that leaves for another queue. The
	// message may be handed to the target once this batch is durable, and again
	// after a restart, until Arrived or Refused is called.
	Transfer func(t Transfer)
}

// Transfer is a message on its way from one queue to another.
type Transfer struct {
	Seq    uint64
	Target uint64
	State  State
	Record []byte // nil when it must be read from the Source
}

// Cache bounds the bytes of records that queues keep in memory for the next
// delivery. It is shared by the queues of a server and safe for concurrent use.
type Cache struct {
	used  atomic.Int64
	limit int64
}

// NewCache returns a cache of limit bytes.
func NewCache(limit int64) *Cache { return &Cache{limit: limit} }

// Used is the number of bytes held.
func (c *Cache) Used() int64 { return c.used.Load() }

// keep attaches the record to the entry if there is room.
func (c *Cache) keep(e *entry, record []byte) {
	if c.used.Load()+int64(len(record)) > c.limit {
		return
	}
	c.used.Add(int64(len(record)))
	e.record = record
}

// drop detaches the entry's record and returns it.
func (c *Cache) drop(e *entry) []byte {
	record := e.record
	if record != nil {
		c.used.Add(-int64(len(record)))
		e.record = nil
	}
	return record
}
