package awsquery

import (
	"bytes"
	"strings"

	"github.com/spillway/spillway/internal/wire"
)

// Action returns the Action and Version parameters of a request, "" for those
// it lacks. It looks at parameter names only and decodes no other value, so a
// gateway can ask it about any request. As in Decode, the body wins.
func Action(r *wire.Request) (action, version string) {
	scan := func(name, value string) {
		switch name {
		case "Action":
			action = value
		case "Version":
			version = value
		}
	}
	rest := r.RawQuery
	for rest != "" {
		var pair string
		pair, rest, _ = strings.Cut(rest, "&")
		if pair == "" || pair[0] != 'A' && pair[0] != 'V' {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		if name != "Action" && name != "Version" {
			continue
		}
		if v, ok := unescape(value); ok {
			scan(name, v)
		}
	}
	if !hasForm(r) {
		return action, version
	}
	body := r.Body
	for len(body) > 0 {
		var pair []byte
		pair, body, _ = bytes.Cut(body, []byte{'&'})
		if len(pair) == 0 || pair[0] != 'A' && pair[0] != 'V' {
			continue
		}
		name, value, _ := bytes.Cut(pair, []byte{'='})
		if string(name) != "Action" && string(name) != "Version" {
			continue
		}
		if v, ok := unescape(string(value)); ok {
			scan(string(name), v)
		}
	}
	return action, version
}

// hasForm reports whether the body holds parameters. Old clients send forms
// without a content type.
func hasForm(r *wire.Request) bool {
	if len(r.Body) == 0 {
		return false
	}
	if r.Header == nil {
		return true
	}
	mime, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	mime = strings.TrimSpace(mime)
	return mime == "" || strings.EqualFold(mime, "application/x-www-form-urlencoded")
}
