package filter

import "slices"

// group is an object of a policy: all its rules hold.
type group []rule

// rule is a key with conditions, or an "$or".
type rule struct {
	test  *test
	cost  int     // what the test multiplies the combinations by
	group []group // the members of the "$or"
}

// combinations is the number that AWS limits: the product over keys of how many
// conditions there are, and how deep the key is; the members of an "$or" add up.
// It stops counting beyond the limit.
func (g group) combinations() int {
	product := 1
	for _, r := range g {
		n := r.cost
		for _, member := range r.group {
			n = min(n+member.combinations(), maxCombinations+1)
		}
		product = min(product*n, maxCombinations+1)
	}
	return product
}

// expand appends the group's rules to each of the alternatives. There are never
// more of those than combinations.
func (g group) expand(to []alternative) []alternative {
	for _, r := range g {
		var next []alternative
		if r.test != nil {
			for _, a := range to {
				next = append(next, append(slices.Clip(a), r.test))
			}
		}
		for _, member := range r.group {
			next = append(next, member.expand(to)...)
		}
		to = next
	}
	return to
}

// compiler turns a policy's JSON into rules. It refuses what event-ruler does, in
// the order in which that reads.
type compiler struct {
	root   *node
	path   []byte            // of the object that is read, each name followed by a dot
	keys   map[string]string // each to itself
	tests  []*test
	nested bool
}

func (c *compiler) compile(root *node) (group, error) {
	if root.kind != kindObject {
		return nil, c.fail(root, atStart, "Filter is not an object")
	}
	return c.object(root, 1)
}

func (c *compiler) object(n *node, depth int) (group, error) {
	if len(n.items) == 0 {
		return nil, c.fail(n, atEnd, "Empty objects are not allowed")
	}
	var g group
	for i := range n.items {
		m := &n.items[i]
		switch {
		case m.name == "$or" && isOr(&m.node):
			var or []group
			for j := range m.items {
				member, err := c.object(&m.items[j].node, depth)
				if err != nil {
					return nil, err
				}
				or = append(or, member)
			}
			g = append(g, rule{group: or})
		case m.kind == kindObject:
			c.nested = true
			outer := len(c.path)
			c.path = append(append(c.path, m.name...), '.')
			inner, err := c.object(&m.node, depth+1)
			if err != nil {
				return nil, err
			}
			c.path = c.path[:outer]
			g = append(g, inner...)
		case m.kind == kindArray:
			t, err := c.test(m)
			if err != nil {
				return nil, err
			}
			g = append(g, rule{test: t, cost: len(m.items) * depth})
		default:
			return nil, c.fail(&m.node, atStart, `"%s" must be an object or an array`, m.name)
		}
	}
	return g, nil
}

// isOr: "$or" is a key like others unless it holds two objects or more, none of
// which looks like a condition.
func isOr(n *node) bool {
	if n.kind != kindArray || len(n.items) < 2 {
		return false
	}
	for i := range n.items {
		if n.items[i].kind != kindObject {
			return false
		}
		for j := range n.items[i].items {
			if slices.Contains(reserved, n.items[i].items[j].name) {
				return false
			}
		}
	}
	return true
}

// reserved are the names that event-ruler does not take for keys in an "$or".
var reserved = []string{
	"exactly", "equals-ignore-case", "prefix", "suffix", "anything-but", "exists", "wildcard", "numeric", "cidr",
	"=", "<", "<=", ">", ">=",
	"regex", "not-wildcard", "not-equals-ignore-case",
	"date-after", "date-on-or-after", "date-before", "date-on-or-before", "in-date-range",
	"ip-address-in-range", "ip-address-not-in-range",
}

func (c *compiler) test(m *item) (*test, error) {
	t := &test{}
	for i := range m.items {
		e := &m.items[i].node
		switch e.kind {
		case kindArray:
			return nil, c.fail(e, atStart, "Match value must be String, number, true, false, or null")
		case kindObject:
			cond, err := c.expression(e)
			if err != nil {
				return nil, err
			}
			if cond == nil {
				t.absent = true
				continue
			}
			t.conditions = append(t.conditions, cond)
		default:
			t.conditions = append(t.conditions, exact(scalar(e)))
		}
	}
	if len(m.items) == 0 {
		return nil, c.fail(&m.node, atEnd, "Empty arrays are not allowed")
	}
	if len(c.keys) > maxKeys {
		return t, nil // nobody will use it; and keys could be many, and long
	}
	key := append(c.path, m.name...)
	if _, ok := c.keys[string(key)]; !ok {
		c.keys[string(key)] = string(key)
	}
	t.key = c.keys[string(key)]
	c.tests = append(c.tests, t)
	return t, nil
}
