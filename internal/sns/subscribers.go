package sns

import (
	"sync"

	"github.com/spillway/spillway/internal/sns/filter"
)

// subscribers are the subscriptions of one topic, found by what they want.
type subscribers struct {
	mu sync.RWMutex // guards the rest
	// all that are there for the API: pending ones, too, but none that ended.
	all map[string]*subscription // by id
	// those that get messages are in one of these:
	plain      map[string]*subscription                // without a filter policy
	attributes *filter.Index[*subscription]            // by message attributes
	bodies     map[string]*filter.Index[*subscription] // by body, which depends on the protocol
	filtered   int                                     // how many have a policy
}

func newSubscribers() *subscribers {
	return &subscribers{
		all: map[string]*subscription{}, plain: map[string]*subscription{},
		attributes: filter.NewIndex[*subscription](), bodies: map[string]*filter.Index[*subscription]{},
	}
}

// replace puts a subscription in the place of what it was, at once: whoever publishes
// meanwhile meets one of the two. Either may be nil.
func (m *subscribers) replace(old, sub *subscription) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if old != nil {
		m.remove(old)
	}
	if sub != nil && sub.Ended == 0 {
		m.add(sub)
	}
}

// add is a part of replace.
func (m *subscribers) add(sub *subscription) {
	m.all[sub.id] = sub
	if sub.active() && sub.filter != nil {
		m.filtered++
	}
	switch {
	case !sub.active():
	case sub.filter == nil:
		m.plain[sub.id] = sub
	case sub.filter.Scope() == filter.Attributes:
		m.attributes.Add(sub, sub.filter)
	default:
		x := m.bodies[sub.Protocol]
		if x == nil {
			x = filter.NewIndex[*subscription]()
			m.bodies[sub.Protocol] = x
		}
		x.Add(sub, sub.filter)
	}
}

// remove is a part of replace.
func (m *subscribers) remove(sub *subscription) {
	if m.all[sub.id] == sub && sub.active() && sub.filter != nil {
		m.filtered--
	}
	delete(m.all, sub.id)
	delete(m.plain, sub.id)
	m.attributes.Remove(sub)
	if x := m.bodies[sub.Protocol]; x != nil {
		x.Remove(sub)
	}
}

// match returns those that get a notification, and how many do not for their policy.
func (m *subscribers) match(n *notification) (out []*subscription, missed int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out = make([]*subscription, 0, len(m.plain)+1)
	for _, sub := range m.plain {
		out = append(out, sub)
	}
	add := func(sub *subscription) { out = append(out, sub) }
	if m.filtered == 0 {
		return out, 0
	}
	m.attributes.Match(&filter.Message{Attributes: n.filterAttributes()}, add)
	for protocol, x := range m.bodies {
		x.Match(&filter.Message{Body: n.textFor(protocol)}, add)
	}
	return out, len(m.plain) + m.filtered - len(out)
}

// gets reports whether a notification matches a subscription's filter policy.
func (m *subscribers) gets(sub *subscription, n *notification) bool {
	if sub.filter == nil {
		return true
	}
	return sub.filter.Match(&filter.Message{Attributes: n.filterAttributes(), Body: n.textFor(sub.Protocol)})
}

// count returns how many are confirmed and how many are pending.
func (m *subscribers) count() (confirmed, pending int) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	for _, sub := range m.all {
		if sub.Pending {
			pending++
		} else {
			confirmed++
		}
	}
	return confirmed, pending
}

// list returns all, in no order.
func (m *subscribers) list() []*subscription {
	m.mu.RLock()
	defer m.mu.RUnlock()
	out := make([]*subscription, 0, len(m.all))
	for _, sub := range m.all {
		out = append(out, sub)
	}
	return out
}
