package filter

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// location is how Jackson says where, since AWS keeps policies out of its texts.
func location(line, column int) string {
	return fmt.Sprintf("\n at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: %d, column: %d]", line, column)
}

// syntaxDetail is the error for a text that is no JSON.
func syntaxDetail(src string, err error) error {
	at, text := 0, err.Error()
	var syntax *syntaxError
	if errors.As(err, &syntax) {
		at = syntax.at
	}
	before := src[:min(at, len(src))]
	line := 1 + strings.Count(before, "\n")
	column := 1 + units16(before[strings.LastIndexByte(before, '\n')+1:])
	return &Error{"failed to parse JSON. " + text + location(line, column)}
}

// side is where Jackson stands when a fault shows: behind the first token of a
// value (of a string only the quote, since it reads those when asked), or behind
// the whole of it.
type side bool

const (
	atStart side = false
	atEnd   side = true
)

// fail is an error about a value. The recordings show that AWS parses the
// policy, writes it anew without white space, and compiles that: columns are
// those of the compact text.
func (c *compiler) fail(n *node, at side, format string, args ...any) error {
	w := walk{target: n, at: at}
	w.value(c.root)
	return &Error{fmt.Sprintf(format, args...) + location(1, w.column+1)}
}

// failAt is an error about the i-th element of an array, or about its end if
// there is none.
func (c *compiler) failAt(n *node, i int, format string, args ...any) error {
	if i < len(n.items) {
		return c.fail(&n.items[i].node, atStart, format, args...)
	}
	return c.fail(n, atEnd, format, args...)
}

// walk counts the UTF-16 units of the compact text up to a value.
type walk struct {
	target *node
	at     side
	column int
}

// value reports whether the target was met.
func (w *walk) value(n *node) bool {
	here := n == w.target
	switch n.kind {
	case kindObject, kindArray:
		w.column++
		if here && w.at == atStart {
			return true
		}
		for i := range n.items {
			if i > 0 {
				w.column++
			}
			if n.kind == kindObject {
				w.column += quoted(n.items[i].name) + 1
			}
			if w.value(&n.items[i].node) {
				return true
			}
		}
		w.column++
	case kindString:
		if here && w.at == atStart {
			w.column++
			return true
		}
		w.column += quoted(n.text)
	default:
		w.column += units16(token(n))
	}
	return here
}

// quoted is the length of a string as Jackson writes it.
func quoted(s string) int {
	n := 2 + units16(s)
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"', c == '\\', c == '\b', c == '\f', c == '\n', c == '\r', c == '\t':
			n++
		case c < ' ':
			n += len(`\u0000`) - 1
		}
	}
	return n
}

// units16 is the length of a string in Java.
func units16(s string) int {
	n := utf8.RuneCountInString(s)
	for _, r := range s {
		if r > 0xFFFF {
			n++
		}
	}
	return n
}
