package filter

import "errors"

// Scope is what a policy is about.
type Scope byte

// The scopes, in the order of FilterPolicyScope's values.
const (
	Attributes Scope = iota // MessageAttributes
	Body                    // MessageBody
)

// Limits of SNS.
const (
	maxSource       = 256 << 10
	maxKeys         = 5
	maxCombinations = 150
)

// Error is why a policy is refused.
type Error struct {
	Detail string // AWS's text, after "FilterPolicy: "
}

func (e *Error) Error() string { return e.Detail }

// ErrNested is why a policy with nested keys is refused in the scope Attributes.
// It is no *Error, since its text does not begin with "FilterPolicy: ".
var ErrNested = errors.New("Filter policy scope MessageAttributes does not support nested filter policy")

// Policy is a parsed filter policy. It is immutable.
type Policy struct {
	scope        Scope
	alternatives []alternative
}

// alternative is a policy, or what is left of one when for each "$or" a member
// is chosen: all its tests must be passed.
type alternative []*test

// test is a key and its conditions, any of which suffices.
type test struct {
	key        string
	path       []string // the key, in steps for the index; nil: too many steps
	conditions []condition
	absent     bool // {"exists": false} is one of the conditions
}

// Parse reads and validates a policy. Errors are of type *Error, but for
// ErrNested. An empty policy is refused: the caller knows what that means.
func Parse(text string, scope Scope) (*Policy, error) {
	if len(text) > maxSource {
		return nil, &Error{"Filter policy is too large"}
	}
	root, err := parseJSON(text)
	if err != nil {
		return nil, syntaxDetail(text, err)
	}
	c := compiler{root: root, keys: map[string]string{}}
	rules, err := c.compile(root)
	switch {
	case err != nil:
		return nil, err
	case scope == Attributes && c.nested:
		return nil, ErrNested
	case len(c.keys) > maxKeys:
		return nil, &Error{"Filter policy can not have more than 5 keys"}
	case rules.combinations() > maxCombinations:
		return nil, &Error{"Filter policy is too complex"}
	}
	p := &Policy{scope: scope, alternatives: rules.expand([]alternative{nil})}
	for _, t := range c.tests {
		t.path = steps(t.key, scope)
	}
	return p, nil
}

// Scope returns the scope that the policy was parsed for.
func (p *Policy) Scope() Scope { return p.scope }

// Match reports whether a subscription with this policy wants the message.
func (p *Policy) Match(m *Message) bool {
	if p.scope == Body && m.body() == nil {
		return false
	}
	for _, a := range p.alternatives {
		if a.matches(m, p.scope) {
			return true
		}
	}
	return false
}

func (a alternative) matches(m *Message, scope Scope) bool {
	for _, t := range a {
		if !t.matches(m.values(scope, t.key)) {
			return false
		}
	}
	return true
}

func (t *test) matches(values []value) bool {
	if len(values) == 0 {
		return t.absent
	}
	for _, v := range values {
		for _, c := range t.conditions {
			if c.matches(v) {
				return true
			}
		}
	}
	return false
}
