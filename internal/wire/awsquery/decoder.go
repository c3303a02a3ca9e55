package awsquery

import (
	"encoding/base64"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// maxDepth bounds how deep a request nests.
const maxDepth = 64

// decoder reads a parameter tree as a smithy.Decoder.
type decoder struct {
	all   params
	items []item // elements of open collections, a stack
	lists []list // open collections, a stack
	at    node   // the value the decoder stands on
	depth int
	err   *smithy.APIError
}

// node is a value: the text of the parameter with its name, the parameters
// below it, or both.
type node struct {
	value  string
	exact  bool   // a parameter has the value's own name
	below  params // parameters below it
	prefix int    // length of the prefix of those, with the dot
	member *smithy.Member
}

// item is one element of a collection.
type item struct {
	index int
	node  node
}

// list is an open collection; its remaining elements are items[next:end].
type list struct {
	base, next int
	isMap      bool
	key        *smithy.Member // of a map
	elem       *smithy.Member
	keyText    string
}

func (d *decoder) decode(in smithy.Shape, r *wire.Request) error {
	d.all, d.err = d.all[:0].parse(r)
	if d.err == nil {
		d.at = node{below: d.all}
		d.Struct(in)
	}
	return d.Err()
}

// keptParams is how many parameters a pooled decoder has room for at most.
const keptParams = 1024

// reset drops what the decoder holds of a request, before it is pooled.
func (d *decoder) reset() {
	if cap(d.all) > keptParams {
		*d = decoder{}
		return
	}
	clear(d.all[:cap(d.all)])
	clear(d.items[:cap(d.items)])
	clear(d.lists[:cap(d.lists)])
	*d = decoder{all: d.all[:0], items: d.items[:0], lists: d.lists[:0]}
}

// Err implements smithy.Decoder.
func (d *decoder) Err() error {
	if d.err != nil {
		return d.err
	}
	return nil // not d.err: that would be a non-nil interface
}

// bad records that the value is not of its type. The value itself stays out of
// the message: it can be long, or a secret.
func (d *decoder) bad(what string) {
	if d.err == nil {
		name := "element"
		if d.at.member != nil {
			name = d.at.member.XMLName
		}
		d.err = smithy.SerializationError.Newf("The value of parameter %s can not be converted to %s", name, what)
	}
}

// child returns the value called name below n.
func (n *node) child(name string, m *smithy.Member) node {
	c := node{member: m, prefix: n.prefix + len(name) + 1}
	c.value, c.exact = n.below.find(n.prefix, name)
	c.below = n.below.below(n.prefix, name)
	return c
}

func (n *node) present() bool { return n.exact || len(n.below) > 0 }

// Struct implements smithy.Decoder.
func (d *decoder) Struct(v smithy.Shape) {
	if d.err != nil {
		return
	}
	if d.depth == maxDepth {
		d.err = smithy.SerializationError.New("The request nests structures too deeply.")
		return
	}
	d.depth++
	n := d.at
	members := v.Schema().Members
	for i := range members {
		m := &members[i]
		c := n.child(m.XMLName, m)
		if !c.present() || d.err != nil {
			continue
		}
		if m.Target.Kind == smithy.KindStructure && len(c.below) == 0 {
			continue
		}
		d.at = c
		v.DecodeMember(d, i)
	}
	d.depth--
}

// BeginList implements smithy.Decoder.
func (d *decoder) BeginList(m *smithy.Member) {
	d.begin(list{elem: m.Target.Elem}, m.Flattened, m.Target.Elem.XMLName)
}

// BeginMap implements smithy.Decoder.
func (d *decoder) BeginMap(m *smithy.Member) {
	d.begin(list{isMap: true, key: m.Target.Key, elem: m.Target.Elem}, m.Flattened, "entry")
}

// begin finds the elements of the collection the decoder stands on and orders
// them by index. Indices order and nothing else: gaps are fine and memory
// follows the number of parameters.
func (d *decoder) begin(l list, flattened bool, level string) {
	n := d.at
	l.base = len(d.items)
	l.next = l.base
	d.lists = append(d.lists, l)
	if d.err != nil {
		return
	}
	if d.depth++; d.depth > maxDepth {
		d.err = smithy.SerializationError.New("The request nests structures too deeply.")
		return
	}
	outer := n
	if !flattened {
		n = n.child(level, n.member)
	}
	rest := n.below
	for len(rest) > 0 {
		segment, _, dotted := strings.Cut(rest[0].name[n.prefix:], ".")
		it := item{node: node{member: l.elem, prefix: n.prefix + len(segment) + 1}}
		index, err := strconv.Atoi(segment)
		isIndex := err == nil && index >= 0
		if dotted {
			it.node.below = rest.below(n.prefix, segment)
			rest = rest[len(it.node.below):]
		} else {
			it.node.value, it.node.exact = rest[0].value, true
			rest = rest[1:]
		}
		if isIndex {
			it.index = index
			d.items = append(d.items, it)
		}
	}
	items := d.items[l.base:]
	slices.SortStableFunc(items, func(a, b item) int { return a.index - b.index })
	if len(items) > 0 {
		return
	}
	// Clients of the oldest API versions leave the index out where there is one
	// element: AttributeName=All, Attribute.Name=x&Attribute.Value=y. An empty
	// value stands for an empty list, as SDKs send it.
	one := outer
	one.member = l.elem
	switch {
	case l.isMap && flattened:
		if k := one.child(l.key.XMLName, l.key); k.exact {
			d.items = append(d.items, item{node: one})
		}
	case !l.isMap && one.exact && one.value != "":
		d.items = append(d.items, item{node: one})
	}
}

// More implements smithy.Decoder.
func (d *decoder) More() bool {
	l := &d.lists[len(d.lists)-1]
	if d.err == nil && l.next < len(d.items) {
		it := d.items[l.next]
		l.next++
		d.at = it.node
		if !l.isMap {
			return true
		}
		k := it.node.child(l.key.XMLName, l.key)
		v := it.node.child(l.elem.XMLName, l.elem)
		if !k.exact {
			d.err = smithy.SerializationError.Newf("A map entry lacks its %s.", l.key.XMLName)
			return d.leave()
		}
		// An entry without value parameters is an empty value: a structure with
		// no members, or the empty string that a client dropped.
		l.keyText, d.at = k.value, v
		return true
	}
	return d.leave()
}

// leave ends the innermost list or map.
func (d *decoder) leave() bool {
	l := &d.lists[len(d.lists)-1]
	d.items = d.items[:l.base]
	d.lists = d.lists[:len(d.lists)-1]
	if d.err == nil {
		d.depth--
	}
	return false
}

// Key implements smithy.Decoder.
func (d *decoder) Key() string { return d.lists[len(d.lists)-1].keyText }

// String implements smithy.Decoder.
func (d *decoder) String() string {
	if d.err != nil {
		return ""
	}
	if !d.at.exact && len(d.at.below) > 0 {
		d.bad("a String")
	}
	return d.at.value
}

// Int implements smithy.Decoder.
func (d *decoder) Int() int64 {
	if d.err != nil {
		return 0
	}
	what, bits := "a Long", 64
	if d.at.member.Target.Kind == smithy.KindInteger {
		what, bits = "an Integer", 32
	}
	v, err := strconv.ParseInt(strings.TrimSpace(d.at.value), 10, bits)
	if err != nil {
		d.bad(what)
		return 0
	}
	return v
}

// Float implements smithy.Decoder.
func (d *decoder) Float() float64 {
	if d.err != nil {
		return 0
	}
	switch d.at.value {
	case "NaN":
		return math.NaN()
	case "Infinity":
		return math.Inf(1)
	case "-Infinity":
		return math.Inf(-1)
	}
	v, err := strconv.ParseFloat(d.at.value, 64)
	if err != nil || math.IsInf(v, 0) || math.IsNaN(v) {
		d.bad("a Double")
		return 0
	}
	return v
}

// Bool implements smithy.Decoder.
func (d *decoder) Bool() bool {
	if d.err != nil {
		return false
	}
	switch {
	case strings.EqualFold(d.at.value, "true"):
		return true
	case strings.EqualFold(d.at.value, "false"):
		return false
	}
	d.bad("a Boolean")
	return false
}

// Blob implements smithy.Decoder.
func (d *decoder) Blob() []byte {
	if d.err != nil {
		return nil
	}
	v, err := base64.StdEncoding.DecodeString(d.at.value)
	if err != nil {
		d.bad("a Blob")
		return nil
	}
	return v
}

// Time implements smithy.Decoder.
func (d *decoder) Time() time.Time {
	if d.err != nil {
		return time.Time{}
	}
	v, err := time.Parse(time.RFC3339Nano, d.at.value)
	if err != nil {
		d.bad("a Timestamp")
		return time.Time{}
	}
	return v.UTC()
}
