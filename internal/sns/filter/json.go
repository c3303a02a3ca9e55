package filter

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is Jackson's limit of nesting.
const maxDepth = 1000

// node is a JSON value. A tree of nodes instead of encoding/json's maps, because
// texts about a policy depend on the order of its members, and say where.
type node struct {
	kind  kind
	text  string // strings, unescaped; numbers, as written
	items []item // elements of arrays, members of objects
	names map[string]int
}

// item is a member of an object, or an element of an array, without a name.
type item struct {
	name string
	node
}

type kind uint8

const (
	kindNull kind = iota
	kindFalse
	kindTrue
	kindNumber
	kindString
	kindArray
	kindObject
)

// fewMembers is how many members are found faster without a map.
const fewMembers = 8

// member returns the index of a member, or -1.
func (n *node) member(name string) int {
	if n.names != nil {
		if i, ok := n.names[name]; ok {
			return i
		}
		return -1
	}
	for i := range n.items {
		if n.items[i].name == name {
			return i
		}
	}
	return -1
}

// put adds a member, or replaces the one of the same name in its place: the last
// of equals wins, as in Jackson's trees.
func (n *node) put(m item) {
	if i := n.member(m.name); i >= 0 {
		n.items[i] = m
		return
	}
	n.items = append(n.items, m)
	switch {
	case n.names != nil:
		n.names[m.name] = len(n.items) - 1
	case len(n.items) > fewMembers:
		n.names = make(map[string]int, 2*len(n.items))
		for i := range n.items {
			n.names[n.items[i].name] = i
		}
	}
}

// syntaxError is a text that is no JSON, in Jackson's words.
type syntaxError struct {
	text string
	at   int // offset of the byte that is wrong
}

func (e *syntaxError) Error() string { return e.text }

func parseJSON(src string) (*node, error) {
	p := parser{src: src}
	root, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(src) {
		return nil, p.unexpected("expected the end of the document")
	}
	return &root, nil
}

type parser struct {
	src string
	at  int
}

func (p *parser) fail(format string, args ...any) error {
	return &syntaxError{fmt.Sprintf(format, args...), p.at}
}

func (p *parser) unexpected(expected string) error {
	if p.at >= len(p.src) {
		return p.fail("Unexpected end-of-input: %s", expected)
	}
	r, _ := utf8.DecodeRuneInString(p.src[p.at:])
	return p.fail("Unexpected character (%s): %s", character(r), expected)
}

func character(r rune) string {
	if r < ' ' {
		return fmt.Sprintf("(CTRL-CHAR, code %d)", r)
	}
	return fmt.Sprintf("'%c' (code %d)", r, r)
}

func (p *parser) space() {
	for p.at < len(p.src) {
		switch p.src[p.at] {
		case ' ', '\t', '\n', '\r':
			p.at++
		default:
			return
		}
	}
}

// peek is the next byte after white space; 0 at the end.
func (p *parser) peek() byte {
	p.space()
	if p.at < len(p.src) {
		return p.src[p.at]
	}
	return 0
}

func (p *parser) value(depth int) (node, error) {
	c := p.peek()
	switch {
	case c == '"':
		text, err := p.str()
		return node{kind: kindString, text: text}, err
	case c == '{' || c == '[':
		if depth++; depth > maxDepth {
			return node{}, p.fail("Document nesting depth (%d) exceeds the maximum allowed (%d, from `StreamReadConstraints.getMaxNestingDepth()`)", depth, maxDepth)
		}
		p.at++
		if c == '{' {
			return p.object(depth)
		}
		return p.array(depth)
	case c == '-' || isDigit(c):
		return p.number()
	default:
		return p.literal()
	}
}

func (p *parser) object(depth int) (node, error) {
	n := node{kind: kindObject}
	if p.peek() == '}' {
		p.at++
		return n, nil
	}
	for {
		if p.peek() != '"' {
			return n, p.unexpected("was expecting double-quote to start field name")
		}
		name, err := p.str()
		if err != nil {
			return n, err
		}
		if p.peek() != ':' {
			return n, p.unexpected("was expecting a colon to separate field name and value")
		}
		p.at++
		v, err := p.value(depth)
		if err != nil {
			return n, err
		}
		n.put(item{name, v})
		switch p.peek() {
		case ',':
			p.at++
		case '}':
			p.at++
			return n, nil
		default:
			return n, p.unexpected("was expecting comma to separate Object entries")
		}
	}
}

func (p *parser) array(depth int) (node, error) {
	n := node{kind: kindArray}
	if p.peek() == ']' {
		p.at++
		return n, nil
	}
	for {
		v, err := p.value(depth)
		if err != nil {
			return n, err
		}
		n.items = append(n.items, item{node: v})
		switch p.peek() {
		case ',':
			p.at++
		case ']':
			p.at++
			return n, nil
		default:
			return n, p.unexpected("was expecting comma to separate Array entries")
		}
	}
}

