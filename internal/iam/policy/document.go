// Package policy parses IAM policy documents and evaluates requests against
// them. It is pure: no clock, no I/O; the time of a request is one of its
// context keys. A document is parsed once and evaluated any number of times,
// from any number of goroutines, without parsing again.
//
// Source: AWS IAM User Guide, "IAM JSON policy element reference".
package policy

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// MaxSourceBytes bounds a document's source. The largest that AWS takes for
	// any service served here is 30 KiB (SNS and SQS policies).
	MaxSourceBytes = 64 << 10
	// maxDepth bounds nesting; a valid policy needs seven levels.
	maxDepth = 10
)

const (
	version2008 = "2008-10-17" // the default; without policy variables
	version2012 = "2012-10-17"
)

// Document is a parsed policy. It is immutable.
type Document struct {
	source     string
	id         string
	statements []statement
	principals int
	conditions int
}

type statement struct {
	sid       string
	deny      bool
	principal *principals // nil: the policy names no principal (identity policies)
	// not* turn their element into "everything but".
	notPrincipal, notAction, notResource bool
	actions                              []pattern
	resources                            []pattern // nil: any (trust policies have none)
	conditions                           []condition
}

// Parse reads a policy document and refuses what AWS would: unknown or
// repeated elements, unknown condition operators, malformed principals and
// actions. Errors are for the policy's author.
func Parse(source string) (*Document, error) {
	if len(source) > MaxSourceBytes {
		return nil, fmt.Errorf("policy: longer than %d bytes", MaxSourceBytes)
	}
	root, err := parseJSON(source)
	if err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	d := &Document{source: source}
	if err := d.parse(root); err != nil {
		return nil, fmt.Errorf("policy: %w", err)
	}
	return d, nil
}

func (d *Document) parse(root node) error {
	if root.kind != kindObject {
		return errors.New("must be a JSON object")
	}
	version := version2008
	var statements []node
	for _, f := range root.fields {
		switch f.name {
		case "Version":
			version = f.value.text
			if f.value.kind != kindString || (version != version2008 && version != version2012) {
				return fmt.Errorf("Version must be %q or %q", version2012, version2008)
			}
		case "Id":
			if f.value.kind != kindString {
				return errors.New("Id must be a string")
			}
			d.id = f.value.text
		case "Statement":
			switch f.value.kind {
			case kindObject:
				statements = []node{f.value}
			case kindList:
				statements = f.value.items
			default:
				return errors.New("Statement must be an object or a list of objects")
			}
		default:
			return fmt.Errorf("unknown element %q", f.name)
		}
	}
	if len(statements) == 0 {
		return errors.New("there is no Statement")
	}
	sids := map[string]bool{}
	for i, n := range statements {
		s, err := parseStatement(n, version == version2012)
		if err != nil {
			return fmt.Errorf("statement %d: %w", i+1, err)
		}
		if s.sid != "" && sids[s.sid] {
			return fmt.Errorf("statement %d: Sid %q is there twice", i+1, s.sid)
		}
		sids[s.sid] = true
		if s.principal != nil {
			d.principals += s.principal.count
		}
		d.conditions += len(s.conditions)
		d.statements = append(d.statements, s)
	}
	return nil
}

func parseStatement(n node, variables bool) (statement, error) {
	var s statement
	if n.kind != kindObject {
		return s, errors.New("must be an object")
	}
	var effect bool
	for _, f := range n.fields {
		var err error
		switch f.name {
		case "Sid":
			if f.value.kind != kindString {
				err = errors.New("Sid must be a string")
			}
			s.sid = f.value.text
		case "Effect":
			effect, s.deny = true, f.value.text == "Deny"
			if f.value.kind != kindString || (!s.deny && f.value.text != "Allow") {
				err = errors.New("Effect must be Allow or Deny")
			}
		case "Principal", "NotPrincipal":
			if s.principal != nil {
				return s, errors.New("has both Principal and NotPrincipal")
			}
			s.notPrincipal = f.name == "NotPrincipal"
			s.principal, err = parsePrincipals(f.value)
		case "Action", "NotAction":
			if s.actions != nil {
				return s, errors.New("has both Action and NotAction")
			}
			s.notAction = f.name == "NotAction"
			s.actions, err = parseActions(f.value, f.name)
		case "Resource", "NotResource":
			if s.resources != nil {
				return s, errors.New("has both Resource and NotResource")
			}
			s.notResource = f.name == "NotResource"
			s.resources, err = parseResources(f.value, f.name, variables)
		case "Condition":
			s.conditions, err = parseConditions(f.value, variables)
		default:
			err = fmt.Errorf("unknown element %q", f.name)
		}
		if err != nil {
			return s, err
		}
	}
	if !effect {
		return s, errors.New("there is no Effect")
	}
	if s.actions == nil {
		return s, errors.New("there is no Action")
	}
	return s, nil
}

func parseActions(n node, what string) ([]pattern, error) {
	values, err := n.strings(what)
	if err != nil {
		return nil, err
	}
	out := make([]pattern, len(values))
	for i, v := range values {
		if !validAction(v) {
			return nil, fmt.Errorf("invalid %s %q", what, v)
		}
		out[i] = compile(v, true, false, true)
	}
	return out, nil
}

// validAction accepts "*" and "vendor:Name" with wildcards in either part.
func validAction(v string) bool {
	if v == "*" {
		return true
	}
	vendor, name, ok := strings.Cut(v, ":")
	if !ok || vendor == "" || name == "" {
		return false
	}
	for i := 0; i < len(v); i++ {
		c := v[i] | 0x20 // letters to lower case; * and ? and - and digits keep their bit
		if (c < 'a' || c > 'z') && (v[i] < '0' || v[i] > '9') && v[i] != '*' && v[i] != '?' && v[i] != '-' && i != len(vendor) {
			return false
		}
	}
	return true
}

func parseResources(n node, what string, variables bool) ([]pattern, error) {
	values, err := n.strings(what)
	if err != nil {
		return nil, err
	}
	out := make([]pattern, len(values))
	for i, v := range values {
		if v != "*" && !strings.HasPrefix(v, "arn:") && !strings.HasPrefix(v, "*") {
			return nil, fmt.Errorf("%s %q must be an ARN or \"*\"", what, v)
		}
		out[i] = compile(v, true, variables, false)
	}
	return out, nil
}

// Source is the JSON the document was parsed from, to the byte.
func (d *Document) Source() string { return d.source }

// ID is the Id element, or "".
func (d *Document) ID() string { return d.id }

// Statements is the number of statements (SQS takes 20).
func (d *Document) Statements() int { return len(d.statements) }

// Principals is the number of principals named in all statements (SQS takes 50).
func (d *Document) Principals() int { return d.principals }

// Conditions is the number of condition keys in all statements (SQS takes 10).
func (d *Document) Conditions() int { return d.conditions }

// CheckIdentity reports why the document cannot be an identity policy or a
// session policy: these name resources and no principals.
func (d *Document) CheckIdentity() error {
	for i := range d.statements {
		if d.statements[i].principal != nil {
			return fmt.Errorf("policy: statement %d: an identity policy cannot have a Principal", i+1)
		}
		if d.statements[i].resources == nil {
			return fmt.Errorf("policy: statement %d: there is no Resource", i+1)
		}
	}
	return nil
}

// CheckResource reports why the document cannot be a resource's policy: each
// statement must say to whom it applies.
func (d *Document) CheckResource() error {
	for i := range d.statements {
		if d.statements[i].principal == nil {
			return fmt.Errorf("policy: statement %d: there is no Principal", i+1)
		}
	}
	return nil
}
