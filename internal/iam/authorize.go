package iam

import (
	"strings"

	"github.com/spillway/spillway/internal/iam/policy"
	"github.com/spillway/spillway/internal/smithy"
)

// Access is what a call wants to do. It has the fields of service.Access, so
// that one converts to the other; iam cannot import service.
type Access struct {
	Action   string // "sqs:SendMessage"
	Resource string // ARN, or "*" for operations without one
	// Owner is the account that owns the resource; "" means the caller's.
	Owner string
	// Policy is the resource's own policy, nil for none.
	Policy *policy.Document
	// OwnerOnly operations cannot be opened to other accounts by a policy.
	OwnerOnly bool
}

// Authorize decides a call. Nil allows it; anything else is
// smithy.AccessDenied in AWS's words.
//
// Within an account the identity policies or the resource's policy must allow;
// between accounts both must. Anonymous callers and AWS services have only the
// resource's policy. An account's root needs no identity policy. A session
// policy narrows whatever allowed. Explicit denies win, and bind root too.
//
// Source: AWS IAM, "Policy evaluation logic".
func Authorize(p *Principal, a Access, c *Context) error {
	if p.Unrestricted {
		return nil
	}
	outsider := p.Anonymous || p.Service != ""
	own := !outsider && (a.Owner == "" || a.Owner == p.Account)
	if p.Root && own && a.Policy == nil {
		return nil
	}
	q := policy.Request{Action: a.Action, Resource: a.Resource, Lookup: c.lookup(p)}
	resource, identity, session := decide(p, a.Policy, q)
	switch {
	case resource == policy.ExplicitDeny:
		return denied(p, a, "with an explicit deny in a resource-based policy")
	case identity == policy.ExplicitDeny:
		return denied(p, a, "with an explicit deny in an identity-based policy")
	case session == policy.ExplicitDeny:
		return denied(p, a, "with an explicit deny in a session policy")
	case own:
		// A resource policy that names just the account leaves it to the
		// account's identity policies.
		if identity != policy.Allow && resource != policy.Allow {
			return denied(p, a, because("identity-based", a))
		}
	case outsider:
		if a.OwnerOnly || resource != policy.Allow {
			return denied(p, a, because("resource-based", a))
		}
	default:
		if a.OwnerOnly || resource == policy.NoMatch {
			return denied(p, a, because("resource-based", a))
		}
		if identity != policy.Allow {
			return denied(p, a, because("identity-based", a))
		}
	}
	if session != policy.Allow {
		return denied(p, a, because("session", a))
	}
	return nil
}

// authorizeAssume decides AssumeRole: the trust policy must allow always, and
// the caller's own policies too unless it names the caller in its own account.
func authorizeAssume(p *Principal, r *role, c *Context) error {
	if p.Unrestricted {
		return nil
	}
	a := Access{Action: "sts:AssumeRole", Resource: r.arn, Owner: r.account, Policy: r.trust}
	q := policy.Request{Action: a.Action, Resource: a.Resource, Lookup: c.lookup(p)}
	trust, _, _ := decide(p, r.trust, q)
	if trust == policy.NoMatch {
		return denied(p, a, because("resource-based", a))
	}
	return Authorize(p, a, c)
}

// decide asks all policies. Root's identity and the absent session policy allow.
func decide(p *Principal, document *policy.Document, q policy.Request) (resource, identity, session policy.Decision) {
	if p.Root {
		identity = policy.Allow
	}
	for _, d := range p.identity {
		switch d.Evaluate(&q) {
		case policy.ExplicitDeny:
			identity = policy.ExplicitDeny
		case policy.Allow:
			if identity != policy.ExplicitDeny {
				identity = policy.Allow
			}
		}
	}
	session = policy.Allow
	if p.session != nil {
		session = p.session.Evaluate(&q)
	}
	if document != nil {
		who := p.policyPrincipal()
		q.Principal = &who
		resource = document.Evaluate(&q)
	}
	return resource, identity, session
}

func because(kind string, a Access) string {
	return "because no " + kind + " policy allows the " + actionText(a.Action) + " action"
}

func denied(p *Principal, a Access, why string) error {
	return smithy.AccessDenied.Newf("User: %s is not authorized to perform: %s on resource: %s %s", p.ARN, actionText(a.Action), a.Resource, why)
}

// actionText is the action as the error shows it: SQS writes it in lower case.
func actionText(action string) string {
	if strings.HasPrefix(action, "sqs:") {
		return strings.ToLower(action)
	}
	return action
}
