package sigv4

import (
	"bytes"
	"slices"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/wire"
)

// pathStyle is how the path as sent goes into the canonical request.
type pathStyle uint8

const (
	// pathEncoded encodes the sent path once more: every service but S3.
	pathEncoded pathStyle = iota
	// pathAsIs encodes the decoded path: S3.
	pathAsIs
)

// appendCanonical appends the canonical request.
func (s *scratch) appendCanonical(b []byte, r *wire.Request, c *claim, style pathStyle, path string, payload []byte) []byte {
	b = append(b, r.Method...)
	b = append(b, '\n')
	if style == pathAsIs {
		b = appendReencoded(b, path, true)
	} else {
		b = appendEncoded(b, path, true)
	}
	b = append(b, '\n')
	if r.RawQuery != "" {
		b = s.appendQuery(b, r.RawQuery, c.presigned)
	}
	b = append(b, '\n')
	for rest := c.signedHeaders; ; {
		name, more, found := strings.Cut(rest, ";")
		b = s.appendHeader(b, r, name)
		if !found {
			break
		}
		rest = more
	}
	b = append(b, '\n')
	b = append(b, c.signedHeaders...)
	b = append(b, '\n')
	return append(b, payload...)
}

// appendHeader appends "name:values\n". A signed header that is not there is
// the same as an empty one: proxies drop those.
func (s *scratch) appendHeader(b []byte, r *wire.Request, name string) []byte {
	b = append(b, name...)
	b = append(b, ':')
	s.values = r.Header.Values(s.values[:0], name)
	if len(s.values) == 0 && strings.EqualFold(name, "content-length") {
		// HTTP servers keep it apart from the other headers.
		b = strconv.AppendInt(b, int64(len(r.Body)), 10)
	}
	for i, v := range s.values {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendCollapsed(b, v)
	}
	return append(b, '\n')
}

// appendCollapsed trims the value and makes one space of each run of spaces.
func appendCollapsed(b []byte, v string) []byte {
	v = strings.Trim(v, " \t\r\n")
	for {
		i := strings.Index(v, "  ")
		if i < 0 {
			return append(b, v...)
		}
		b = append(b, v[:i+1]...)
		v = strings.TrimLeft(v[i:], " ")
	}
}

// param is one query parameter: offsets in scratch.query.
type param struct{ start, equals, end int }

// appendQuery appends the parameters encoded one by one, then sorted by name
// and value. A plus is a space, as to everyone who parses the query later.
func (s *scratch) appendQuery(b []byte, rawQuery string, presigned bool) []byte {
	s.query, s.params = s.query[:0], s.params[:0]
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		p := param{start: len(s.query)}
		s.query = appendReencoded(s.query, key, false)
		p.equals = len(s.query)
		if presigned && string(s.query[p.start:]) == "X-Amz-Signature" {
			s.query = s.query[:p.start]
			continue
		}
		s.query = append(s.query, '=')
		s.query = appendReencoded(s.query, value, false)
		p.end = len(s.query)
		s.params = append(s.params, p)
	}
	slices.SortStableFunc(s.params, func(x, y param) int {
		if c := bytes.Compare(s.query[x.start:x.equals], s.query[y.start:y.equals]); c != 0 {
			return c
		}
		return bytes.Compare(s.query[x.equals:x.end], s.query[y.equals:y.end])
	})
	for i, p := range s.params {
		if i > 0 {
			b = append(b, '&')
		}
		b = append(b, s.query[p.start:p.end]...)
	}
	return b
}

// normalizePath drops empty, "." and ".." segments (RFC 3986, section 6).
func normalizePath(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var segments []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			if len(segments) > 0 {
				segments = segments[:len(segments)-1]
			}
		default:
			segments = append(segments, segment)
		}
	}
	out := "/" + strings.Join(segments, "/")
	if strings.HasSuffix(path, "/") && len(segments) > 0 {
		out += "/"
	}
	return out
}

const upperHex = "0123456789ABCDEF"

func unreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '.' || c == '_' || c == '~'
}

func appendByte(b []byte, c byte, slash bool) []byte {
	if unreserved(c) || (slash && c == '/') {
		return append(b, c)
	}
	return append(b, '%', upperHex[c>>4], upperHex[c&15])
}

// appendEncoded appends s percent-encoded; slash leaves slashes alone.
func appendEncoded(b []byte, s string, slash bool) []byte {
	for i := 0; i < len(s); i++ {
		b = appendByte(b, s[i], slash)
	}
	return b
}

// appendReencoded decodes s and encodes it the canonical way. In paths (slash)
// a plus is itself.
func appendReencoded(b []byte, s string, slash bool) []byte {
	for i := 0; i < len(s); {
		c, n := decodeByte(s[i:], !slash)
		i += n
		b = appendByte(b, c, slash)
	}
	return b
}

func appendDecoded(b []byte, s string) []byte {
	for i := 0; i < len(s); {
		c, n := decodeByte(s[i:], true)
		i += n
		b = append(b, c)
	}
	return b
}

// decodeByte reads one byte of percent-encoded text and how long it was. A
// percent sign without two hex digits is itself.
func decodeByte(s string, plus bool) (byte, int) {
	switch {
	case s[0] == '%' && len(s) >= 3:
		hi, lo := unhex(s[1]), unhex(s[2])
		if hi < 16 && lo < 16 {
			return hi<<4 | lo, 3
		}
	case s[0] == '+' && plus:
		return ' ', 1
	}
	return s[0], 1
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}
