package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/spillway/spillway/internal/store/folder"
	"github.com/spillway/spillway/internal/store/values"
)

// ErrClosed is returned by everything that is called after Close.
var ErrClosed = errors.New("store: closed")

// ErrLocked is returned by Open when another process has the data folder open.
var ErrLocked = errors.New("data folder is in use by another process")

// Options say where a store is and how much it may use. The zero value of each
// field but Dir is a good default.
type Options struct {
	// Dir is the data folder; made if it does not exist. Ignored with Memory.
	Dir string
	// FS is the file system; nil is the disk.
	FS vfs.FS
	// Memory keeps everything in RAM and nothing after Close. Batches are then
	// durable as soon as they are applied.
	Memory bool
	// Replicated is for stores whose batches are durable in a log that several
	// machines keep: no log is written here, and what was applied becomes durable
	// with Flush or when the engine flushes by itself. In order: what survives a
	// crash is all that was applied up to some batch.
	Replicated bool
	// CacheBytes bounds the block cache, which also accounts for memtables:
	// default 64 MiB. Larger is faster with backlogs that do not fit, smaller
	// reads the disk more. It is filled as blocks are read, not at start.
	CacheBytes int64
	// ReadOnly opens an existing folder without changing it: for checks. The
	// folder must not be open elsewhere.
	ReadOnly bool
	// Logger gets what the operator should know; nil discards it.
	Logger *slog.Logger
	// MinFreeBytes is the free space below which the store is Full: default
	// 256 MiB, negative for no limit. The space in reserve is what deletes,
	// compactions and a clean shutdown need.
	MinFreeBytes int64

	valueFileBytes int64 // for tests: where value files end
}

const (
	// closeFailedAfter is how long Close waits for an engine that has failed.
	closeFailedAfter = 2 * time.Second
	// releaseAfter is well above what Pebble's Close needs to take two locks.
	releaseAfter = 50 * time.Millisecond

	defaultCacheBytes   = 64 << 20
	defaultMinFreeBytes = 256 << 20
)

// Store is an open data folder. Its methods may be called from any goroutine.
type Store struct {
	db        *pebble.DB
	fs        vfs.FS
	dir       string
	memory    bool
	noLog     bool // Pebble writes no log: memory, or replicated
	logger    *slog.Logger
	lock      io.Closer // of the folder; nil with Memory
	opts      *pebble.Options
	freeze    *freezer
	space     spaceMonitor
	values    *values.Files
	collector collector
	pool      sync.Pool // of *Batch

	closeOnce sync.Once
	closeErr  error
	closed    atomic.Bool

	// users counts the calls that are inside Pebble, so that Close can wait for
	// them and a late one gets ErrClosed instead of Pebble's panic. It is not a
	// lock, because a Scan's callback may read, too.
	users atomic.Int64
	idle  chan struct{} // gets a value when users falls to 0 while closing

	fail failure
}

// failure remembers why a store must not be written any more.
type failure struct {
	mu       sync.Mutex // guards err
	err      error
	happened chan struct{} // closed with the first error
}

// Open opens the data folder, which it makes and locks. It returns ErrLocked if
// another process has it, ErrNewer if a newer version of Spillway made it.
func Open(o Options) (s *Store, err error) {
	o = o.withDefaults()
	s = &Store{fs: o.FS, dir: o.Dir, memory: o.Memory, noLog: o.Memory || o.Replicated, logger: o.Logger}
	s.fail.happened = make(chan struct{})
	s.idle = make(chan struct{}, 1)
	s.pool.New = func() any { return new(Batch) }
	if s.memory {
		// no folder
	} else if err := s.openFolder(o.ReadOnly); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && s.lock != nil {
			s.lock.Close()
		}
	}()
	if s.values, err = values.Open(s.fs, s.fs.PathJoin(s.dir, valuesFolder), o.valueFileBytes); err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", s.dir, err)
	}
	if err := s.openEngine(o); err != nil {
		return nil, fmt.Errorf("open data folder %s: %w", s.dir, err)
	}
	if !s.memory && !o.ReadOnly && o.MinFreeBytes > 0 {
		s.space.start(s.fs, s.dir, uint64(o.MinFreeBytes), s.logger)
	}
	if !s.memory && !o.ReadOnly {
		s.collector.start(s)
	}
	return s, nil
}

