package sns

import (
	"encoding/json"

	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/queue"
	"github.com/spillway/spillway/internal/sns/filter"
)

// topic is one topic as the operations see it. It never changes: a change of the
// catalog makes a new one. The subscribers are shared by all of them.
type topic struct {
	name
	topicRecord
	ARN      string
	policy   *policy.Document
	delivery *topicDelivery
	subs     *subscribers
	log      *queue.Queue // of a FIFO topic
	archive  *queue.Queue // nil for none
}

// subscription is one subscription. It never changes either.
type subscription struct {
	subscriptionName
	subscriptionRecord
	ARN        string
	raw        bool
	filter     *filter.Policy // nil for none
	broken     bool           // its filter policy cannot be read
	deadLetter string         // ARN of a queue, "" for none
	delivery   *subscriptionDelivery
	queue      *queue.Queue // what is still to be delivered
}

// topicChanged hears of every topic record, in order.
func (s *Service) topicChanged(key string, value []byte) {
	n, ok := parseKey(key)
	if !ok {
		s.logger.Error("catalog: malformed topic key", "key", key)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old := s.topics[n]
	if value == nil {
		if old != nil {
			s.engine.Delete(old.ID)
			if old.Archive != 0 {
				s.engine.Delete(old.Archive)
			}
			delete(s.topics, n)
		}
		s.dropMembers(n)
		s.kick()
		return
	}
	t := &topic{name: n, ARN: n.arn(), subs: s.membersOf(n)}
	if err := json.Unmarshal(value, &t.topicRecord); err != nil {
		s.logger.Error("catalog: malformed topic record", "topic", key, "error", err)
		return
	}
	if old != nil && old.Archive != 0 && old.Archive != t.Archive {
		s.engine.Delete(old.Archive)
	}
	t.policy = s.readPolicy(t)
	t.delivery = effectiveTopicDelivery(t.Attributes[attrDeliveryPolicy])
	if n.fifo() {
		t.log = s.engine.Declare(t.ID, logSpec())
		if t.Archive != 0 {
			t.archive = s.engine.Declare(t.Archive, archiveSpec(t.Attributes[attrArchivePolicy]))
		}
	}
	s.topics[n] = t
	s.kick()
}

// readPolicy parses what was checked when it was set. Never fall back to an open
// topic.
func (s *Service) readPolicy(t *topic) *policy.Document {
	p, err := policy.Parse(t.policyText())
	if err != nil {
		s.logger.Error("topic policy cannot be read: it denies everything", "topic", t.ARN, "error", err)
		return &policy.Document{}
	}
	return p
}

// policyText is the policy in force.
func (t *topic) policyText() string {
	if text := t.Attributes[attrPolicy]; text != "" {
		return text
	}
	return defaultPolicy(t.name)
}

// membersOf returns the subscribers of a topic, which may be read from the catalog
// before it. s.mu is held.
func (s *Service) membersOf(n name) *subscribers {
	m := s.members[n]
	if m == nil {
		m = newSubscribers()
		s.members[n] = m
	}
	return m
}

// dropMembers forgets the subscribers of a topic that is gone with all of them. s.mu is
// held.
func (s *Service) dropMembers(n name) {
	if s.topics[n] == nil && len(s.membersOf(n).list()) == 0 {
		delete(s.members, n)
	}
}

// subscriptionChanged hears of every subscription record, in order.
func (s *Service) subscriptionChanged(key string, value []byte) {
	n, ok := parseSubscriptionKey(key)
	if !ok {
		s.logger.Error("catalog: malformed subscription key", "key", key)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	old, members := s.subs[n], s.membersOf(n.name)
	if value == nil {
		if old != nil {
			members.replace(old, nil)
			s.engine.Delete(old.ID)
			delete(s.subs, n)
		}
		s.dropMembers(n.name)
		s.kick()
		return
	}
	sub := &subscription{subscriptionName: n, ARN: n.arn()}
	if err := json.Unmarshal(value, &sub.subscriptionRecord); err != nil {
		s.logger.Error("catalog: malformed subscription record", "subscription", key, "error", err)
		return
	}
	s.read(sub)
	sub.queue = s.engine.Declare(sub.ID, deliverySpec())
	if sub.Orphan {
		members.replace(old, nil)
		s.dropMembers(n.name)
	} else {
		members.replace(old, sub)
	}
	s.subs[n] = sub
	s.kick()
}

// read takes over the attributes, which were checked when they were set.
func (s *Service) read(sub *subscription) {
	sub.raw = sub.Attributes[attrRaw] == "true"
	if text := sub.Attributes[attrRedrivePolicy]; text != "" {
		if p, problem := parseRedrive(text); problem == "" {
			sub.deadLetter = p.Target
		}
	}
	sub.delivery = parseSubscriptionDelivery(sub.Attributes[attrDeliveryPolicy])
	if text := sub.Attributes[attrFilterPolicy]; text != "" {
		p, err := filter.Parse(text, sub.scope())
		if err != nil {
			// Nothing is delivered rather than everything.
			s.logger.Error("filter policy cannot be read: it matches nothing", "subscription", sub.ARN, "error", err)
			sub.broken = true
		}
		sub.filter = p
	}
}

// scope is what the filter policy is about.
func (r *subscriptionRecord) scope() filter.Scope {
	if r.Attributes[attrFilterScope] == scopeBody {
		return filter.Body
	}
	return filter.Attributes
}

// active reports whether it gets what is published.
func (sub *subscription) active() bool { return !sub.Pending && sub.Ended == 0 && !sub.broken }

// lookup returns a topic, or nil.
func (s *Service) lookup(n name) *topic {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.topics[n]
}

// lookupSubscription returns a subscription, ended ones too, or nil.
func (s *Service) lookupSubscription(n subscriptionName) *subscription {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.subs[n]
}
