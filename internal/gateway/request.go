package gateway

import (
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"strings"
	"time"
	"unsafe"

	"github.com/spillway/spillway/internal/wire"
)

// Request is one HTTP request, whichever front read it. Its strings may alias a
// network buffer: clone what outlives the request.
type Request struct {
	wire.Request
	ID      string         // the request id, a UUID; may be kept
	Host    string         // as the caller addressed the server
	Remote  netip.AddrPort // zero for connections that are not TCP
	TLS     bool
	Arrived time.Time // when it was read
	// BaseURL is "scheme://host[:port]" as the caller addressed the server; may
	// be kept.
	BaseURL string
}

// RequestInfo is what there is to say of a request once it is answered.
type RequestInfo struct {
	RequestID string
	Service   string // "sqs", "" when none was recognised
	Operation string // "SendMessage", "" when none was recognised
	Principal string // ARN, "" when not known
	Account   string
	Region    string
	Code      string // of the error, as in the query protocol; "" for success
	Status    int
	Remote    netip.AddrPort
	Duration  time.Duration // from the request's last byte to the answer's first
	BytesIn   int           // of the body
	BytesOut  int           // of the body
}

// Observer is told of every request that was answered, before the answer is
// written. It must not block.
type Observer interface {
	Request(RequestInfo)
}

// newRequestID is a random UUID. It names a request in logs and protects
// nothing, so the runtime's generator will do.
func newRequestID() string {
	var b [16]byte
	hi, lo := rand.Uint64(), rand.Uint64()
	for i := range 8 {
		b[i], b[8+i] = byte(hi>>(8*i)), byte(lo>>(8*i))
	}
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var s [36]byte
	hex.Encode(s[0:8], b[0:4])
	s[8] = '-'
	hex.Encode(s[9:13], b[4:6])
	s[13] = '-'
	hex.Encode(s[14:18], b[6:8])
	s[18] = '-'
	hex.Encode(s[19:23], b[8:10])
	s[23] = '-'
	hex.Encode(s[24:36], b[10:16])
	return string(s[:])
}

// splitTarget splits a request target into its path and query, both as sent.
// Proxies send absolute targets.
func splitTarget(target string) (path, query string) {
	if target != "" && target[0] != '/' {
		if _, rest, ok := strings.Cut(target, "://"); ok {
			target = "/"
			if i := strings.IndexAny(rest, "/?"); i >= 0 {
				if target = rest[i:]; target[0] == '?' {
					return "/", target[1:]
				}
			}
		}
	}
	path, query, _ = strings.Cut(target, "?")
	return path, query
}

// alias is b as a string, without copying: good as long as b does not change.
// wire.Header allows it, and so does Request.
func alias(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }
