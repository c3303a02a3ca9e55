package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// member is one member of a structure, planned: its names on each wire and its
// place.
type member struct {
	name     string // in the model
	field    string // in Go
	ref      *ref
	required bool
}

// planner answers what the emitters ask of a model.
type planner struct {
	*model
	reachable []string // shapes that operations use, sorted, without exceptions
	query     bool     // the query protocol is one of the service's
	rest      bool     // names come from locationName in JSON too
}

func newPlanner(m *model) (*planner, error) {
	p := &planner{model: m}
	for _, name := range m.Metadata.Protocols {
		switch name {
		case "json", "cbor":
		case "query":
			p.query = true
		case "rest-json":
			p.rest = true
		default:
			return nil, fmt.Errorf("protocol %q is not known", name)
		}
	}
	seen := map[string]bool{}
	for _, name := range p.opNames() {
		op := m.Operations[name]
		for _, r := range []*ref{op.Input, op.Output} {
			if r == nil {
				continue
			}
			if err := p.walk(r.Shape, seen); err != nil {
				return nil, err
			}
		}
	}
	p.reachable = slices.Sorted(maps.Keys(seen))
	return p, nil
}

func (p *planner) walk(name string, seen map[string]bool) error {
	s, ok := p.Shapes[name]
	if !ok {
		return fmt.Errorf("no shape %q", name)
	}
	if seen[name] || s.Exception {
		return nil
	}
	seen[name] = true
	var next []*ref
	switch s.Type {
	case "structure":
		if e := p.stream(name); e != nil {
			next = append(next, e)
		}
		for _, m := range p.members(name) {
			next = append(next, m.ref)
		}
	case "list":
		next = []*ref{s.Member}
	case "map":
		if k := p.Shapes[s.Key.Shape]; k == nil || k.Type != "string" {
			return fmt.Errorf("map %q has a key that is no string", name)
		}
		next = []*ref{s.Key, s.Value}
	}
	if s.Stream { // its events are reached, it is no shape of its own
		delete(seen, name)
	}
	for _, r := range next {
		if err := p.walk(r.Shape, seen); err != nil {
			return err
		}
	}
	return nil
}

func (p *planner) opNames() []string { return slices.Sorted(maps.Keys(p.Operations)) }

// structures are the reachable structures: the Go types to emit.
func (p *planner) structures() []string {
	var names []string
	for _, name := range p.reachable {
		if p.Shapes[name].Type == "structure" {
			names = append(names, name)
		}
	}
	return names
}

// exceptions are the model's errors, used or not: generic code answers some
// that no operation lists.
func (p *planner) exceptions() []string {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(p.Shapes)) {
		if p.Shapes[name].Exception {
			names = append(names, name)
		}
	}
	return names
}

// stream is the structure's member that is an event stream, or nil.
func (p *planner) stream(name string) *ref {
	for _, r := range p.Shapes[name].Members {
		if t := p.Shapes[r.Shape]; t != nil && t.Stream {
			return r
		}
	}
	return nil
}

// members returns a structure's members in wire order. Event streams travel
// beside the shape, and their members that are errors as error events.
func (p *planner) members(name string) []member {
	s := p.Shapes[name]
	names := slices.Clone(s.MemberOrder)
	for _, n := range slices.Sorted(maps.Keys(s.Members)) {
		if !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	var out []member
	for _, n := range names {
		r := s.Members[n]
		if t := p.Shapes[r.Shape]; t != nil && (t.Exception || t.Stream) {
			continue
		}
		out = append(out, member{name: n, field: fieldName(n), ref: r, required: slices.Contains(s.Required, n)})
	}
	return out
}

// jsonName is the member's name in JSON documents.
func (p *planner) jsonName(name string, r *ref) string {
	if p.rest && r.LocationName != "" {
		return r.LocationName
	}
	return name
}

// flattened reports whether a collection has no level of its own in query.
func (p *planner) flattened(r *ref) bool {
	return r.Flattened || p.Shapes[r.Shape].Flattened
}

// xmlName is the member's name in the query protocol. A flattened list is named
// by its elements (as botocore's QuerySerializer does).
func (p *planner) xmlName(name string, r *ref) string {
	if !p.query {
		return name
	}
	if r.QueryName != "" {
		return r.QueryName
	}
	t := p.Shapes[r.Shape]
	if p.flattened(r) {
		switch {
		case t.QueryName != "":
			return t.QueryName
		case t.Type == "list" && t.Member.LocationName != "":
			return t.Member.LocationName
		}
	}
	if r.LocationName != "" {
		return r.LocationName
	}
	return name
}

func exported(name string) string {
	name = strings.TrimLeft(name, "_")
	return strings.ToUpper(name[:1]) + name[1:]
}

// fieldName is the Go field of a member. Firehose has members called Schema,
// which every shape has as a method.
func fieldName(name string) string {
	switch f := exported(name); f {
	case "Schema", "EncodeMembers", "DecodeMember":
		return f + "_"
	default:
		return f
	}
}