func (o Options) withDefaults() Options {
	if o.FS == nil {
		o.FS = vfs.Default
	}
	if o.Memory {
		o.FS, o.Dir, o.ReadOnly = vfs.NewMem(), "memory", false
	}
	if o.CacheBytes <= 0 {
		o.CacheBytes = defaultCacheBytes
	}
	if o.MinFreeBytes == 0 {
		o.MinFreeBytes = defaultMinFreeBytes
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return o
}

// openFolder makes, locks and identifies the folder.
func (s *Store) openFolder(readOnly bool) (err error) {
	if readOnly {
		if _, err := s.fs.Stat(s.dir); err != nil {
			return fmt.Errorf("open data folder: %w", err)
		}
	} else if err := folder.Make(s.fs, s.dir); err != nil {
		return fmt.Errorf("make data folder: %w", err)
	}
	path := s.fs.PathJoin(s.dir, "LOCK")
	lock, err := s.fs.Lock(path)
	if err != nil {
		if errors.Is(err, fs.ErrPermission) && !lockHeld(err) {
			return fmt.Errorf("lock data folder: %w", err)
		}
		return fmt.Errorf("%w: %s (%w)", ErrLocked, path, err)
	}
	if err := s.checkVersion(readOnly); err != nil {
		lock.Close()
		return err
	}
	s.lock = lock
	return nil
}

// Close flushes what is in memory, so that the next start has nothing to replay,
// and releases the folder. Readers and writers must have ended. It may be called
// more than once.
func (s *Store) Close() error {
	s.closeOnce.Do(func() { s.closeErr = s.close() })
	return s.closeErr
}

func (s *Store) close() error {
	s.space.stop()
	s.collector.stop()
	s.closed.Store(true)
	ended := make(chan error, 1)
	go func() { ended <- s.closeEngine() }()
	select {
	case err := <-ended:
		return errors.Join(err, s.unlock())
	case <-s.fail.happened:
	}
	// Pebble may be stuck for good. What is on disk is as it was when the store
	// failed, with or without its help.
	select {
	case <-ended: //nolint:errcheck // the failure that led here is the one to report
	case <-time.After(closeFailedAfter):
	}
	return errors.Join(s.Err(), s.unlock())
}

// closeEngine waits for those who are inside the engine, and closes it.
func (s *Store) closeEngine() (err error) {
	for s.users.Load() > 0 {
		<-s.idle
	}
	if s.Err() == nil && !s.opts.ReadOnly && !s.memory {
		flushed, e := s.db.AsyncFlush()
		if err = e; err == nil {
			select {
			case <-flushed:
			case <-s.fail.happened:
			}
		}
	}
	closed := make(chan struct{})
	var releasing sync.WaitGroup
	releasing.Go(func() { s.releaseWhenFailed(closed) })
	err = errors.Join(err, s.db.Close(), s.values.Close(), s.Err())
	close(closed)
	releasing.Wait()
	return err
}

// releaseWhenFailed lets the engine's background work go on, with errors, if the
// store has failed or does so before closed is closed: the engine waits for that
// work. But it must know before that it is being closed, or it tries again at
// once, and again.
func (s *Store) releaseWhenFailed(closed <-chan struct{}) {
	select {
	case <-closed:
		return
	case <-s.fail.happened:
	}
	select {
	case <-closed:
	case <-time.After(releaseAfter):
		s.freeze.release()
	}
}

// enter must precede every use of Pebble, and leave follow it if it returned true.
func (s *Store) enter() bool {
	s.users.Add(1)
	if s.closed.Load() {
		s.leave()
		return false
	}
	return true
}

func (s *Store) leave() {
	if s.users.Add(-1) == 0 && s.closed.Load() {
		select {
		case s.idle <- struct{}{}:
		default:
		}
	}
}

func (s *Store) unlock() error {
	if s.lock == nil {
		return nil
	}
	return s.lock.Close()
}

// Err is nil while the store can be written, and else says why it cannot.
func (s *Store) Err() error {
	s.fail.mu.Lock()
	defer s.fail.mu.Unlock()
	return s.fail.err
}

// Failed is closed when the store can no longer be written: see Err.
func (s *Store) Failed() <-chan struct{} { return s.fail.happened }

// failed records the first error that ended the store.
func (s *Store) failed(err error) {
	s.fail.mu.Lock()
	defer s.fail.mu.Unlock()
	if s.fail.err != nil {
		return
	}
	s.fail.err = fmt.Errorf("store failed, restart to recover: %w", err)
	s.logger.Error("the store failed: nothing more is written until a restart", "dir", s.dir, "error", err)
	s.freeze.freeze()
	close(s.fail.happened)
}
