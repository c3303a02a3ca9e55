package catalog

import (
	"context"
	"errors"
	"time"

	"github.com/spillway/spillway/internal/partition"
)

// remoteTime bounds an update whose caller sets no bound: longer than the catalog
// takes to get a new owner.
const remoteTime = 15 * time.Second

// updateElsewhere is Update on a node that does not own the catalog.
func (c *Catalog) updateElsewhere(ctx context.Context, fn func(tx *Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, remoteTime)
	defer cancel()
	for {
		c.mu.RLock()
		at := c.at
		c.mu.RUnlock()
		tx := &Tx{Now: time.Now(), firstID: at.lastID, lastID: at.lastID, base: c.Get, reads: map[recordID]struct{}{}}
		failed := tx.call(fn)
		r := request{op: opUpdate, at: at, ids: tx.lastID != tx.firstID, lastID: tx.lastID}
		for id := range tx.reads {
			r.reads = append(r.reads, id)
		}
		if failed == nil {
			r.changes = tx.changes
		} else {
			r.ids = false // it changes nothing: what it read has to be true all the same
		}
		made, version, err := c.send(ctx, &r)
		if err != nil {
			return err
		}
		if err := c.reach(ctx, version); err != nil {
			return err
		}
		if made {
			return failed
		}
	}
}

// send has the owner execute a request. made is false if something has changed since
// r.at; version is what to wait for in both cases.
func (c *Catalog) send(ctx context.Context, r *request) (made bool, version uint64, err error) {
	reply, err := c.peers.Call(ctx, c.p.ID(), r.encode())
	if err != nil {
		return false, 0, err
	}
	return parseReply(reply)
}

// reach returns when the committed state has a version here.
func (c *Catalog) reach(ctx context.Context, version uint64) error {
	for {
		at, advanced := c.version()
		if at >= version {
			return nil
		}
		select {
		case <-advanced:
		case <-ctx.Done():
			return partition.ErrStopped // made, but it is not known here yet
		}
	}
}

// barrier is one question of what the latest version is, for all who asked before it
// was sent.
type barrier struct {
	ended   chan struct{}
	version uint64
	err     error
}

// Refresh returns when everything that was committed on any node before the call is
// visible on this one. On a single machine it always is.
func (c *Catalog) Refresh(ctx context.Context) error {
	if c.peers == nil {
		return nil
	}
	c.mu.Lock()
	b := c.barrier
	if b == nil {
		b = &barrier{ended: make(chan struct{})}
		c.barrier = b
		go c.ask(b) // ends within remoteTime; nobody has to wait for it
	}
	c.mu.Unlock()
	select {
	case <-b.ended:
	case <-ctx.Done():
		return partition.ErrStopped
	}
	if b.err != nil {
		return b.err
	}
	return c.reach(ctx, b.version)
}

// barrierDelay is how long a barrier takes in callers before it is sent.
const barrierDelay = time.Millisecond

// ask finds out the latest version.
func (c *Catalog) ask(b *barrier) {
	ctx, cancel := context.WithTimeout(context.Background(), remoteTime)
	defer cancel()
	time.Sleep(barrierDelay) // a burst of callers shares one question
	c.mu.Lock()
	c.barrier = nil // who comes from now on needs another
	c.mu.Unlock()
	_, b.version, b.err = c.send(ctx, &request{op: opBarrier})
	close(b.ended)
}

// Serve implements partition.Serve: it executes what other nodes send.
func (c *Catalog) Serve(ctx context.Context, _ uint16, message []byte) ([]byte, error) {
	r, err := parseRequest(message)
	if err != nil {
		return nil, partition.ErrStopped
	}
	cmd := &remoteUpdate{c: c, r: r, end: make(chan error, 1)}
	c.p.Submit(cmd)
	if err := <-cmd.end; err != nil {
		return nil, err
	}
	return appendReply(nil, cmd.made, cmd.version), nil
}

// remoteUpdate is another node's request, as a command of the owner.
type remoteUpdate struct {
	c       *Catalog
	r       *request
	made    bool
	version uint64
	end     chan error
}

// Run implements partition.Command. Something is written in any case, so that the
// answer proves that this node is still the owner.
func (u *remoteUpdate) Run(ptx *partition.Tx) {
	o := &u.c.owner
	u.made = u.r.op == opBarrier || u.valid(o)
	if u.made && u.r.op == opUpdate && (len(u.r.changes) > 0 || u.r.ids) {
		if u.r.ids {
			o.lastID = u.r.lastID
		}
		u.c.apply(ptx, u.r.changes, u.r.ids)
	} else {
		u.c.number(ptx, versionKey, o.version)
	}
	u.version = o.version
}

// valid tells whether everything that the update saw is still so.
func (u *remoteUpdate) valid(o *ownerState) bool {
	if u.r.at.version > o.version || u.r.ids && u.r.at.lastID != o.lastID {
		return false
	}
	for _, id := range u.r.reads {
		if !o.unchanged(id, u.r.at.version) {
			return false
		}
	}
	return true
}

// Done implements partition.Command.
func (u *remoteUpdate) Done(err error) { u.end <- err }

var errMessage = errors.New("catalog: malformed message")
