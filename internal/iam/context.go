package iam

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/spillway/spillway/internal/iam/policy"
)

// Context is what policies can ask about a request besides who and what.
//
// Source: AWS IAM, "AWS global condition context keys".
type Context struct {
	Now       time.Time  // aws:CurrentTime, aws:EpochTime
	SourceIP  netip.Addr // aws:SourceIp; the zero Addr for calls by AWS services
	Secure    bool       // aws:SecureTransport: the caller used TLS
	Region    string     // aws:RequestedRegion
	UserAgent string     // aws:UserAgent
	Referer   string     // aws:Referer
	// SourceARN and SourceAccount are for calls by AWS services: the topic or
	// bucket on whose behalf, and its account.
	SourceARN     string
	SourceAccount string
	// Keys are those of one service ("sns:protocol"), by lower-case name.
	Keys map[string][]string
}

// lookup answers for the context keys of a request by p.
func (c *Context) lookup(p *Principal) policy.Lookup {
	return func(key string) []string {
		v := c.global(p, key)
		if v == "" {
			return c.Keys[key]
		}
		return []string{v}
	}
}

// global is the value of a global key, or "" when the request does not have it.
func (c *Context) global(p *Principal, key string) string {
	switch key {
	case "aws:currenttime":
		return c.Now.UTC().Format(time.RFC3339)
	case "aws:epochtime":
		return strconv.FormatInt(c.Now.Unix(), 10)
	case "aws:securetransport":
		return strconv.FormatBool(c.Secure)
	case "aws:sourceip":
		if c.SourceIP.IsValid() && p.Service == "" {
			return c.SourceIP.Unmap().String()
		}
	case "aws:requestedregion":
		return c.Region
	case "aws:useragent":
		return c.UserAgent
	case "aws:referer":
		return c.Referer
	case "aws:sourcearn":
		return c.SourceARN
	case "aws:sourceaccount":
		return c.SourceAccount
	case "aws:principaltype":
		return p.kind()
	case "aws:principalisawsservice":
		return strconv.FormatBool(p.Service != "")
	case "aws:principalservicename":
		return p.Service
	case "aws:principalaccount":
		return p.Account
	case "aws:principalarn":
		switch {
		case p.Anonymous || p.Service != "":
			return ""
		case p.roleARN != "":
			return p.roleARN // the role's, not the session's
		}
		return p.ARN
	case "aws:userid":
		if p.Service == "" {
			return p.UserID
		}
	case "aws:username":
		return p.name
	}
	return ""
}
