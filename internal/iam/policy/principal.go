package policy

import (
	"fmt"
	"strings"

	"github.com/spillway/spillway/internal/arn"
)

// Principal is who a request is from, as a resource's policy sees it.
type Principal struct {
	Account string // "" for anonymous callers and AWS services
	ARN     string // of the user, role session or account root
	// RoleARN is the role of an assumed-role session, "" otherwise: a policy
	// that names a role means all its sessions.
	RoleARN string
	// UniqueID is the AIDA or AROA id, which a policy may name instead.
	UniqueID  string
	Service   string // "sns.amazonaws.com" for calls by a service itself
	Federated string // identity provider of a web identity or SAML caller
}

// principals is a Principal or NotPrincipal element.
type principals struct {
	everyone  bool
	accounts  []string
	names     []string // ARNs and unique ids
	services  []string
	federated []string
	count     int // values in the source
}

// reach is how directly a principal element names a caller.
type reach uint8

const (
	reachNone    reach = iota
	reachAccount       // the caller's account is named, not the caller
	reachDirect
)

func parsePrincipals(n node) (*principals, error) {
	p := &principals{}
	if n.kind == kindString {
		if n.text != "*" {
			return nil, fmt.Errorf("Principal must be \"*\" or an object, not %q", n.text)
		}
		p.everyone, p.count = true, 1
		return p, nil
	}
	if n.kind != kindObject || len(n.fields) == 0 {
		return nil, fmt.Errorf("Principal must be \"*\" or an object")
	}
	for _, f := range n.fields {
		values, err := f.value.strings("Principal " + f.name)
		if err != nil {
			return nil, err
		}
		p.count += len(values)
		switch f.name {
		case "AWS":
			for _, v := range values {
				if err := p.addAWS(v); err != nil {
					return nil, err
				}
			}
		case "Service":
			p.services = append(p.services, values...)
		case "Federated":
			p.federated = append(p.federated, values...)
		case "CanonicalUser":
			// S3's obsolete ids: valid, and nobody here has one.
		default:
			return nil, fmt.Errorf("unknown kind of Principal %q", f.name)
		}
	}
	return p, nil
}

func (p *principals) addAWS(v string) error {
	switch {
	case v == "*":
		p.everyone = true
		return nil
	case arn.ValidAccount(v):
		p.accounts = append(p.accounts, v)
		return nil
	case len(v) >= 16 && (strings.HasPrefix(v, "AIDA") || strings.HasPrefix(v, "AROA")) && !strings.ContainsAny(v, "*?/: "):
		p.names = append(p.names, v)
		return nil
	}
	a, err := arn.Parse(v)
	if err != nil || (a.Service != "iam" && a.Service != "sts") || a.Region != "" || !arn.ValidAccount(a.Account) {
		return fmt.Errorf("invalid AWS principal %q", v)
	}
	if strings.ContainsAny(a.Resource, "*?") {
		return fmt.Errorf("wildcards are not allowed in AWS principal %q", v)
	}
	if a.Service == "iam" && a.Resource == "root" {
		p.accounts = append(p.accounts, a.Account)
		return nil
	}
	kind, id := a.ResourceType()
	switch {
	case id == "":
	case a.Service == "iam" && (kind == "user" || kind == "role"),
		a.Service == "sts" && (kind == "assumed-role" || kind == "federated-user"):
		p.names = append(p.names, v)
		return nil
	}
	return fmt.Errorf("invalid AWS principal %q", v)
}

func (p *principals) reach(who *Principal) reach {
	if p.everyone {
		return reachDirect
	}
	for _, name := range p.names {
		if name == who.ARN || name == who.RoleARN || name == who.UniqueID {
			return reachDirect
		}
	}
	if contains(p.services, who.Service) || contains(p.federated, who.Federated) {
		return reachDirect
	}
	if contains(p.accounts, who.Account) {
		return reachAccount
	}
	return reachNone
}

// contains reports whether the list has v; "" is in no list.
func contains(list []string, v string) bool {
	if v == "" {
		return false
	}
	for _, s := range list {
		if s == v {
			return true
		}
	}
	return false
}
