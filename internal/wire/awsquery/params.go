package awsquery

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/wire"
)

// maxParams bounds the parameters of a request. A full SendMessageBatch with
// ten attributes an entry has about 400.
const maxParams = 10000

// param is one decoded parameter.
type param struct{ name, value string }

// params are parameters sorted by name, so that those below one prefix are
// neighbours and a range of them is a subtree.
type params []param

// parse appends the request's parameters to ps. Where a name repeats only its
// last value stays: the body comes after the query string.
func (ps params) parse(r *wire.Request) (params, *smithy.APIError) {
	ps, err := ps.add(r.RawQuery)
	if err == nil && hasForm(r) {
		ps, err = ps.add(string(r.Body))
	}
	if err != nil {
		return ps, err
	}
	slices.SortStableFunc(ps, func(a, b param) int { return strings.Compare(a.name, b.name) })
	n := 0
	for i := range ps {
		if i+1 < len(ps) && ps[i+1].name == ps[i].name {
			continue
		}
		ps[n] = ps[i]
		n++
	}
	clear(ps[n:])
	return ps[:n], nil
}

func (ps params) add(form string) (params, *smithy.APIError) {
	for form != "" {
		var pair string
		pair, form, _ = strings.Cut(form, "&")
		if pair == "" {
			continue
		}
		if len(ps) == maxParams {
			return ps, smithy.SerializationError.Newf("The request has more than %d parameters.", maxParams)
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, ok := unescape(rawName)
		value, ok2 := unescape(rawValue)
		if !ok || !ok2 {
			return ps, smithy.SerializationError.New("The request is not valid form data in UTF-8.")
		}
		ps = append(ps, param{name, value})
	}
	return ps, nil
}

// find returns the value of the parameter called prefix+name. All of ps begin
// with prefix, of which only the length matters.
func (ps params) find(prefix int, name string) (string, bool) {
	i, ok := slices.BinarySearchFunc(ps, name, func(p param, name string) int {
		return strings.Compare(p.name[prefix:], name)
	})
	if !ok {
		return "", false
	}
	return ps[i].value, true
}

// below returns the parameters whose names begin with prefix+name+".".
func (ps params) below(prefix int, name string) params {
	lo, _ := slices.BinarySearchFunc(ps, name, func(p param, name string) int {
		return compareDotted(p.name[prefix:], name)
	})
	hi := lo
	for step := 1; hi < len(ps); step *= 2 { // gallop: most subtrees are small
		if compareDotted(ps[hi].name[prefix:], name) != 0 {
			break
		}
		hi += step
	}
	if hi = min(hi, len(ps)); hi > lo {
		n, _ := slices.BinarySearchFunc(ps[lo:hi], name, func(p param, name string) int {
			if compareDotted(p.name[prefix:], name) == 0 {
				return -1
			}
			return 1
		})
		hi = lo + n
	}
	return ps[lo:hi]
}

// compareDotted orders s against the names that begin with name+".": 0 for one
// of them.
func compareDotted(s, name string) int {
	if len(s) > len(name) && s[:len(name)] == name {
		return int(s[len(name)]) - '.'
	}
	if c := strings.Compare(s, name); c != 0 {
		return c
	}
	return -1 // name itself sorts before name+"."
}

// unescape decodes one form-encoded name or value. It reports false for bad
// escapes and for text that is no UTF-8.
func unescape(s string) (string, bool) {
	i := strings.IndexAny(s, "%+")
	if i < 0 {
		return s, utf8.ValidString(s)
	}
	var out strings.Builder
	out.Grow(len(s))
	for {
		out.WriteString(s[:i])
		if s[i] == '+' {
			out.WriteByte(' ')
			s = s[i+1:]
		} else {
			if i+2 >= len(s) {
				return "", false
			}
			hi, lo := unhex(s[i+1]), unhex(s[i+2])
			if hi > 15 || lo > 15 {
				return "", false
			}
			out.WriteByte(hi<<4 | lo)
			s = s[i+3:]
		}
		i = 0
		for i < len(s) && s[i] != '%' && s[i] != '+' {
			i++
		}
		if i == len(s) {
			out.WriteString(s)
			return out.String(), utf8.ValidString(out.String())
		}
	}
}

// unhex returns the value of a hexadecimal digit, 255 for anything else.
func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}
