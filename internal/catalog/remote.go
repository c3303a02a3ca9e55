package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/pause"
)

const (
	// remoteTime bounds what needs the owner when the caller sets no bound: longer
	// than the catalog takes to get a new one.
	remoteTime = 15 * time.Second
	// insistPause is between two attempts of what may be executed twice.
	insistPause = 25 * time.Millisecond
)

// errBehind cannot happen as long as the log keeps what it acknowledged.
var errBehind = errors.New("catalog: its owner has lost changes that this node has seen")

// updateElsewhere is Update on a node that does not own the catalog. It runs fn
// against what is committed here, and again if some of that was out of date.
//
// Whoever has to run again waits for the others on this node that have to: an update
// that fails because of another one's success then has few rivals the next time.
func (c *Catalog) updateElsewhere(ctx context.Context, fn func(tx *Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	for again := false; ; again = true {
		if again {
			if err := take(ctx, c.retrying); err != nil {
				return err
			}
		}
		made, err := c.attempt(ctx, fn)
		if again {
			<-c.retrying
		}
		if made || err != nil {
			return err
		}
	}
}

// attempt runs fn and has the owner make its changes. made is false if something that
// fn read has changed: it has to run again, and what has changed is visible here now.
// An error of fn counts only if what it read was true, so it is sent, too.
func (c *Catalog) attempt(ctx context.Context, fn func(tx *Tx) error) (made bool, err error) {
	at := c.shown().version // before anything is read
	var noID error
	tx := &Tx{Now: time.Now(), base: c.Get, reads: map[recordID]struct{}{}, nextID: func() (id uint64) {
		if noID == nil {
			id, noID = c.reservedID(ctx)
		}
		return id
	}}
	failed := tx.call(fn)
	if noID != nil {
		return false, noID
	}
	r := request{op: opUpdate, at: at}
	for id := range tx.reads {
		r.reads = append(r.reads, id)
	}
	send := c.insist // what changes nothing may be executed twice
	if failed == nil && len(tx.changes) > 0 {
		r.changes, send = tx.changes, c.send
	}
	a, err := send(ctx, &r)
	if err != nil {
		return false, err
	}
	if a.version < at {
		return false, errBehind
	}
	if err := c.reach(ctx, a.version); err != nil {
		return false, err
	}
	if !a.made {
		return false, nil
	}
	return true, failed
}

// idRange are ids that the owner gave out.
type idRange struct{ next, left uint64 }

// reservedIDs is how many ids a node gets at a time. The rest is lost with the process.
const reservedIDs = 64

// reservedID returns an id of this node's own. Ids are given out in ranges, because
// updates that each took the next one could only be made one after the other.
func (c *Catalog) reservedID(ctx context.Context) (uint64, error) {
	if id, ok := c.ownID(); ok {
		return id, nil
	}
	if err := take(ctx, c.reserving); err != nil {
		return 0, err
	}
	defer func() { <-c.reserving }()
	if id, ok := c.ownID(); ok {
		return id, nil // others who waited for the same
	}
	a, err := c.insist(ctx, &request{op: opReserve, ids: reservedIDs})
	if err != nil {
		return 0, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ids = idRange{next: a.firstID + 1, left: reservedIDs - 1}
	return a.firstID, nil
}

func (c *Catalog) ownID() (id uint64, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ids.left == 0 {
		return 0, false
	}
	id = c.ids.next
	c.ids.next++
	c.ids.left--
	return id, true
}

// send has the owner execute a request, which may be this node by now.
func (c *Catalog) send(ctx context.Context, r *request) (answer, error) {
	message := r.encode()
	var reply []byte
	err := partition.ErrNotOwner
	if c.p.Owned() {
		reply, err = c.Serve(ctx, c.p.ID(), message)
	}
	if errors.Is(err, partition.ErrNotOwner) {
		reply, err = c.peers.Call(ctx, c.p.ID(), message)
	}
	if err != nil {
		return answer{}, err
	}
	return parseAnswer(reply)
}

// insist is send for requests that may be executed any number of times: what became of
// one attempt does not matter.
func (c *Catalog) insist(ctx context.Context, r *request) (answer, error) {
	for {
		a, err := c.send(ctx, r)
		if err == nil || !passing(err) || !pause.For(ctx, insistPause) {
			return a, err
		}
	}
}

// passing tells whether an error says nothing about the next attempt.
func passing(err error) bool {
	return errors.Is(err, partition.ErrNotOwner) || errors.Is(err, partition.ErrBusy) || errors.Is(err, partition.ErrStopped)
}

// take waits for the slot.
func take(ctx context.Context, slot chan struct{}) error {
	select {
	case slot <- struct{}{}:
		return nil
	case <-ctx.Done():
		return partition.ErrNotOwner // nothing was done
	}
}

// reach returns when a version is visible here, to watchers, too.
func (c *Catalog) reach(ctx context.Context, version uint64) error {
	for {
		c.mu.RLock()
		told, advanced := c.told, c.advanced
		c.mu.RUnlock()
		if told >= version {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return partition.ErrStopped // it may have been made; it is not visible here
		}
	}
}
