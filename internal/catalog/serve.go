package catalog

import (
	"context"

	"github.com/spillway/spillway/internal/partition"
)

// Serve implements partition.Serve: it executes what other nodes send. A message that
// it cannot read is of a version that this one does not know, and is not executed.
func (c *Catalog) Serve(ctx context.Context, _ uint16, message []byte) ([]byte, error) {
	r, err := parseRequest(message)
	if err != nil {
		return nil, partition.ErrStopped
	}
	if r.op == opReach {
		err := c.reach(ctx, r.at)
		return nil, err
	}
	cmd := &served{c: c, r: r, end: make(chan error, 1)}
	c.p.Submit(cmd)
	if err := <-cmd.end; err != nil { // a matter of milliseconds, whatever becomes of ctx
		return nil, err
	}
	return cmd.answer.encode(), nil
}

// served is another node's request, as a command of the owner.
type served struct {
	c      *Catalog
	r      *request
	answer answer
	end    chan error
}

// Run implements partition.Command. Something is written in any case, so that the
// answer proves that this node is still the owner, and that what it knows is true.
func (s *served) Run(ptx *partition.Tx) {
	o := &s.c.owner
	changed := false
	switch s.answer.made = true; s.r.op {
	case opUpdate:
		if s.answer.made = s.valid(o); s.answer.made {
			changed = s.c.apply(ptx, s.r.changes, false)
		}
	case opReserve:
		s.answer.firstID = o.lastID + 1
		o.lastID += s.r.ids
		changed = s.c.apply(ptx, nil, true)
	}
	if !changed {
		s.c.number(ptx, versionKey, o.version)
	}
	s.answer.version = o.version
}

// valid tells whether everything that the update saw is still so.
func (s *served) valid(o *ownerState) bool {
	if s.r.at > o.version {
		return false
	}
	for _, id := range s.r.reads {
		if !o.unchanged(id, s.r.at) {
			return false
		}
	}
	return true
}

// Done implements partition.Command.
func (s *served) Done(err error) { s.end <- err }
