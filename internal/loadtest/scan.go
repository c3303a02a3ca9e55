package loadtest

import (
	"bytes"
	"encoding/json"
	"strings"
)

// member finds the values of one member in responses of both protocols, without
// decoding the rest.
type member struct {
	json       string // beginning in JSON, up to the value's quote
	open, shut string // tags in XML
}

func memberOf(json, xml string) member {
	return member{json: `"` + json + `":`, open: "<" + xml + ">", shut: "</" + xml + ">"}
}

// Members that are looked for. They never change.
var (
	memberQueueURL = memberOf("QueueUrl", "QueueUrl")
	memberHandle   = memberOf("ReceiptHandle", "ReceiptHandle")
	memberBody     = memberOf("Body", "Body")
	memberType     = memberOf("__type", "Code")
	// memberFault is in every entry of a batch that failed.
	memberFault = memberOf("SenderFault", "SenderFault")
)

// next returns the first value and what follows it. The value aliases body unless
// it has escapes.
func (m *member) next(body []byte) (value, rest []byte, ok bool) {
	if len(body) == 0 {
		return nil, nil, false
	}
	if i := bytes.Index(body, []byte(m.open)); i >= 0 {
		rest = body[i+len(m.open):]
		end := bytes.Index(rest, []byte(m.shut))
		if end < 0 {
			return nil, nil, false
		}
		return unescapeXML(rest[:end]), rest[end+len(m.shut):], true
	}
	i := bytes.Index(body, []byte(m.json))
	if i < 0 {
		return nil, nil, false
	}
	rest = bytes.TrimLeft(body[i+len(m.json):], " ")
	if len(rest) == 0 || rest[0] != '"' {
		return nil, rest, len(rest) > 0 // a number or a boolean: only that it is there matters
	}
	rest = rest[1:]
	escaped := false
	for i := 0; i < len(rest); i++ {
		switch rest[i] {
		case '\\':
			escaped = true
			i++
		case '"':
			if escaped {
				return unescapeJSON(rest[:i]), rest[i+1:], true
			}
			return rest[:i], rest[i+1:], true
		}
	}
	return nil, nil, false
}

// count is the number of values.
func (m *member) count(body []byte) int {
	if n := bytes.Count(body, []byte(m.open)); n > 0 {
		return n
	}
	return bytes.Count(body, []byte(m.json))
}

func unescapeXML(v []byte) []byte {
	if bytes.IndexByte(v, '&') < 0 {
		return v
	}
	r := strings.NewReplacer("&lt;", "<", "&gt;", ">", "&quot;", `"`, "&#34;", `"`, "&#39;", "'", "&amp;", "&")
	return []byte(r.Replace(string(v)))
}

func unescapeJSON(v []byte) []byte {
	var s string
	if json.Unmarshal([]byte(`"`+string(v)+`"`), &s) != nil {
		return v
	}
	return []byte(s)
}

// errorCode is the code of an error response, without its namespace.
func errorCode(body []byte) string {
	v, _, ok := memberType.next(body)
	if !ok {
		return "Unknown"
	}
	return string(v[bytes.IndexByte(v, '#')+1:])
}
