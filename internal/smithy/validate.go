package smithy

import (
	"fmt"
	"hash/fnv"
	"strconv"
	"strings"
	"time"
)

// maxViolations is how many violations AWS lists of a request.
const maxViolations = 10

// Validate checks a shape against the constraints of its model: required
// members, lengths, ranges, patterns and enumerations. The error is a
// ValidationError (or nil) in the words of AWS's own framework
// (facts-kinesis.md, "ValidationException messages").
func Validate(v Shape) error {
	// Most requests are valid: the first pass only counts, and writes no texts.
	c := &checker{quiet: true}
	c.structure(v)
	if c.count == 0 {
		return nil
	}
	c = &checker{}
	c.structure(v)
	plural := "s"
	if c.count == 1 {
		plural = ""
	}
	return ValidationError.Newf("%d validation error%s detected: %s", c.count, plural, strings.Join(c.found, "; "))
}

// checker collects violations as an Encoder: shapes tell it what they hold.
type checker struct {
	quiet bool // count only
	found []string
	count int
	path  []byte // of the value now written, "records.1.member.data"
	open  []opened
}

// opened is one container being walked.
type opened struct {
	path    int      // length of its own path
	members []Member // of a structure
	next    int      // members before it were seen or are missing
	m       *Member  // of a list or map
	count   int      // elements seen
	key     string   // of a map
	// What AWS shows of a collection is known only at its end, and so are its
	// violations, which are about its elements too.
	shown   []byte
	bad     []string // violated constraints of elements that are strings
	badKeys []string
	length  int
}

func (c *checker) top() *opened { return &c.open[len(c.open)-1] }

func (c *checker) push(o opened) {
	o.path = len(c.path)
	c.open = append(c.open, o)
}

func (c *checker) pop() {
	c.path = c.path[:c.top().path]
	c.open = c.open[:len(c.open)-1]
}

// report records a violation at the current path.
func (c *checker) report(shown, constraint string) {
	c.count = min(c.count+1, maxViolations)
	if !c.quiet && len(c.found) < maxViolations {
		c.found = append(c.found, "Value "+shown+" at '"+string(c.path)+"' failed to satisfy constraint: "+constraint)
	}
}

// maxShown bounds how much of a value an error repeats, in bytes. Lists of more than
// their 500 elements have that much.
const maxShown = 64 << 10

func quoted(s string) string {
	if len(s) > maxShown {
		s = strings.ToValidUTF8(s[:maxShown], "")
	}
	return "'" + s + "'"
}

// at moves the path to the value with member m. In a structure, the required
// members that were passed over are missing.
func (c *checker) at(m *Member) {
	o := c.top()
	c.path = c.path[:o.path]
	if o.m == nil {
		for ; o.next < len(o.members) && &o.members[o.next] != m; o.next++ {
			c.missing(o, &o.members[o.next])
		}
		o.next++
		if !c.quiet {
			c.path = appendName(c.path, m.Name)
		}
		return
	}
	if c.quiet {
		return
	}
	o.count++
	c.path = append(c.path, '.')
	if o.m.Target.Kind == KindMap {
		c.path = append(c.path, o.key...)
	} else {
		c.path = strconv.AppendInt(c.path, int64(o.count), 10)
	}
	c.path = append(c.path, ".member"...)
}

func (c *checker) missing(o *opened, m *Member) {
	if !m.Required {
		return
	}
	c.path = appendName(c.path[:o.path], m.Name)
	c.report("null", "Member must not be null")
	c.path = c.path[:o.path]
}

// appendName appends a member's name as AWS spells it in paths: with the Java
// getter's lower-case beginning.
func appendName(path []byte, name string) []byte {
	if len(path) > 0 {
		path = append(path, '.')
	}
	return append(path, lowerFirst(name)...)
}

// lowerFirst is "streamName" for "StreamName", "streamARN" for "StreamARN" and
// "kmsKeyId" for "KMSKeyId": a run of capitals at the start is one word.
func lowerFirst(s string) string {
	n := 0
	for n < len(s) && 'A' <= s[n] && s[n] <= 'Z' {
		n++
	}
	if n > 1 && n < len(s) {
		n-- // the last capital begins the next word
	}
	return strings.ToLower(s[:n]) + s[n:]
}

func (c *checker) structure(v Shape) {
	c.push(opened{members: v.Schema().Members})
	v.EncodeMembers(c)
	o := c.top()
	for ; o.next < len(o.members); o.next++ {
		c.missing(o, &o.members[o.next])
	}
	c.pop()
}

