package store

import (
	"bytes"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"github.com/spillway/spillway/internal/store/values"
)

// valuesFolder is where the values of SetLarge are, under DATA.
const valuesFolder = "values"

const (
	// collectEvery is the shortest pause between two collections.
	collectEvery = time.Minute
	// collectShare is how many times as long as a collection the next pause is.
	collectShare = 20
	// collectRate is how many bytes are taken back in a second, so that who waits for
	// the file system meanwhile does not wait long; but more if that took longer than
	// collectWithin, for what is stored faster has to go as fast.
	collectRate   = 128 << 20
	collectWithin = time.Minute
)

// collector takes back the space of values that were deleted.
type collector struct {
	mu     sync.Mutex  // held while space is taken back, or must not be
	wanted atomic.Bool // something was deleted since the last time
	quit   chan struct{}
	done   sync.WaitGroup
}

// want has the next round look for what can be collected.
func (c *collector) want() { c.wanted.Store(true) }

// start begins the rounds. The first one looks for what a crash left.
func (c *collector) start(s *Store) {
	c.quit = make(chan struct{})
	c.want()
	c.done.Go(func() {
		for pause := collectEvery; ; {
			select {
			case <-c.quit:
				return
			case <-s.Failed():
				return
			case <-time.After(pause):
			}
			pause = collectEvery
			if !c.wanted.Swap(false) {
				continue
			}
			began := time.Now()
			if err := s.collect(); err != nil {
				s.logger.Warn("collect deleted values: it is tried again", "error", err)
				c.want()
			}
			pause = max(pause, collectShare*time.Since(began))
		}
	})
}

func (c *collector) stop() {
	if c.quit != nil {
		close(c.quit)
		c.done.Wait()
	}
}

func (c *collector) stopping() bool {
	select {
	case <-c.quit:
		return true
	default:
		return false
	}
}

// collect takes back what no key points to.
func (s *Store) collect() error {
	if !s.enter() {
		return nil
	}
	defer s.leave()
	marks := s.values.Mark()
	if marks.Empty() {
		return nil
	}
	err := s.eachPointer(func(_ []byte, p values.Pointer) bool {
		marks.Live(p)
		return !s.collector.stopping()
	})
	if err != nil || s.collector.stopping() {
		return err
	}
	// Else a crash could bring keys back whose values are gone.
	if err := s.harden(); err != nil {
		return err
	}
	all, total := marks.Dead(), int64(0)
	for _, dead := range all {
		total += dead.Bytes()
	}
	rate := max(collectRate, total/int64(collectWithin/time.Second))
	for _, dead := range all {
		won, err := s.reclaim(dead)
		if err != nil {
			return err
		}
		if s.Full() {
			rate = 10 * collectRate
		}
		if !s.collector.rest(time.Duration(won) * time.Second / time.Duration(rate)) {
			return nil
		}
	}
	return nil
}

// reclaim takes back some space, unless a backup is being made: then after it.
func (s *Store) reclaim(dead values.Dead) (won int64, err error) {
	s.collector.mu.Lock()
	defer s.collector.mu.Unlock()
	if err := s.Err(); err != nil {
		return 0, err
	}
	return s.values.Reclaim(dead)
}

// rest pauses. It returns false when the store is being closed.
func (c *collector) rest(pause time.Duration) bool {
	select {
	case <-c.quit:
		return false
	case <-time.After(pause):
		return true
	}
}

// harden returns when everything that was applied before the call is durable.
func (s *Store) harden() (err error) {
	if s.noLog {
		return s.Flush()
	}
	defer func() {
		if r := recover(); r != nil {
			s.failed(fmt.Errorf("write-ahead log: %v", r))
			err = s.Err()
		}
	}()
	if err := s.db.LogData(nil, pebble.Sync); err != nil {
		s.failed(fmt.Errorf("write-ahead log: %w", err))
	}
	return s.Err() // see Batch.Wait
}

// eachPointer calls each for all values of SetLarge, until it returns false. It reads no
// other.
func (s *Store) eachPointer(each func(key []byte, p values.Pointer) bool) error {
	return s.iterate(func(iter *pebble.Iterator) error {
		for more := iter.First(); more; {
			partition, _, _, ok := SplitKey(iter.Key())
			if !ok {
				more = iter.Next() // not ours
				continue
			}
			if goOn, err := eachPointerOf(iter, partition, each); err != nil || !goOn {
				return err
			}
			_, end := PartitionBounds(partition)
			more = iter.SeekGE(end)
		}
		return nil
	})
}

// eachPointerOf is eachPointer for a partition; goOn is false if each returned false.
func eachPointerOf(iter *pebble.Iterator, partition uint16, each func([]byte, values.Pointer) bool) (goOn bool, err error) {
	lo, hi := Bounds(partition, SpaceRecord)
	for ok := iter.SeekGE(lo); ok && bytes.Compare(iter.Key(), hi) < 0; ok = iter.Next() {
		value := iter.LazyValue()
		if value.Len() != values.PointerSize {
			continue
		}
		b, _, err := value.Value(nil)
		if err != nil {
			return false, err
		}
		if p, ok := pointer(iter.Key(), b); ok && !each(iter.Key(), p) {
			return false, nil
		}
	}
	return true, nil
}

func (s *Store) iterate(run func(*pebble.Iterator) error) error {
	iter, err := s.db.NewIter(nil)
	if err != nil {
		return err
	}
	if err = run(iter); err == nil {
		err = iter.Error()
	}
	if e := iter.Close(); err == nil {
		err = e
	}
	return err
}
