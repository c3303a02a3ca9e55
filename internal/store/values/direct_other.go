//go:build !linux

package values

import "github.com/cockroachdb/pebble/v2/vfs"

// Direct I/O and holes are for Linux. Elsewhere values go through the page cache, and
// space comes back by the file.

func setDirect(vfs.File, bool) bool { return false }

func refusesDirect(error) bool { return false }

func alignedBuffer(n int) []byte { return make([]byte, n) }

func punchHole(vfs.FS, string, stretch) (done bool, err error) { return false, nil }
