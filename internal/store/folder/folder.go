// Package folder makes folders that survive a crash.
package folder

import (
	"errors"
	"io/fs"

	"github.com/cockroachdb/pebble/v2/vfs"
)

// Make makes a folder and those above it, so that they survive a crash.
func Make(fsys vfs.FS, dir string) error {
	if _, err := fsys.Stat(dir); err == nil {
		return nil
	}
	if err := fsys.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	// Which of the folders above are new is not worth finding out.
	for parent := fsys.PathDir(dir); ; parent = fsys.PathDir(parent) {
		if err := Sync(fsys, parent); err != nil && !errors.Is(err, fs.ErrPermission) {
			return err
		}
		if parent == fsys.PathDir(parent) || parent == "." {
			return nil
		}
	}
}

// Sync makes what was made, renamed and removed in a folder durable.
func Sync(fsys vfs.FS, dir string) error {
	d, err := fsys.OpenDir(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
