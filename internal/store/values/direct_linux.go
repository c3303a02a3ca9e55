package values

import (
	"errors"
	"unsafe"

	"github.com/cockroachdb/pebble/v2/vfs"
	"golang.org/x/sys/unix"
)

// Values are written past the page cache: they are large, written once, and read from
// memory while they are new. That spares a copy, the cache for what is read, and, on
// virtual machines whose memory the host backs only when it is touched, most of the cost of
// a write (docs/decisions/0006).

// setDirect turns direct I/O (O_DIRECT, open(2)) on or off, and reports whether it is on.
// Not all file systems have it.
func setDirect(file vfs.File, on bool) bool {
	fd := file.Fd()
	if fd == vfs.InvalidFd {
		return false
	}
	flags, err := unix.FcntlInt(fd, unix.F_GETFL, 0)
	if err != nil {
		return false
	}
	flags &^= unix.O_DIRECT
	if on {
		flags |= unix.O_DIRECT
	}
	_, err = unix.FcntlInt(fd, unix.F_SETFL, flags)
	return on && err == nil
}

// refusesDirect tells whether a write failed because it was direct: the device wants
// another alignment.
func refusesDirect(err error) bool { return errors.Is(err, unix.EINVAL) }

// alignedBuffer returns n bytes that begin where a block of memory does.
func alignedBuffer(n int) []byte {
	b := make([]byte, n+blockBytes)
	skip := -int(uintptr(unsafe.Pointer(unsafe.SliceData(b)))) & (blockBytes - 1)
	return b[skip : skip+n : skip+n]
}

// punchHole gives a stretch of a file back to the file system, unless the file has other
// names, which are backups. done is false if that is so, or cannot be done here.
func punchHole(fsys vfs.FS, path string, hole stretch) (done bool, err error) {
	file, err := fsys.OpenReadWrite(path, vfs.WriteCategoryUnspecified)
	if err != nil {
		return false, err
	}
	defer file.Close()
	fd := file.Fd()
	var stat unix.Stat_t
	if fd == vfs.InvalidFd || unix.Fstat(int(fd), &stat) != nil || stat.Nlink > 1 {
		return false, nil
	}
	err = unix.Fallocate(int(fd), unix.FALLOC_FL_PUNCH_HOLE|unix.FALLOC_FL_KEEP_SIZE, hole.offset, hole.length)
	if errors.Is(err, unix.EOPNOTSUPP) {
		return false, nil
	}
	return err == nil, err
}
