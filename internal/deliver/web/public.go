package web

import "net/netip"

// special4 are the IPv4 addresses that are not public: the IANA registry of
// special-purpose addresses (RFC 6890) without its globally reachable rows,
// multicast, what is reserved, and the one public address behind which a cloud
// keeps secrets. Never written.
var special4 = prefixes(
	"0.0.0.0/8",        // this host
	"10.0.0.0/8",       // private
	"100.64.0.0/10",    // shared (carrier-grade NAT)
	"127.0.0.0/8",      // loopback
	"169.254.0.0/16",   // link-local: metadata of clouds
	"172.16.0.0/12",    // private
	"192.0.0.0/24",     // protocol assignments
	"192.0.2.0/24",     // documentation
	"192.88.99.0/24",   // relays to 6to4
	"192.168.0.0/16",   // private
	"198.18.0.0/15",    // benchmarks
	"198.51.100.0/24",  // documentation
	"203.0.113.0/24",   // documentation
	"224.0.0.0/4",      // multicast
	"240.0.0.0/4",      // reserved, broadcast
	"168.63.129.16/32", // Azure's host
)

// special6 are the IPv6 addresses within global6 that are not public. Never written.
var special6 = prefixes(
	"2001::/23",     // protocol assignments, among them Teredo
	"2001:db8::/32", // documentation
	"2002::/16",     // 6to4
	"3fff::/20",     // documentation
)

var (
	global6 = netip.MustParsePrefix("2000::/3")     // what has been given out (RFC 4291)
	nat64   = netip.MustParsePrefix("64:ff9b::/96") // IPv4 as networks without it see it (RFC 6052)
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// public reports whether an address, unmapped and without zone, is one of the
// Internet's. NAT64 addresses are as public as what they stand for: ask for that
// too.
func public(addr netip.Addr) bool {
	if addr.Is4() {
		return !within(addr, special4)
	}
	return nat64.Contains(addr) || global6.Contains(addr) && !within(addr, special6)
}

// translated is the IPv4 address that a NAT64 address leads to. Other embedding
// forms (6to4, Teredo, IPv4-compatible, local NAT64) are not public at all.
func translated(addr netip.Addr) (netip.Addr, bool) {
	if !nat64.Contains(addr) {
		return netip.Addr{}, false
	}
	b := addr.As16()
	return netip.AddrFrom4([4]byte(b[12:])), true
}
