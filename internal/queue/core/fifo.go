package core

import "slices"

// fifo is the order of FIFO queues: within a group strictly by sequence, and
// nothing behind a hidden message. Groups take turns: one that becomes
// deliverable goes behind the others (facts-sqs.md section 9, recorded).
type fifo struct {
	list ring[*group] // may hold groups that are blocked by now
}

func (f *fifo) ready() bool {
	for f.list.len() > 0 {
		if g := f.list.front(); g.deliverable() {
			return true
		}
		f.list.pop().listed = false
	}
	return false
}

// deliverable reports whether the group's first message is visible.
func (g *group) deliverable() bool {
	if len(g.out) > 0 {
		return !g.out[0].hidden()
	}
	g.skipGone()
	return g.fresh.len() > 0
}

func (f *fifo) update(g *group) {
	if !g.listed && g.deliverable() {
		g.listed = true
		f.list.push(g)
	}
}

func (f *fifo) add(e *entry) {
	e.group.fresh.push(e)
	f.update(e.group)
}

func (f *fifo) giveBack(e *entry, _ bool) { f.update(e.group) }

func (f *fifo) hide(*entry) {}

func (f *fifo) remove(e *entry) {
	g := e.group
	if i, ok := g.find(e.seq); ok {
		g.out = slices.Delete(g.out, i, i+1)
	}
	f.update(g)
}

func (g *group) find(seq uint64) (int, bool) {
	return slices.BinarySearchFunc(g.out, seq, func(e *entry, seq uint64) int {
		switch {
		case e.seq < seq:
			return -1
		case e.seq > seq:
			return 1
		}
		return 0
	})
}

// restore puts back a delivered message after a restart, in sequence order.
func (f *fifo) restore(e *entry) {
	g := e.group
	i, _ := g.find(e.seq)
	g.out = slices.Insert(g.out, i, e)
	f.update(g)
}

// take fills from one group before the next. A group that has something left to
// deliver afterwards goes behind the others.
func (f *fifo) take(n int, offer func(*entry) verdict) {
	var again []*group
	for n > 0 && f.list.len() > 0 {
		g := f.list.pop()
		g.listed = false
		n -= g.run(n, offer)
		again = append(again, g)
	}
	for _, g := range again {
		f.update(g)
	}
}

// run offers the group's messages in order, those delivered in this very call
// not blocking the next, and returns how many were delivered.
func (g *group) run(n int, offer func(*entry) verdict) (delivered int) {
	for i := 0; i < len(g.out) && delivered < n; {
		e := g.out[i]
		if e.hidden() {
			return delivered
		}
		switch offer(e) {
		case hid, shown:
			delivered++
			i++
		case kept:
			i++
		case dropped:
			g.out = slices.Delete(g.out, i, i+1)
		case left:
			return delivered
		case sent:
			return delivered + 1
		}
	}
	for delivered < n {
		g.skipGone()
		if g.fresh.len() == 0 {
			return delivered
		}
		e := g.fresh.pop()
		switch offer(e) {
		case hid, shown:
			g.out = append(g.out, e)
			delivered++
		case kept:
			g.out = append(g.out, e)
		case left:
			g.out = append(g.out, e)
			return delivered
		case sent:
			g.out = append(g.out, e)
			return delivered + 1
		case dropped:
		}
	}
	return delivered
}
