package policy

// Decision is what one document says about one request.
type Decision uint8

const (
	// NoMatch: no statement applies.
	NoMatch Decision = iota
	// AllowAccount: a statement allows the caller's account but does not reach
	// the caller itself ("*", its ARN). Such a statement only delegates: the
	// account's identity policies must allow the request too.
	//
	// Source: AWS IAM, "AWS JSON policy elements: Principal", AWS account principals.
	AllowAccount
	// Allow: a statement allows the request.
	Allow
	// ExplicitDeny: a statement denies the request, whatever others say.
	ExplicitDeny
)

// String names the decision in tests and logs.
func (d Decision) String() string {
	return [...]string{"NoMatch", "AllowAccount", "Allow", "ExplicitDeny"}[d]
}

// Lookup gives the values of a request's context key, which is in lower case
// ("aws:sourceip"). Nil means that the request has no such key. A nil Lookup
// has no keys at all.
type Lookup func(key string) []string

func (l Lookup) values(key string) []string {
	if l == nil {
		return nil
	}
	return l(key)
}

// Request is what a document is asked about.
type Request struct {
	// Principal is the caller, for resource policies. With nil, statements are
	// taken to apply to the caller: identity and session policies.
	Principal *Principal
	Action    string // "sqs:SendMessage", any case
	// Resource is an ARN, or "*" for operations without one, which only
	// patterns that match everything cover.
	Resource string
	Lookup   Lookup
}

// Evaluate decides a request by the document's statements. Explicit deny wins.
func (d *Document) Evaluate(r *Request) Decision {
	decision := NoMatch
	for i := range d.statements {
		s := &d.statements[i]
		reached := s.reach(r.Principal)
		if reached == reachNone || !s.covers(r) {
			continue
		}
		switch {
		case s.deny:
			return ExplicitDeny
		case reached == reachDirect:
			decision = Allow
		case decision == NoMatch:
			decision = AllowAccount
		}
	}
	return decision
}

func (s *statement) reach(who *Principal) reach {
	switch {
	case who == nil:
		return reachDirect
	case s.principal == nil:
		return reachNone
	case !s.notPrincipal:
		return s.principal.reach(who)
	case s.principal.reach(who) == reachNone:
		return reachDirect
	}
	return reachNone
}

func (s *statement) covers(r *Request) bool {
	if anyMatch(s.actions, r.Action, r.Lookup) == s.notAction {
		return false
	}
	if s.resources != nil && anyMatch(s.resources, r.Resource, r.Lookup) == s.notResource {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(r.Lookup) {
			return false
		}
	}
	return true
}
