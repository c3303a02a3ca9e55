package sigv4

import (
	"strconv"
	"strings"
	"time"

	"github.com/spillway/spillway/internal/wire"
)

// claim is what a request says of its signature, before any of it is believed.
// The strings may alias the request.
type claim struct {
	accessKeyID   string
	scope         string // date/region/service/terminator, as sent
	date          string // YYYYMMDD
	region        string
	service       string
	terminator    string
	signedHeaders string // semicolon-separated, as sent
	signature     string // hex
	token         string // session token, or ""
	timestamp     string // YYYYMMDDTHHMMSSZ
	signed        time.Time
	presigned     bool
	expires       time.Duration // of a presigned URL; 0 when not stated
}

// parseClaim reads the Authorization header, or else the query's X-Amz-
// parameters. The zero claim means that there are no credentials.
func parseClaim(r *wire.Request) (claim, error) {
	if h := r.Header.Get("Authorization"); h != "" {
		return parseAuthorization(h, r.Header)
	}
	if isPresigned(r.RawQuery) {
		return parsePresigned(r.RawQuery)
	}
	return claim{}, nil
}

// ParseScope reads the credential scope without verifying anything: dev mode
// routes by it. Ok is false when there are no (readable) credentials. The
// results may alias the request: clone what outlives it.
func ParseScope(r *wire.Request) (accessKeyID, region, service string, ok bool) {
	var c claim
	if h := r.Header.Get("Authorization"); h != "" {
		_, rest, found := strings.Cut(h, "Credential=")
		if !found {
			return "", "", "", false
		}
		if end := strings.IndexAny(rest, ", "); end >= 0 {
			rest = rest[:end]
		}
		ok = c.setCredential(rest)
	} else if isPresigned(r.RawQuery) {
		ok = c.setCredential(queryParam(r.RawQuery, "X-Amz-Credential"))
	}
	if !ok {
		return "", "", "", false
	}
	return c.accessKeyID, c.region, c.service, true
}

func parseAuthorization(h string, header wire.Header) (claim, error) {
	var c claim
	rest, ok := strings.CutPrefix(h, algorithm)
	if !ok || rest == "" || (rest[0] != ' ' && rest[0] != '\t') {
		return claim{}, errAlgorithm(h)
	}
	var credential string
	for rest != "" {
		var part string
		part, rest, _ = strings.Cut(rest, ",")
		part = strings.Trim(part, " \t")
		if part == "" {
			continue
		}
		name, value, ok := strings.Cut(part, "=")
		if !ok {
			return claim{}, errNotKeyValue(h)
		}
		var field *string
		switch name {
		case "Credential":
			field = &credential
		case "SignedHeaders":
			field = &c.signedHeaders
		case "Signature":
			field = &c.signature
		default:
			continue
		}
		if *field != "" {
			return claim{}, errRepeated(name, h)
		}
		*field = value
	}
	c.timestamp = header.Get("X-Amz-Date")
	date := ""
	if c.timestamp == "" {
		date = header.Get("Date")
	}
	if credential == "" || c.signature == "" || c.signedHeaders == "" || (c.timestamp == "" && date == "") {
		return claim{}, errIncomplete(credential, c.signature, c.signedHeaders, c.timestamp+date, h)
	}
	if !c.setCredential(credential) {
		return claim{}, errCredential()
	}
	if !c.setTime(date) {
		return claim{}, errDate()
	}
	c.token = header.Get("X-Amz-Security-Token")
	return c, nil
}

// isPresigned reports whether the query has a SigV4 signature.
func isPresigned(rawQuery string) bool {
	return strings.Contains(rawQuery, "X-Amz-Algorithm=") || strings.Contains(rawQuery, "X-Amz-Credential=") ||
		strings.Contains(rawQuery, "X-Amz-Signature=")
}

func parsePresigned(rawQuery string) (claim, error) {
	c := claim{
		presigned:     true,
		signedHeaders: queryParam(rawQuery, "X-Amz-SignedHeaders"),
		signature:     queryParam(rawQuery, "X-Amz-Signature"),
		token:         queryParam(rawQuery, "X-Amz-Security-Token"),
		timestamp:     queryParam(rawQuery, "X-Amz-Date"),
	}
	credential := queryParam(rawQuery, "X-Amz-Credential")
	if a := queryParam(rawQuery, "X-Amz-Algorithm"); a != algorithm || credential == "" || c.signature == "" || c.signedHeaders == "" || c.timestamp == "" {
		return claim{}, errIncompleteQuery()
	}
	if !c.setCredential(credential) {
		return claim{}, errCredential()
	}
	if !c.setTime("") {
		return claim{}, errDate()
	}
	if s := queryParam(rawQuery, "X-Amz-Expires"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 || n > int(maxExpires/time.Second) {
			return claim{}, errExpires()
		}
		c.expires = time.Duration(n) * time.Second
	}
	return c, nil
}

// queryParam is the decoded value of the first parameter of that name, or "".
func queryParam(rawQuery, name string) string {
	for pair := range strings.SplitSeq(rawQuery, "&") {
		if key, value, _ := strings.Cut(pair, "="); key == name {
			if !strings.ContainsAny(value, "%+") {
				return value
			}
			return string(appendDecoded(nil, value))
		}
	}
	return ""
}

// setCredential reads KEY/date/region/service/terminator.
func (c *claim) setCredential(s string) bool {
	parts := [...]*string{&c.terminator, &c.service, &c.region, &c.date}
	rest := s
	for _, p := range parts {
		i := strings.LastIndexByte(rest, '/')
		if i < 0 {
			return false
		}
		rest, *p = rest[:i], rest[i+1:]
	}
	if rest == "" || strings.IndexByte(rest, '/') >= 0 || c.date == "" || c.region == "" || c.service == "" {
		return false
	}
	c.accessKeyID, c.scope = rest, s[len(rest)+1:]
	return true
}

// setTime reads the timestamp, or makes it from the Date header when there is
// none: a signature covers the one form only.
func (c *claim) setTime(date string) bool {
	if c.timestamp != "" {
		var ok bool
		c.signed, ok = parseBasicTime(c.timestamp)
		return ok
	}
	for _, layout := range []string{time.RFC1123, time.RFC1123Z, timeLayout, time.RFC850, time.ANSIC} {
		if t, err := time.Parse(layout, date); err == nil {
			c.signed = t.UTC()
			c.timestamp = c.signed.Format(timeLayout)
			return true
		}
	}
	return false
}

// parseBasicTime reads ISO 8601's basic format, YYYYMMDDTHHMMSSZ.
func parseBasicTime(s string) (time.Time, bool) {
	if len(s) != len(timeLayout) || s[8] != 'T' || s[15] != 'Z' {
		return time.Time{}, false
	}
	number := func(from, to int) (n int, ok bool) {
		for _, c := range []byte(s[from:to]) {
			if c < '0' || c > '9' {
				return 0, false
			}
			n = n*10 + int(c-'0')
		}
		return n, true
	}
	year, ok1 := number(0, 4)
	month, ok2 := number(4, 6)
	day, ok3 := number(6, 8)
	hour, ok4 := number(9, 11)
	minute, ok5 := number(11, 13)
	second, ok6 := number(13, 15)
	if !ok1 || !ok2 || !ok3 || !ok4 || !ok5 || !ok6 || month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59 || second > 60 {
		return time.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, time.UTC)
	return t, day <= 28 || t.Day() == day || second == 60
}
