package filter

import "strings"

// Index finds the policies that want a message without evaluating each.
//
// It has no lock. Add and Remove change it, so the owner keeps them apart from
// each other and from Match, as with a sync.RWMutex. Calls of Match, each with a
// Message of its own, may run at the same time.
type Index[K comparable] struct {
	entries map[K]*entry[K]
	roots   [Body + 1]*branch[K] // by scope
	always  posting[K]           // what asks for absence only
}

// entry is a policy and where it is posted.
type entry[K comparable] struct {
	key    K
	policy *Policy
	places []place[K]
}

// NewIndex returns an index without policies.
func NewIndex[K comparable]() *Index[K] {
	return &Index[K]{
		entries: map[K]*entry[K]{},
		roots:   [Body + 1]*branch[K]{{}, {}},
	}
}

// Add puts a policy into the index, in place of the one that had the key.
func (x *Index[K]) Add(key K, p *Policy) {
	x.Remove(key)
	e := &entry[K]{key: key, policy: p}
	x.entries[key] = e
	for _, a := range p.alternatives {
		t := x.anchor(p.scope, a)
		if t == nil {
			x.always.add(e)
			continue
		}
		b := x.roots[p.scope].grow(t.path)
		t.spots(func(s spot) { b.posting(s).add(e) })
	}
}

// Remove takes a policy out of the index.
func (x *Index[K]) Remove(key K) {
	e := x.entries[key]
	if e == nil {
		return
	}
	delete(x.entries, key)
	for _, at := range e.places {
		at.posting.remove(at.i)
	}
}

// What a policy in a posting costs a message that meets it is the same
// everywhere. How many messages meet it is a guess: a value is met by fewer than
// a prefix, and that by far fewer than a key.
const (
	prefixWeight  = 4
	presentWeight = 64
)

// anchor chooses the test to post an alternative under; nil if there is none
// that needs a value.
func (x *Index[K]) anchor(scope Scope, a alternative) *test {
	var best *test
	var least int
	for _, t := range a {
		if t.absent || t.path == nil {
			continue
		}
		cost, b := 0, x.roots[scope].walk(t.path)
		t.spots(func(s spot) {
			n := 1
			if b != nil {
				n += b.size(s)
			}
			switch s.by {
			case byPrefix:
				n *= prefixWeight
			case byPresence:
				n *= presentWeight
			}
			cost += n
		})
		if best == nil || cost < least {
			best, least = t, cost
		}
	}
	return best
}

// spot is where below a key a policy is posted.
type spot struct {
	by    by
	value value // for byPrefix: a string, the first bytes of the prefix
}

type by uint8

const (
	byValue by = iota
	byPrefix
	byPresence
)

// maxPrefix is how much of a prefix the index looks at. A message looks up each
// length.
const maxPrefix = 16

// spots calls f for each spot that a message must meet one of to pass the test.
func (t *test) spots(f func(spot)) {
	for _, c := range t.conditions {
		switch c.(type) {
		case exact, prefix:
		default:
			f(spot{by: byPresence})
			return
		}
	}
	for _, c := range t.conditions {
		switch c := c.(type) {
		case exact:
			f(spot{byValue, value(c)})
		case prefix:
			f(spot{byPrefix, stringValue(string(c[:min(len(c), maxPrefix)]))})
		}
	}
}

// maxSteps bounds the branches that a key makes in the index.
const maxSteps = 32

// steps returns a key's path in the index, or nil if it is too long for that.
func steps(key string, scope Scope) []string {
	if scope == Attributes {
		return []string{key}
	}
	if strings.Count(key, ".") >= maxSteps {
		return nil
	}
	return strings.Split(key, ".")
}

// Match calls yield once for each policy that wants the message, in any order.
// The index must not be changed by it.
func (x *Index[K]) Match(m *Message, yield func(K)) {
	s := search[K]{m: m, yield: yield, seen: map[*entry[K]]struct{}{}, visited: map[*posting[K]]struct{}{}}
	s.visit(&x.always)
	if root := x.roots[Attributes]; len(root.branches) > 0 {
		for _, f := range m.named() {
			if b := root.branches[f.name]; b != nil {
				for _, v := range f.values {
					s.value(b, v)
				}
			}
		}
	}
	if root := x.roots[Body]; len(root.branches) > 0 {
		if body := m.body(); body != nil {
			s.object(root, body)
		}
	}
}

// search is one call of Match.
type search[K comparable] struct {
	m       *Message
	yield   func(K)
	seen    map[*entry[K]]struct{}
	visited map[*posting[K]]struct{} // those that are long
}

// longPosting is how many entries are rather looked at again than remembered.
const longPosting = 8

func (s *search[K]) visit(p *posting[K]) {
	if p == nil {
		return
	}
	if len(p.refs) > longPosting {
		if _, again := s.visited[p]; again {
			return
		}
		s.visited[p] = struct{}{}
	}
	for _, r := range p.refs {
		if _, again := s.seen[r.entry]; again {
			continue
		}
		s.seen[r.entry] = struct{}{}
		if r.entry.policy.Match(s.m) {
			s.yield(r.entry.key)
		}
	}
}

// value visits what a value of a key meets.
func (s *search[K]) value(b *branch[K], v value) {
	s.visit(b.present)
	s.visit(b.values[v])
	if v.kind != kindString || len(b.prefixes) == 0 {
		return
	}
	for n := range min(len(v.text), maxPrefix) + 1 {
		s.visit(b.prefixes[v.text[:n]])
	}
}

// object follows the members of an object into the branches below b.
func (s *search[K]) object(b *branch[K], n *node) {
	for i := range n.items {
		at, rest, more := b, n.items[i].name, true
		for more && at != nil {
			var step string
			step, rest, more = strings.Cut(rest, ".")
			at = at.branches[step]
		}
		if at != nil {
			s.node(at, &n.items[i].node)
		}
	}
}

func (s *search[K]) node(b *branch[K], n *node) {
	switch n.kind {
	case kindArray:
		for i := range n.items {
			s.node(b, &n.items[i].node)
		}
	case kindObject:
		s.object(b, n)
	default:
		s.value(b, scalar(n))
	}
}