// show adds an element to what its collection shows.
func (c *checker) show(text string) {
	o := c.top()
	if o.m == nil || c.quiet || len(o.shown) > maxShown {
		return
	}
	if len(o.shown) > 0 {
		o.shown = append(o.shown, ", "...)
	}
	if o.m.Target.Kind == KindMap {
		o.shown = append(append(o.shown, o.key...), '=')
	}
	o.shown = append(o.shown, text...)
}

// String implements Encoder. Violations of strings in a collection are reported
// for the collection, once, with all constraints of its strings.
func (c *checker) String(m *Member, v string) {
	c.at(m)
	bad := m.Target.violations(v)
	if o := c.top(); o.m != nil {
		c.show(hide(m, v))
		if len(bad) > 0 && o.bad == nil {
			o.bad = m.Target.constraints()
		}
		return
	}
	for _, b := range bad {
		c.report(quoted(hide(m, v)), b)
	}
}

// hide keeps secrets out of messages.
func hide(m *Member, v string) string {
	if m.Sensitive {
		return "***"
	}
	return v
}

// Int implements Encoder.
func (c *checker) Int(m *Member, v int64) {
	c.at(m)
	text := ""
	if !c.quiet {
		text = strconv.FormatInt(v, 10)
	}
	c.show(text)
	l := &m.Target.Limits
	switch {
	case l.HasMin && v < l.Min:
		c.report(quoted(text), atLeast("value", l.Min))
	case l.HasMax && v > l.Max:
		c.report(quoted(text), atMost("value", l.Max))
	}
}

// Float implements Encoder.
func (c *checker) Float(m *Member, v float64) {
	c.at(m)
	text := ""
	if !c.quiet {
		text = strconv.FormatFloat(v, 'g', -1, 64)
	}
	c.show(text)
	l := &m.Target.Limits
	switch {
	case l.HasMin && v < float64(l.Min):
		c.report(quoted(text), atLeast("value", l.Min))
	case l.HasMax && v > float64(l.Max):
		c.report(quoted(text), atMost("value", l.Max))
	}
}

// Bool implements Encoder.
func (c *checker) Bool(m *Member, v bool) {
	c.at(m)
	c.show(strconv.FormatBool(v))
}

// Blob implements Encoder.
func (c *checker) Blob(m *Member, v []byte) {
	c.at(m)
	text := ""
	if !c.quiet {
		text = fmt.Sprintf("java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]", len(v), len(v))
	}
	c.show(text)
	for _, b := range m.Target.Limits.length(len(v)) {
		c.report(quoted(text), b)
	}
}

// Time implements Encoder.
func (c *checker) Time(m *Member, v time.Time) {
	c.at(m)
	if !c.quiet {
		c.show(v.UTC().Format(time.RFC1123))
	}
}

// object is how Java shows an object: its class, and a number of its own.
func (c *checker) object(s *Schema) string {
	if s.JavaClass == "" {
		return s.Name
	}
	h := fnv.New32a()
	_, _ = h.Write(c.path) // a hash does not fail
	return fmt.Sprintf("%s@%x", s.JavaClass, h.Sum32())
}

// Struct implements Encoder.
func (c *checker) Struct(m *Member, v Shape) {
	c.at(m)
	if !c.quiet {
		c.show(c.object(m.Target))
	}
	c.structure(v)
}

// BeginList implements Encoder.
func (c *checker) BeginList(m *Member, length int) { c.collection(m, length) }

// BeginMap implements Encoder.
func (c *checker) BeginMap(m *Member, length int) { c.collection(m, length) }

func (c *checker) collection(m *Member, length int) {
	c.at(m)
	c.push(opened{m: m, length: length})
}

// EndList implements Encoder.
func (c *checker) EndList(*Member) { c.endCollection("[", "]") }

// EndMap implements Encoder.
func (c *checker) EndMap(*Member) { c.endCollection("{", "}") }

func (c *checker) endCollection(left, right string) {
	o := c.top()
	c.path = c.path[:o.path]
	shown := left + string(o.shown) + right
	if o.m.Sensitive {
		shown = "***"
	}
	for _, b := range o.m.Target.Limits.length(o.length) {
		c.report(quoted(shown), b)
	}
	if o.badKeys != nil {
		c.report(quoted(shown), "Map keys must satisfy constraint: ["+strings.Join(o.badKeys, ", ")+"]")
	}
	if o.bad != nil {
		what := "Member must satisfy constraint: ["
		if left == "{" {
			what = "Map value must satisfy constraint: ["
		}
		c.report(quoted(shown), what+strings.Join(o.bad, ", ")+"]")
	}
	c.pop()
	c.show(shown)
}

// Key implements Encoder.
func (c *checker) Key(m *Member, k string) {
	o := c.top()
	o.key = k
	if key := m.Target.Key.Target; o.badKeys == nil && len(key.violations(k)) > 0 {
		o.badKeys = key.constraints()
	}
}