func (p *parser) literal() (node, error) {
	end := p.at
	for end < len(p.src) && (p.src[end]|0x20 >= 'a' && p.src[end]|0x20 <= 'z' || isDigit(p.src[end]) || p.src[end] == '_') {
		end++
	}
	word := p.src[p.at:end]
	n := node{}
	switch word {
	case "null":
		n.kind = kindNull
	case "false":
		n.kind = kindFalse
	case "true":
		n.kind = kindTrue
	case "":
		return n, p.unexpected("expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')")
	default:
		return n, p.fail("Unrecognized token '%s': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')", clip(word, 256))
	}
	p.at = end
	return n, nil
}

func (p *parser) number() (node, error) {
	start := p.at
	if p.src[p.at] == '-' {
		p.at++
	}
	zero := p.at < len(p.src) && p.src[p.at] == '0'
	switch digits := p.digits(); {
	case digits == 0:
		return node{}, p.unexpected("expected digit (0-9) to follow minus sign, for valid numeric value")
	case zero && digits > 1:
		return node{}, p.fail("Invalid numeric value: Leading zeroes not allowed")
	}
	if p.at < len(p.src) && p.src[p.at] == '.' {
		p.at++
		if p.digits() == 0 {
			return node{}, p.unexpected("Decimal point not followed by a digit")
		}
	}
	if p.at < len(p.src) && p.src[p.at]|0x20 == 'e' {
		p.at++
		if p.at < len(p.src) && (p.src[p.at] == '+' || p.src[p.at] == '-') {
			p.at++
		}
		if p.digits() == 0 {
			return node{}, p.unexpected("Exponent indicator not followed by a digit")
		}
	}
	return node{kind: kindNumber, text: p.src[start:p.at]}, nil
}

func (p *parser) digits() int {
	start := p.at
	for p.at < len(p.src) && isDigit(p.src[p.at]) {
		p.at++
	}
	return p.at - start
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// str reads a string from its opening quote.
func (p *parser) str() (string, error) {
	p.at++
	start := p.at
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			p.at++
			return p.src[start : p.at-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < ' ':
			return "", p.fail("Illegal unquoted character (%s): has to be escaped using backslash to be included in string value", character(rune(c)))
		default:
			p.at++
		}
	}
	return "", p.fail("Unexpected end-of-input in VALUE_STRING")
}

// escaped reads the rest of a string that has escapes.
func (p *parser) escaped(start int) (string, error) {
	var b strings.Builder
	b.WriteString(p.src[start:p.at])
	for p.at < len(p.src) {
		switch c := p.src[p.at]; {
		case c == '"':
			p.at++
			return b.String(), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		case c < ' ':
			return "", p.fail("Illegal unquoted character (%s): has to be escaped using backslash to be included in string value", character(rune(c)))
		default:
			b.WriteByte(c)
			p.at++
		}
	}
	return "", p.fail("Unexpected end-of-input in VALUE_STRING")
}

func (p *parser) escape() (rune, error) {
	p.at++
	if p.at >= len(p.src) {
		return 0, p.fail("Unexpected end-of-input in character escape sequence")
	}
	c := p.src[p.at]
	if c == 'u' {
		p.at++
		r, err := p.hex()
		if err != nil || !utf16.IsSurrogate(r) {
			return r, err
		}
		if strings.HasPrefix(p.src[p.at:], `\u`) {
			back := p.at
			p.at += 2
			low, err := p.hex()
			if err != nil {
				return 0, err
			}
			if whole := utf16.DecodeRune(r, low); whole != utf8.RuneError {
				return whole, nil
			}
			p.at = back
		}
		return utf8.RuneError, nil
	}
	i := strings.IndexByte(`"\/bfnrt`, c)
	if i < 0 {
		r, _ := utf8.DecodeRuneInString(p.src[p.at:])
		return 0, p.fail("Unrecognized character escape %s", character(r))
	}
	p.at++
	return rune("\"\\/\b\f\n\r\t"[i]), nil
}

func (p *parser) hex() (rune, error) {
	var r rune
	for range 4 {
		if p.at >= len(p.src) {
			return 0, p.fail("Unexpected end-of-input in character escape sequence")
		}
		d := strings.IndexByte("0123456789abcdef", p.src[p.at]|0x20)
		if d < 0 || p.src[p.at] < '0' {
			return 0, p.unexpected("expected a hex-digit for character escape sequence")
		}
		r = r<<4 | rune(d)
		p.at++
	}
	return r, nil
}

// clip shortens a text that is quoted in another.
func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return s[:n] + "..."
}
