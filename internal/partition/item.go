package partition

import (
	"sync/atomic"
	"time"
)

// item is one batch of commands on its way. Items are reused.
type item struct {
	number   uint64
	started  time.Time
	commands []Command // those not answered by the loop, in order
	// early is how many of the commands, from the first, ran before anything was
	// written to the batch: they wait for the batches before it only.
	early  int
	told   int // commands that are answered, from the first
	hooks  []func(error)
	commit Commit // nil if nothing was written
	failed error  // the batch could not be built or handed over
	bytes  int
	count  int // commands, with those answered at once
	// claimed is taken by whoever answers the commands.
	claimed atomic.Bool
}

func (it *item) reset(number uint64) {
	it.number = number
	it.early, it.told, it.bytes, it.count = 0, 0, 0, 0
	it.commit, it.failed = nil, nil
	it.claimed.Store(false)
}

func (it *item) claim() bool { return it.claimed.CompareAndSwap(false, true) }

// answer tells the hooks and then the commands how the batch ended. Only who has
// claimed the item may call it.
func (it *item) answer(err error) {
	for _, f := range it.hooks {
		f(err)
	}
	if err != nil {
		err = ErrStopped
	}
	for _, c := range it.commands[it.told:] {
		c.Done(err)
	}
	clear(it.commands) // what they hold may be large
	clear(it.hooks)
	it.commands, it.hooks = it.commands[:0], it.hooks[:0]
}

// complete is the completion goroutine: it awaits the batches in order, and
// answers. After the first that failed, everything fails.
func (p *Partition) complete() {
	defer close(p.stopped)
	var failed error
	for it := range p.items {
		if !it.claim() {
			continue // given up by fail, with the loop
		}
		if failed == nil {
			failed = p.await(it)
			if failed != nil {
				p.fail(failed)
			}
		}
		if failed == nil {
			p.completed.Store(it.number)
			if p.observer != nil && it.commit != nil {
				p.observer.Committed(it.count, it.bytes, time.Since(it.started))
			}
		}
		it.answer(failed)
		p.free <- it
	}
}

// await waits for the batch. The commands that do not depend on it are answered
// first.
func (p *Partition) await(it *item) error {
	if it.commit != nil {
		for _, c := range it.commands[:it.early] {
			c.Done(nil)
		}
		it.told = it.early
	}
	if it.failed != nil {
		return it.failed
	}
	if it.commit == nil {
		return nil
	}
	return it.commit.Wait()
}
