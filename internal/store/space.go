package store

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// spaceEvery is how often free space is looked at. At a gigabyte a second the
// default reserve lasts a quarter of a second, so a very fast writer can still
// run into the end of the disk; then the store fails, and loses nothing.
const spaceEvery = 500 * time.Millisecond

// spaceMonitor watches the free space of the data folder's file system.
type spaceMonitor struct {
	full atomic.Bool
	quit chan struct{} // nil when not started
	done sync.WaitGroup
}

// Full tells whether free space is below Options.MinFreeBytes. What adds data
// should then be refused; what removes data must go on. Once full, a quarter more
// than the limit must be free before it is not, so that it does not flicker.
func (s *Store) Full() bool { return s.space.full.Load() }

// Used is how many bytes the folder takes on disk: Pebble's files, and the values of
// SetLarge.
func (s *Store) Used() (tables, values int64) {
	if !s.enter() {
		return 0, 0
	}
	defer s.leave()
	return int64(s.db.Metrics().DiskSpaceUsage()), s.values.Bytes()
}

func (m *spaceMonitor) start(fs vfs.FS, dir string, limit uint64, log *slog.Logger) {
	if !m.look(fs, dir, limit, log) {
		return // the file system does not say
	}
	m.quit = make(chan struct{})
	m.done.Go(func() {
		ticker := time.NewTicker(spaceEvery)
		defer ticker.Stop()
		for {
			select {
			case <-m.quit:
				return
			case <-ticker.C:
				m.look(fs, dir, limit, log)
			}
		}
	})
}

func (m *spaceMonitor) stop() {
	if m.quit != nil {
		close(m.quit)
		m.done.Wait()
	}
}

// look takes one measurement; it returns false if there is none to take.
func (m *spaceMonitor) look(fs vfs.FS, dir string, limit uint64, log *slog.Logger) bool {
	usage, err := fs.GetDiskUsage(dir)
	if err != nil {
		return false
	}
	was := m.full.Load()
	if was {
		limit += limit / 4
	}
	full := usage.AvailBytes < limit
	if full != was {
		m.full.Store(full)
		level, message := slog.LevelWarn, "disk space is short: new data is refused"
		if !full {
			level, message = slog.LevelInfo, "disk space is back: new data is accepted"
		}
		log.Log(context.Background(), level, message, "dir", dir, "free", usage.AvailBytes, "limit", limit)
	}
	return true
}
