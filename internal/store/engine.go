package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
)

const (
	// memtableBytes is what one memtable may grow to; they start at 256 KiB and
	// double, so an idle server stays small. Messages that live briefly die in
	// the memtable and are never written to a table: larger is less disk work,
	// but more memory and a longer replay after a crash.
	memtableBytes = 32 << 20
	memtables     = 4

	// engineFormat pins Pebble's format, so that an update of the library does
	// not silently make folders that the previous release cannot open.
	engineFormat = pebble.FormatValueSeparation
)

// separation has large values written to files of their own, to which tables refer, so
// that compactions do not write them again and again. Chunks of stream records cost half
// the CPU for it, and two thirds of the bytes written (docs/decisions/0003). It comes
// with the pinned format: older folders are read as they are.
func separation() pebble.ValueSeparationPolicy {
	return pebble.ValueSeparationPolicy{
		Enabled: true,
		// Most messages of queues are smaller: they die young, before it would pay.
		MinimumSize: 8 << 10,
		// Tables refer to as many files as they like. Values are read in the order in
		// which they were written, so nothing is gained by writing them again to bring
		// them together, which is what a limit does.
		MaxBlobReferenceDepth: 1 << 20,
		// A file is written again when so much of it is gone, and it is not likely that
		// the rest goes soon.
		TargetGarbageRatio: 0.3,
		RewriteMinimumAge:  5 * time.Minute,
	}
}

// openEngine opens Pebble in dir/db.
func (s *Store) openEngine(o Options) (err error) {
	log := &engineLogger{store: s}
	dir := s.fs.PathJoin(s.dir, "db")
	s.freeze = newFreezer(s.fs, dir, s.failed)
	s.opts = &pebble.Options{
		FS:                          s.freeze,
		ReadOnly:                    o.ReadOnly,
		ErrorIfNotExists:            o.ReadOnly,
		FormatMajorVersion:          engineFormat,
		CacheSize:                   o.CacheBytes,
		DisableWAL:                  s.noLog,
		MemTableSize:                memtableBytes,
		MemTableStopWritesThreshold: memtables,
		L0CompactionThreshold:       4,
		L0StopWritesThreshold:       24,
		LBaseMaxBytes:               64 << 20,
		MaxOpenFiles:                1000,
		CompactionConcurrencyRange:  func() (lower, upper int) { return 1, 2 },
		Logger:                      log,
		EventListener:               log.listener(),
	}
	s.opts.Experimental.ValueSeparationPolicy = separation
	for i := range s.opts.Levels {
		s.opts.Levels[i].FilterPolicy = bloom.FilterPolicy(10)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("storage engine gave up: %v", r)
		}
	}()
	s.db, err = pebble.Open(dir, s.opts)
	if err != nil {
		return err
	}
	s.freeze.armed.Store(true)
	return nil
}

// engineLogger takes Pebble's log lines and its errors.
type engineLogger struct{ store *Store }

// fatal is what Fatalf throws where a caller of ours can catch it.
type fatal struct{ message string }

func (f fatal) Error() string { return f.message }

func (l *engineLogger) Infof(string, ...any) {} // flushes and compactions: metrics have them

func (l *engineLogger) Errorf(format string, args ...any) {
	l.store.logger.Warn("storage engine", "message", fmt.Sprintf(format, args...))
}

// Fatalf must not return: Pebble's state is undefined after it. A failed commit,
// or a failure while opening, is in our caller's goroutine and thrown to it. Any
// other comes from a goroutine of Pebble's, where a panic would end the process
// and take down what can still be read and answered: it is parked for good. Disk
// errors do not get here, the freezer has them first.
func (l *engineLogger) Fatalf(format string, args ...any) {
	err := fatal{fmt.Sprintf(format, args...)}
	l.store.failed(err)
	if !l.store.freeze.armed.Load() || strings.HasPrefix(format, "pebble: fatal commit error") {
		panic(err)
	}
	select {}
}

// listener turns background errors into a failed store. Without DataCorruption
// Pebble would end the process.
func (l *engineLogger) listener() *pebble.EventListener {
	return &pebble.EventListener{
		BackgroundError: func(err error) {
			if !errors.Is(err, pebble.ErrCancelledCompaction) {
				l.store.failed(fmt.Errorf("in the background: %w", err))
			}
		},
		DataCorruption: func(info pebble.DataCorruptionInfo) {
			l.store.failed(fmt.Errorf("damaged file %s: %w", info.Path, info.Details))
		},
		WriteStallBegin: func(info pebble.WriteStallBeginInfo) {
			l.store.logger.LogAttrs(context.Background(), slog.LevelWarn,
				"writes wait for the disk", slog.String("reason", info.Reason))
		},
	}
}
