package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2/vfs"

	"github.com/spillway/spillway/internal/store/folder"
)

// Format is the format number of data folders that this version writes.
//
//	1  the first
//	2  has DATA/values: records of streams may be there (package values)
//
// To change the format: add one, describe it here, and bring older folders up
// to it in upgrade, which runs before anything else reads the folder.
const Format = 2

const product = "spillway"

// ErrNewer is matched (errors.Is) by Open's error for a folder of a newer format.
var ErrNewer = errors.New("data folder was made by a newer version of spillway")

// NewerError says which formats did not match.
type NewerError struct {
	Dir       string
	Found     int // the folder's format number
	Supported int // the newest that this version opens
}

func (e *NewerError) Error() string {
	return fmt.Sprintf("%v: %s has format %d, this version opens formats up to %d; use the newer version, or restore a backup made with this one",
		ErrNewer, e.Dir, e.Found, e.Supported)
}

func (e *NewerError) Is(target error) bool { return target == ErrNewer }

// checkVersion reads VERSION, or writes it for a new folder.
func (s *Store) checkVersion(readOnly bool) error {
	text, err := readSmallFile(s.fs, s.fs.PathJoin(s.dir, "VERSION"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		if _, err := s.fs.Stat(s.fs.PathJoin(s.dir, "db")); err == nil || readOnly {
			return fmt.Errorf("%s is not a data folder, or an incomplete copy of one: it has no VERSION file", s.dir)
		}
		return writeVersion(s.fs, s.dir, Format)
	case err != nil:
		return fmt.Errorf("read data folder version: %w", err)
	}
	found, err := parseVersion(text)
	if err != nil {
		return fmt.Errorf("%s: %w", s.fs.PathJoin(s.dir, "VERSION"), err)
	}
	if found > Format {
		return &NewerError{Dir: s.dir, Found: found, Supported: Format}
	}
	if found < Format && !readOnly {
		return s.upgrade(found)
	}
	return nil
}

// upgrade brings a folder of an older format to Format. Each step must be
// repeatable, because a crash may come between the step and the new VERSION.
func (s *Store) upgrade(from int) error {
	if from == 1 {
		return writeVersion(s.fs, s.dir, Format) // has everything but what is new
	}
	return fmt.Errorf("data folder %s has format %d, which never existed", s.dir, from)
}

func parseVersion(text string) (int, error) {
	name, number, _ := strings.Cut(strings.TrimSpace(text), " ")
	format, err := strconv.Atoi(number)
	if name != product || err != nil || format < 1 {
		return 0, fmt.Errorf("not a %s version file: %q", product, text)
	}
	return format, nil
}

// writeVersion writes VERSION so that a crash leaves the old one or the new one.
func writeVersion(fsys vfs.FS, dir string, format int) (err error) {
	temporary := fsys.PathJoin(dir, "VERSION.new")
	f, err := fsys.Create(temporary, vfs.WriteCategoryUnspecified)
	if err != nil {
		return fmt.Errorf("write data folder version: %w", err)
	}
	_, err = f.Write(fmt.Appendf(nil, "%s %d\n", product, format))
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write data folder version: %w", err)
	}
	if err := fsys.Rename(temporary, fsys.PathJoin(dir, "VERSION")); err != nil {
		return fmt.Errorf("write data folder version: %w", err)
	}
	return folder.Sync(fsys, dir)
}

// readSmallFile reads a file of at most 1 KiB.
func readSmallFile(fsys vfs.FS, path string) (string, error) {
	f, err := fsys.Open(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, 1<<10))
	return string(text), err
}

// lockHeld tells a lock that somebody has from a folder that may not be written:
// POSIX allows EACCES for the former, too.
func lockHeld(err error) bool { return errors.Is(err, syscall.EAGAIN) }
