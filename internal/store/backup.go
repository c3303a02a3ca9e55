package store

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"

	"github.com/spillway/spillway/internal/store/folder"
)

// Backup writes a consistent copy of the store as it is now to dir, which must
// not exist or be empty: a data folder that can be opened. The store goes on
// meanwhile. Every batch whose Wait returned before the call is in it. It is on
// disk when Backup returns; after an error nothing is left of it.
//
// On the same file system tables and value files are hard links, so that it
// takes milliseconds and almost no space until the original changes.
func (s *Store) Backup(dir string) (err error) {
	if s.memory {
		return errors.New("backup: a store in memory cannot be backed up")
	}
	if err := s.Err(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if s.noLog {
		if err := s.Flush(); err != nil {
			return fmt.Errorf("backup: %w", err)
		}
	}
	if !s.enter() {
		return ErrClosed
	}
	defer s.leave()
	made, err := s.makeBackupFolder(dir)
	if err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	defer func() {
		if err == nil {
			return
		}
		err = fmt.Errorf("backup: %w", err)
		left := []string{s.fs.PathJoin(dir, "db"), s.fs.PathJoin(dir, valuesFolder)}
		if made {
			left = []string{dir}
		}
		for _, path := range left {
			if e := s.fs.RemoveAll(path); e != nil && !errors.Is(e, fs.ErrNotExist) {
				err = fmt.Errorf("%w (and what was written to %s could not be removed: %w)", err, path, e)
			}
		}
	}()
	if err := s.checkpoint(dir); err != nil {
		return err
	}
	// Last, so that what a crash leaves behind is not taken for a backup.
	return writeVersion(s.fs, dir, Format)
}

// makeBackupFolder makes dir, or makes sure that it is empty.
func (s *Store) makeBackupFolder(dir string) (made bool, err error) {
	if _, err := s.fs.Stat(dir); err == nil {
		names, err := s.fs.List(dir)
		if err != nil {
			return false, err
		}
		if len(names) > 0 {
			return false, fmt.Errorf("%s is not empty", dir)
		}
		return false, nil
	}
	return true, folder.Make(s.fs, dir)
}

func (s *Store) checkpoint(dir string) (err error) {
	defer func() {
		if r := recover(); r != nil {
			s.failed(fmt.Errorf("write-ahead log: %v", r))
			err = s.Err()
		}
	}()
	// What the tables point to must be there, too: no space is taken back in between.
	// (What was taken back before, the tables do not point to any more.)
	s.collector.mu.Lock()
	defer s.collector.mu.Unlock()
	if err := s.db.Checkpoint(s.fs.PathJoin(dir, "db"), pebble.WithFlushedWAL()); err != nil {
		return err
	}
	return s.values.LinkTo(s.fs.PathJoin(dir, valuesFolder))
}
