package web

import (
	"net"
	"net/netip"
)

// Resolve has c look names up with r. Call it before anything else.
func (c *Client) Resolve(r *net.Resolver) { c.dialer.Resolver = r }

// Check asks the guard of a client with these options.
func Check(o Options, addr netip.Addr) error {
	g := guard{allow: o.Allow, deny: o.Deny, private: o.AllowPrivate}
	return g.check(addr)
}
