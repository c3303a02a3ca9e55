package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable"

	"github.com/spillway/spillway/internal/store/values"
)

// Checker checks what one package keeps in the store, and reports each problem in
// words. An error means that it could not go on.
type Checker func(r Reader, report func(problem string)) error

// maxProblems bounds what Check returns: a damaged folder can have millions.
const maxProblems = 1000

// Check reads the whole store and returns what is wrong with it, in words; empty
// means nothing is. It verifies the checksum of every block of every table, that
// the levels of the engine agree, that every key has a form that this version
// knows, that every value of SetLarge is what was written, and then whatever the
// checkers do. It may run beside a server's work (and slows it down), or on a
// folder opened with Options.ReadOnly.
func (s *Store) Check(checkers ...Checker) (problems []string) {
	if !s.enter() {
		return []string{ErrClosed.Error()}
	}
	defer s.leave()
	more := 0
	report := func(problem string) {
		if len(problems) < maxProblems {
			problems = append(problems, problem)
		} else {
			more++
		}
	}
	if err := s.Err(); err != nil {
		report(err.Error())
	}
	s.checkTables(report)
	if err := s.db.CheckLevels(nil); err != nil {
		report(fmt.Sprintf("the levels do not agree or cannot be read: %v", err))
	}
	s.checkKeys(report)
	s.checkValues(report)
	for _, check := range checkers {
		if err := check(s, report); err != nil {
			report(fmt.Sprintf("a check could not be finished: %v", err))
		}
	}
	if more > 0 {
		problems = append(problems, fmt.Sprintf("and %d more problems", more))
	}
	return problems
}

// checkTables verifies the checksums of all tables, from the files and not from
// the cache.
func (s *Store) checkTables(report func(string)) {
	levels, err := s.db.SSTables()
	if err != nil {
		report(fmt.Sprintf("the list of tables cannot be read: %v", err))
		return
	}
	for _, tables := range levels {
		for _, table := range tables {
			name := fmt.Sprintf("%06d.sst", uint64(table.BackingSSTNum))
			err := s.checkTable(s.fs.PathJoin(s.dir, "db", name))
			if errors.Is(err, fs.ErrNotExist) && !s.listed(table) {
				continue // compacted away meanwhile
			}
			if err != nil {
				report(fmt.Sprintf("table %s is damaged: %v", name, err))
			}
		}
	}
}

// listed tells whether the table is still part of the store.
func (s *Store) listed(table pebble.SSTableInfo) bool {
	levels, err := s.db.SSTables()
	if err != nil {
		return true
	}
	for _, tables := range levels {
		for _, t := range tables {
			if t.FileNum == table.FileNum {
				return true
			}
		}
	}
	return false
}

func (s *Store) checkTable(path string) error {
	f, err := s.fs.Open(path)
	if err != nil {
		return err
	}
	readable, err := sstable.NewSimpleReadable(f)
	if err != nil {
		return errors.Join(err, f.Close())
	}
	r, err := sstable.NewReader(context.Background(), readable, s.opts.MakeReaderOptions())
	if err != nil {
		return errors.Join(err, readable.Close())
	}
	return errors.Join(r.ValidateBlockChecksums(), r.Close())
}

// checkKeys looks at the form of every key, and reads every value but those of SetLarge.
func (s *Store) checkKeys(report func(string)) {
	err := s.iterate(func(iter *pebble.Iterator) error {
		for ok := iter.First(); ok; ok = iter.Next() {
			key := iter.Key()
			_, space, _, ok := SplitKey(key)
			switch {
			case !ok:
				report(fmt.Sprintf("key %x is too short to be one", key))
			case !space.known():
				report(fmt.Sprintf("key %x is in space %q, which this version does not know", key, byte(space)))
			}
			if _, err := iter.ValueAndErr(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		report(fmt.Sprintf("the keys cannot all be read: %v", err))
	}
}

// checkValues reads the values of SetLarge.
func (s *Store) checkValues(report func(string)) {
	var buffer []byte
	err := s.eachPointer(func(key []byte, p values.Pointer) bool {
		value, _, err := s.large(key, p, buffer)
		if err != nil {
			report(fmt.Sprintf("the value of key %x cannot be read: %v", key, err))
			return true
		}
		buffer = value
		return true
	})
	if err != nil {
		report(fmt.Sprintf("the values cannot all be read: %v", err))
	}
}
