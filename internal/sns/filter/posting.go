package filter

// branch is a step of a key in the index.
type branch[K comparable] struct {
	parent   *branch[K] // nil: the root
	step     string
	branches map[string]*branch[K]
	values   map[value]*posting[K]
	prefixes map[string]*posting[K]
	present  *posting[K]
}

// posting lists entries that a message may meet at one spot.
type posting[K comparable] struct {
	refs []ref[K]
	at   *branch[K] // nil: not below a key
	spot spot
}

// ref and place point at each other, so that either is found from the other when
// one of them goes.
type (
	ref[K comparable] struct {
		entry *entry[K]
		place int // entry.places[place] is here
	}
	place[K comparable] struct {
		posting *posting[K]
		i       int // posting.refs[i] is here
	}
)

func (p *posting[K]) add(e *entry[K]) {
	e.places = append(e.places, place[K]{p, len(p.refs)})
	p.refs = append(p.refs, ref[K]{e, len(e.places) - 1})
}

func (p *posting[K]) remove(i int) {
	last := len(p.refs) - 1
	moved := p.refs[last]
	p.refs[i] = moved
	moved.entry.places[moved.place].i = i
	p.refs[last] = ref[K]{}
	p.refs = p.refs[:last]
	if last == 0 && p.at != nil {
		p.at.drop(p.spot)
	}
}

// walk returns the branch at a path, or nil.
func (b *branch[K]) walk(path []string) *branch[K] {
	for _, step := range path {
		if b = b.branches[step]; b == nil {
			return nil
		}
	}
	return b
}

// grow returns the branch at a path, and makes what is missing.
func (b *branch[K]) grow(path []string) *branch[K] {
	for _, step := range path {
		next := b.branches[step]
		if next == nil {
			next = &branch[K]{parent: b, step: step}
			if b.branches == nil {
				b.branches = map[string]*branch[K]{}
			}
			b.branches[step] = next
		}
		b = next
	}
	return b
}

// find returns the posting at a spot, or nil.
func (b *branch[K]) find(s spot) *posting[K] {
	switch s.by {
	case byValue:
		return b.values[s.value]
	case byPrefix:
		return b.prefixes[s.value.text]
	default:
		return b.present
	}
}

func (b *branch[K]) size(s spot) int {
	if p := b.find(s); p != nil {
		return len(p.refs)
	}
	return 0
}

// posting returns the posting at a spot, and makes it if it is missing.
func (b *branch[K]) posting(s spot) *posting[K] {
	if p := b.find(s); p != nil {
		return p
	}
	p := &posting[K]{at: b, spot: s}
	switch s.by {
	case byValue:
		if b.values == nil {
			b.values = map[value]*posting[K]{}
		}
		b.values[s.value] = p
	case byPrefix:
		if b.prefixes == nil {
			b.prefixes = map[string]*posting[K]{}
		}
		b.prefixes[s.value.text] = p
	default:
		b.present = p
	}
	return p
}

// drop forgets a posting that is empty, and the branches that nothing needs any
// more.
func (b *branch[K]) drop(s spot) {
	switch s.by {
	case byValue:
		delete(b.values, s.value)
	case byPrefix:
		delete(b.prefixes, s.value.text)
	default:
		b.present = nil
	}
	for b.parent != nil && len(b.branches) == 0 && len(b.values) == 0 && len(b.prefixes) == 0 && b.present == nil {
		delete(b.parent.branches, b.step)
		b = b.parent
	}
}
