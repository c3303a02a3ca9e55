package core

// standard is the order of standard queues: the group with the fewest messages
// in flight first, then the lowest sequence. With a single group that is
// "returned messages first, then by sequence"; with several it is what AWS calls
// fair queues: a tenant with many messages in flight waits behind quiet ones.
type standard struct {
	avail heap[*group] // those that have something to deliver
}

func newStandard() *standard {
	return &standard{
		avail: heap[*group]{
			less: func(a, b *group) bool {
				if a.inFlight != b.inFlight {
					return a.inFlight < b.inFlight
				}
				return a.head() < b.head()
			},
			place: func(g *group, i int32) { g.pos = i },
		},
	}
}

// head is the sequence of the group's next message. The group has one.
func (g *group) head() uint64 {
	if g.early.len() > 0 {
		return g.early.min().seq
	}
	return g.fresh.front().seq
}

func (s *standard) ready() bool { return s.avail.len() > 0 }

func (s *standard) add(e *entry) {
	e.group.fresh.push(e)
	s.update(e.group)
}

func (s *standard) giveBack(e *entry, wasHidden bool) {
	if wasHidden {
		e.group.inFlight--
	}
	e.group.early.push(e)
	s.update(e.group)
}

func (s *standard) hide(e *entry) {
	e.group.early.remove(e.pos)
	e.group.inFlight++
	s.update(e.group)
}

func (s *standard) remove(e *entry) {
	switch {
	case e.hidden():
		e.group.inFlight--
	case e.pos >= 0:
		e.group.early.remove(e.pos)
	}
	s.update(e.group)
}

func (s *standard) restore(e *entry) {
	if e.status == returned {
		e.group.early.push(e)
	} else {
		e.group.inFlight++
	}
	s.update(e.group)
}

func (s *standard) take(n int, offer func(*entry) verdict) {
	var back []*entry
	for n > 0 && s.avail.len() > 0 {
		g := s.avail.min()
		e := g.pop()
		if e == nil {
			s.update(g)
			continue
		}
		switch offer(e) {
		case hid, sent:
			g.inFlight++
			n--
		case shown:
			back = append(back, e)
			n--
		case kept:
			back = append(back, e)
		case left:
			g.inFlight++
		case dropped:
		}
		s.update(g)
	}
	for _, e := range back {
		s.giveBack(e, false)
	}
}

// pop takes out the group's next message, or nil.
func (g *group) pop() *entry {
	if g.early.len() > 0 {
		return g.early.pop()
	}
	g.skipGone()
	if g.fresh.len() > 0 {
		return g.fresh.pop()
	}
	return nil
}

// update puts the group where it belongs after any change.
func (s *standard) update(g *group) {
	g.skipGone()
	has := g.early.len() > 0 || g.fresh.len() > 0
	switch {
	case has && g.pos < 0:
		s.avail.push(g)
	case has:
		s.avail.fix(g.pos)
	case g.pos >= 0:
		s.avail.remove(g.pos)
	}
}
