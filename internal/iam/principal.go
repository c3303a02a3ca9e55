package iam

import "github.com/spillway/spillway/internal/iam/policy"

// Principal is who made a request, after verification. It is immutable and
// shared between requests.
type Principal struct {
	Account     string // 12 digits; "anonymous" for unsigned requests; "" for AWS services
	ARN         string // "arn:aws:iam::000000000000:root", "...:user/NAME", "arn:aws:sts::...:assumed-role/ROLE/SESSION"
	UserID      string // SQS SenderId: account id for root, AIDA... for users, AROA...:session for roles
	AccessKeyID string
	Root        bool // the account itself: only explicit denies bind it
	Anonymous   bool
	// Unrestricted principals pass every authorization: dev mode.
	Unrestricted bool
	// Service is "sns.amazonaws.com" when a service acts by itself, "" otherwise.
	Service string

	name      string             // user name, "" for others
	roleARN   string             // the role of a session, "" for others
	uniqueID  string             // AIDA... or AROA... without a session
	identity  []*policy.Document // identity policies
	session   *policy.Document   // session policy: limits, never grants
	temporary bool               // came with a session token
}

// Anonymous is the principal of unsigned requests.
func Anonymous() *Principal {
	return &Principal{Account: "anonymous", ARN: "anonymous", UserID: "anonymous", Anonymous: true}
}

// ServicePrincipal is an AWS service that calls another by itself, such as SNS
// delivering to a queue: only the resource's policy can let it in.
func ServicePrincipal(name string) *Principal {
	return &Principal{ARN: name, UserID: name, Service: name}
}

// kind is the aws:PrincipalType context key.
func (p *Principal) kind() string {
	switch {
	case p.Anonymous:
		return "Anonymous"
	case p.Service != "":
		return "Service"
	case p.Root:
		return "Account"
	case p.roleARN != "":
		return "AssumedRole"
	}
	return "User"
}

// policyPrincipal is the principal as resource policies see it.
func (p *Principal) policyPrincipal() policy.Principal {
	out := policy.Principal{ARN: p.ARN, RoleARN: p.roleARN, UniqueID: p.uniqueID, Service: p.Service}
	if !p.Anonymous {
		out.Account = p.Account
	}
	return out
}
