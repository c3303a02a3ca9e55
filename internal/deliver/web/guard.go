package web

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"syscall"

	"github.com/spillway/spillway/internal/deliver"
)

// guard decides which addresses are connected to.
type guard struct {
	allow, deny []netip.Prefix
	private     bool
}

// refusal is an address that is not connected to.
type refusal struct{ addr netip.Addr }

func (r *refusal) Error() string {
	return fmt.Sprintf("the address %s is not allowed for deliveries", r.addr)
}

// Permanent implements deliver.Permanent.
func (*refusal) Permanent() bool { return true }

// check returns a *refusal for an address that must not be connected to.
func (g *guard) check(addr netip.Addr) error {
	plain := addr.WithZone("").Unmap() // prefixes contain no address with a zone
	forms := [2]netip.Addr{plain, plain}
	if embedded, ok := translated(plain); ok {
		forms[1] = embedded
	}
	for _, form := range forms {
		if within(form, g.deny) {
			return &refusal{addr}
		}
	}
	if g.private || within(plain, g.allow) {
		return nil
	}
	for _, form := range forms {
		if !public(form) && !within(form, g.allow) {
			return &refusal{addr}
		}
	}
	return nil
}

// control is a net.Dialer's ControlContext: address is resolved.
func (g *guard) control(_ context.Context, _, address string, _ syscall.RawConn) error {
	a, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	return g.check(a.Addr())
}

func within(addr netip.Addr, prefixes []netip.Prefix) bool {
	for _, p := range prefixes {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// Allowed refuses URLs that Post would refuse to connect to now, for telling a
// subscriber at once: unusable ones, and hosts that are, or that have among
// their addresses, one that is refused. A name that does not resolve is allowed:
// it may tomorrow. It looks names up, for at most the client's timeout.
func (c *Client) Allowed(ctx context.Context, rawURL string) error {
	if err := deliver.CheckURL(rawURL); err != nil {
		return err
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return err // CheckURL has parsed it
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return c.guard.check(addr)
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	resolver := c.dialer.Resolver
	if resolver == nil {
		resolver = net.DefaultResolver
	}
	addrs, err := resolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return ctx.Err()
	}
	for _, addr := range addrs {
		if err := c.guard.check(addr); err != nil {
			return err
		}
	}
	return nil
}
