package partition

import (
	"fmt"
	"runtime/debug"
	"time"

	"github.com/spillway/spillway/internal/store"
)

// loop is the state of the loop goroutine.
type loop struct {
	tx     Tx
	clock  clock
	number uint64    // of the last batch
	taken  []Command // from the inbox; those before next are run
	next   int
	batch  *store.Batch // empty, or nil
	timer  *time.Timer
	due    time.Time // when Advance is to be called; zero for never
	// current is the command that runs, so that it is answered if it panics.
	current Command
}

// runLoop is the loop goroutine.
func (p *Partition) runLoop() {
	l := &p.loop
	l.timer = time.NewTimer(time.Hour)
	defer close(p.items)
	defer l.timer.Stop()
	for p.waitForWork() {
		it := <-p.free // first wait for room, then take what has come until then
		p.take()
		it.reset(l.number + 1)
		l.number++
		p.round(it)
		if !p.handOver(it) {
			break
		}
	}
	if l.batch != nil {
		l.batch.Discard()
	}
	p.mu.Lock()
	refusal := p.refusal
	p.mu.Unlock()
	for _, c := range l.taken[l.next:] {
		c.Done(refusal)
	}
}

// waitForWork returns true when there is something to do, and false when the
// partition is to end.
func (p *Partition) waitForWork() bool {
	l := &p.loop
	for {
		p.mu.Lock()
		work := l.next < len(l.taken) || len(p.inbox) > 0
		wake, closing, failed := p.wake, p.closing, p.err != nil
		p.mu.Unlock()
		switch {
		case failed:
			return false
		case work:
			return true
		case closing:
			return false
		case wake:
			return true
		case l.due.IsZero():
			<-p.notify
			continue
		}
		delay := l.due.Sub(l.clock.now())
		if delay <= 0 {
			return true
		}
		l.timer.Reset(delay)
		select {
		case <-p.notify:
		case <-l.timer.C:
		}
	}
}

// take takes everything from the inbox, unless some of the last is still left.
func (p *Partition) take() {
	l := &p.loop
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wake = false
	if l.next < len(l.taken) {
		return
	}
	l.taken, p.inbox, l.next = p.inbox, l.taken[:0], 0
}

// round builds one batch: commands until it is full, then what time demands.
func (p *Partition) round(it *item) {
	l := &p.loop
	if l.batch == nil {
		l.batch = p.store.NewBatch()
	}
	tx := &l.tx
	tx.Batch, tx.item, tx.forced, tx.deferred = l.batch, it, false, 0
	tx.Now = l.clock.now()
	tx.NowMillis = tx.Now.UnixMilli()
	it.started = time.Now()
	forced, ok := p.runCommands(it)
	if !ok {
		return
	}
	if l.batch.Empty() {
		return
	}
	it.bytes = l.batch.Size()
	p.append(it, forced)
}

// runCommands fills the batch. forced tells whether it must be synced. If a
// command or a machine panics, the item is marked failed and ok is false.
func (p *Partition) runCommands(it *item) (forced, ok bool) {
	l := &p.loop
	defer func() {
		if r := recover(); r != nil {
			p.logger.Error("panic in a partition", "panic", r, "stack", string(debug.Stack()))
			it.failed = fmt.Errorf("panic: %v", r)
			if l.current != nil {
				it.commands = append(it.commands, l.current)
				l.current = nil
			}
			ok = false
		}
	}()
	tx := &l.tx
	for l.next < len(l.taken) && tx.written() < p.batchLimit {
		c := l.taken[l.next]
		l.taken[l.next] = nil
		l.next++
		it.count++
		before := tx.written()
		l.current, tx.relaxed = c, false
		c.Run(tx)
		l.current = nil
		if tx.relaxed {
			c.Done(nil)
			continue
		}
		forced = forced || tx.written() != before
		it.commands = append(it.commands, c)
		if !forced {
			it.early++
		}
	}
	l.due = time.Time{}
	for _, m := range p.machines {
		if next := m.Advance(tx); !next.IsZero() && (l.due.IsZero() || next.Before(l.due)) {
			l.due = next
		}
	}
	return forced || tx.forced, true
}

// append hands the batch to the log.
func (p *Partition) append(it *item, sync bool) {
	l := &p.loop
	p.mu.Lock()
	p.appending = it
	p.mu.Unlock()
	it.commit, it.failed = p.log.Append(l.batch, sync)
	l.batch = nil
	p.mu.Lock()
	p.appending = nil
	p.mu.Unlock()
}

// handOver passes the item on to be completed. It returns false if the loop must
// end because the item failed; the completion goroutine then fails the partition,
// after everything before it.
func (p *Partition) handOver(it *item) bool {
	idle := len(p.free) == p.depth-1 // all but this one are back
	if idle && it.commit == nil && it.failed == nil {
		// Nothing was written and all before is durable: answered without the
		// detour through the other goroutine.
		p.completed.Store(it.number)
		it.answer(nil)
		p.free <- it
		return true
	}
	failed := it.failed // it belongs to the completion goroutine from here on
	p.items <- it
	return failed == nil
}
