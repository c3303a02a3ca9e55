package catalog

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// ownerState is what the owner knows beyond the committed state.
type ownerState struct {
	working records
	counters
	// modified is the version that last changed a record; those that it does not have
	// may have changed as late as at the version floor.
	modified map[recordID]uint64
	floor    uint64
}

// maxModified bounds the memory of modified: records come and go, and those that are
// gone are in it, too.
const maxModified = 1 << 14

type recordID struct{ kind, key string }

// unchanged tells whether a record is as it was at a version.
func (o *ownerState) unchanged(id recordID, since uint64) bool {
	if v, ok := o.modified[id]; ok {
		return v <= since
	}
	return o.floor <= since
}

// modify notes that a record has changed.
func (o *ownerState) modify(id recordID) {
	if len(o.modified) >= maxModified {
		clear(o.modified) // updates that are on their way now run once more
		o.floor = o.version
	}
	o.modified[id] = o.version
}

func (o *ownerState) get(kind, key string) ([]byte, bool) {
	value, ok := o.working[kind][key]
	return value, ok
}

// nextID counts on also if the update fails later: somebody may have seen the number.
func (o *ownerState) nextID() uint64 {
	o.lastID++
	return o.lastID
}

// machine is the side of the catalog that the partition sees.
type machine Catalog

var (
	_ partition.Machine  = (*machine)(nil)
	_ partition.Follower = (*machine)(nil)
)

// Keys of the numbers, after the space.
var (
	lastIDKey  = []byte{0}
	versionKey = []byte{0, 1}
)

// Load implements partition.Machine.
func (m *machine) Load(r store.Reader, _ time.Time) error {
	c := (*Catalog)(m)
	read, at, err := c.read(r)
	if err != nil {
		return err
	}
	if shown := c.shown(); at.version < shown.version {
		return fmt.Errorf("catalog: the store is at version %d, but %d was shown: changes were lost", at.version, shown.version)
	}
	c.replace(read, at)
	working := records{}
	for kind, of := range read {
		for key, value := range of {
			working.put(kind, key, value)
		}
	}
	c.owner = ownerState{working: working, counters: at, modified: map[recordID]uint64{}, floor: at.version}
	return nil
}

// Unload implements partition.Machine: nothing waits here.
func (m *machine) Unload(error) { m.owner = ownerState{} }

// Reset implements partition.Follower. A copy from a peer may be older than what was
// here before. What has been shown is not taken back: to a watcher it would look as if
// records were deleted, with all that comes of that. Applied goes on when the log has
// caught up.
func (m *machine) Reset(r store.Reader) error {
	c := (*Catalog)(m)
	read, at, err := c.read(r)
	if err != nil {
		return err
	}
	if at.version >= c.shown().version {
		c.replace(read, at)
	}
	return nil
}

// Applied implements partition.Follower. A batch is in the store as a whole or not at
// all, so a version says whether all of it has been shown.
func (m *machine) Applied(ops []store.Op) {
	c := (*Catalog)(m)
	prefix, _ := store.Bounds(c.p.ID(), store.SpaceCatalog)
	shown := c.shown()
	at := shown
	var changes []change
	for _, op := range ops {
		rest, ok := bytes.CutPrefix(op.Key, prefix)
		if !ok || op.End != nil {
			continue
		}
		if kind, key, ok := splitKey(rest); ok {
			changes = append(changes, change{kind, key, op.Value})
		} else {
			at.set(rest, op.Value) // false: of a newer version of Spillway
		}
	}
	if at.version > shown.version {
		c.publish(changes, at)
	}
}

// Advance implements partition.Machine: nothing depends on time.
func (m *machine) Advance(*partition.Tx) (next time.Time) { return }

// set takes over a number's record, and reports whether it is one.
func (n *counters) set(rest, value []byte) bool {
	switch {
	case len(value) != 8:
		return false
	case bytes.Equal(rest, lastIDKey):
		n.lastID = binary.BigEndian.Uint64(value)
	case bytes.Equal(rest, versionKey):
		n.version = binary.BigEndian.Uint64(value)
	default:
		return false
	}
	return true
}

// read reads everything from the store.
func (c *Catalog) read(r store.Reader) (read records, at counters, err error) {
	lo, hi := store.Bounds(c.p.ID(), store.SpaceCatalog)
	read = records{}
	var damaged error
	err = r.Scan(lo, hi, func(key, value []byte) bool {
		rest := key[len(lo):]
		if kind, name, ok := splitKey(rest); ok {
			read.put(kind, name, append([]byte{}, value...))
		} else if !at.set(rest, value) {
			damaged = fmt.Errorf("catalog: key %x is not one of a record", key)
		}
		return damaged == nil
	})
	if err == nil {
		err = damaged
	}
	return read, at, err
}

// replace makes the committed state that of the store, and tells the watchers what
// differs.
func (c *Catalog) replace(read records, at counters) {
	c.delivery.Lock()
	defer c.delivery.Unlock()
	c.deliver(c.differences(read), at)
}

func (c *Catalog) differences(read records) (changes []change) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	for kind, of := range c.committed {
		for key := range of {
			if _, ok := read[kind][key]; !ok {
				changes = append(changes, change{kind: kind, key: key})
			}
		}
	}
	for kind, of := range read {
		for key, value := range of {
			if old, ok := c.committed[kind][key]; !ok || !bytes.Equal(old, value) {
				changes = append(changes, change{kind, key, value})
			}
		}
	}
	return changes
}
