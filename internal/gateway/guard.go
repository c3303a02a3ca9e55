package gateway

import (
	"net/netip"
	"net/url"
	"strings"

	"github.com/spillway/spillway/internal/wire"
)

// guard keeps web pages out that have no business here. In dev mode there is no
// signature to stop them, and any page can send a form to localhost.
type guard struct {
	open    bool // dev mode
	origins map[string]bool
	hosts   map[string]bool
}

func newGuard(c *Config) guard {
	g := guard{open: c.Auth != nil && c.Auth.open(), origins: map[string]bool{}, hosts: map[string]bool{}}
	for _, o := range c.AllowedOrigins {
		g.origins[strings.ToLower(strings.TrimRight(o, "/"))] = true
	}
	for _, h := range c.AllowedHosts {
		g.hosts[strings.ToLower(h)] = true
	}
	if u, err := url.Parse(c.ExternalURL); err == nil && u.Host != "" {
		g.hosts[strings.ToLower(u.Hostname())] = true
		g.origins[strings.ToLower(c.ExternalURL)] = true
	}
	return g
}

// check returns why a request is refused, or "".
func (g *guard) check(r *Request, extra bool) string {
	if !validHost(r.Host) {
		return "The Host header is not a host name.\n"
	}
	if !g.open {
		return ""
	}
	// A page whose own name was made to resolve to this machine (DNS rebinding)
	// still sends that name.
	if !g.hostAllowed(r.Host) {
		return "Spillway runs in development mode and does not answer to this host name. Add it to the allowed hosts, or configure credentials.\n"
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		if !g.originAllowed(origin, r.Host) {
			return "Spillway runs in development mode and is not open to this web page. Add its origin to the allowed origins, or configure credentials.\n"
		}
		return ""
	}
	// Images and links of other pages send no Origin, but this. Following a link
	// to one of our own pages is fine.
	if !extra && r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		return "Spillway runs in development mode and is not open to other web pages.\n"
	}
	return ""
}

// validHost keeps anything that is no host out of URLs that we return.
func validHost(host string) bool {
	for i := 0; i < len(host); i++ {
		c := host[i]
		if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && strings.IndexByte(".-_:[]", c) < 0 {
			return false
		}
	}
	return host != ""
}

// hostAllowed reports whether a name cannot have been chosen by a stranger's DNS:
// addresses, single labels (containers), names reserved for local use (RFC 6761,
// 6762, ICANN's .internal), AWS's own, which clients reach by a proxy or a hosts
// file, and configured ones.
func (g *guard) hostAllowed(host string) bool {
	if host == "localhost:4566" {
		return true // nearly everybody
	}
	name := strings.ToLower(hostname(host))
	if strings.IndexByte(name, '.') < 0 || g.hosts[name] || g.hosts["*"] {
		return true // IPv6 addresses, too
	}
	if _, err := netip.ParseAddr(name); err == nil {
		return true
	}
	if name == "localhost.localstack.cloud" {
		return true
	}
	name = strings.TrimSuffix(name, ".")
	for _, suffix := range []string{".localhost", ".localhost.localstack.cloud", ".amazonaws.com", ".api.aws", ".internal", ".local", ".test"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// hostname is a host without its port and brackets.
func hostname(host string) string {
	if strings.HasPrefix(host, "[") {
		name, _, _ := strings.Cut(host[1:], "]")
		return name
	}
	name, _, _ := strings.Cut(host, ":")
	return name
}

// originAllowed reports whether a page may call: the server's own pages, those
// of this machine, and configured ones.
func (g *guard) originAllowed(origin, host string) bool {
	origin = strings.ToLower(origin)
	if g.origins[origin] || g.origins["*"] {
		return true
	}
	scheme, rest, ok := strings.Cut(origin, "://")
	if !ok || scheme != "http" && scheme != "https" || !validHost(rest) {
		return false
	}
	if strings.EqualFold(rest, host) {
		return true
	}
	name := hostname(rest)
	if name == "localhost" || strings.HasSuffix(name, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

func isPreflight(r *Request) bool {
	return r.Method == "OPTIONS" && r.Header.Get("Access-Control-Request-Method") != "" && r.Header.Get("Origin") != ""
}

// exposed are the response headers that SDKs in browsers read.
const exposed = "x-amzn-RequestId, x-amzn-query-error, x-amzn-ErrorType, x-amz-request-id, x-amz-id-2, x-spillway-hint, Date, ETag"

// allow appends what tells a browser that the page may call. For others nothing
// does: the browser then hides the answer.
func (g *guard) allow(fields []wire.Field, origin string, r *Request) []wire.Field {
	if !g.originAllowed(origin, r.Host) {
		return fields
	}
	fields = append(fields,
		wire.Field{Name: "Access-Control-Allow-Origin", Value: strings.Clone(origin)},
		wire.Field{Name: "Vary", Value: "Origin"},
		wire.Field{Name: "Access-Control-Expose-Headers", Value: exposed})
	if !isPreflight(r) {
		return fields
	}
	fields = append(fields,
		wire.Field{Name: "Access-Control-Allow-Methods", Value: "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"},
		wire.Field{Name: "Access-Control-Max-Age", Value: "600"})
	if h := allowedHeaders(r.Header.Get("Access-Control-Request-Headers")); h != "" {
		fields = append(fields, wire.Field{Name: "Access-Control-Allow-Headers", Value: h})
	}
	if r.Header.Get("Access-Control-Request-Private-Network") == "true" {
		fields = append(fields, wire.Field{Name: "Access-Control-Allow-Private-Network", Value: "true"})
	}
	return fields
}

// allowedHeaders is those of the asked headers that AWS requests have.
func allowedHeaders(asked string) string {
	var out []string
	for name := range strings.SplitSeq(asked, ",") {
		name = strings.ToLower(strings.TrimSpace(name))
		switch name {
		case "authorization", "content-type", "content-md5", "cache-control", "x-requested-with":
			out = append(out, name)
			continue
		}
		for _, prefix := range []string{"x-amz-", "x-amzn-", "amz-sdk-", "x-spillway-"} {
			if strings.HasPrefix(name, prefix) && !strings.ContainsAny(name, " \t\r\n:") {
				out = append(out, name)
				break
			}
		}
	}
	return strings.Join(out, ", ")
}
