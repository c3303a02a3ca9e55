package main

import (
	"fmt"
	"strconv"
	"strings"
)

// patch is a schema reference that initialisation must add later, because the
// shapes refer to each other in a circle.
type patch struct{ lhs, target string }

// emitSchemas writes one variable a shape. Go orders their initialisation by
// reference; references that close a circle are added in init.
func emitSchemas(p *planner, w *writer) {
	var patches []patch
	back := p.backEdges()
	target := func(shape, use, lhs string) string {
		if back[shape+" "+use] {
			patches = append(patches, patch{lhs, p.schemaVar(use)})
			return ""
		}
		return ", Target: " + p.schemaVar(use)
	}
	for _, name := range p.reachable {
		s, v := p.Shapes[name], p.schemaVar(name)
		w.p("")
		if s.Type == "structure" {
			w.p("var %s = smithy.Structure(%q,", v, name)
			for i, m := range p.members(name) {
				t := target(name, m.ref.Shape, fmt.Sprintf("%s.Members[%d].Target", v, i))
				w.p("smithy.Member{%s%s%s},", p.memberFields(p.jsonName(m.name, m.ref), p.xmlName(m.name, m.ref), m.ref), t, required(m.required))
			}
			if p.Metadata.JavaPackage != "" {
				w.p(").InJava(%q)", p.Metadata.JavaPackage)
			} else {
				w.p(")")
			}
			continue
		}
		inner := ""
		switch s.Type {
		case "list":
			t := target(name, s.Member.Shape, v+".Elem.Target")
			inner = fmt.Sprintf(", Elem: &smithy.Member{%s%s}", p.memberFields("member", p.xmlName("member", s.Member), s.Member), t)
		case "map":
			t := target(name, s.Value.Shape, v+".Elem.Target")
			inner = fmt.Sprintf(", Key: &smithy.Member{%s, Target: %s}, Elem: &smithy.Member{%s%s}",
				p.memberFields("key", p.xmlName("key", s.Key), s.Key), p.schemaVar(s.Key.Shape),
				p.memberFields("value", p.xmlName("value", s.Value), s.Value), t)
		}
		w.p("var %s = &smithy.Schema{Name: %q, Kind: %s%s%s}", v, name, kind(s.Type), limits(s), inner)
	}
	if len(patches) > 0 {
		w.p("")
		w.p("func init() {")
		for _, x := range patches {
			w.p("%s = %s", x.lhs, x.target)
		}
		w.p("}")
	}
}

func (p *planner) memberFields(jsonName, xmlName string, r *ref) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Name: %q, XMLName: %q", jsonName, xmlName)
	if r.JSONResultName != "" {
		fmt.Fprintf(&b, ", JSONResultName: %q", r.JSONResultName)
	}
	if t := p.Shapes[r.Shape]; (t.Type == "list" || t.Type == "map") && p.flattened(r) {
		b.WriteString(", Flattened: true")
	}
	if p.Shapes[r.Shape].Sensitive {
		b.WriteString(", Sensitive: true")
	}
	return b.String()
}

func required(is bool) string {
	if is {
		return ", Required: true"
	}
	return ""
}

func limits(s *shape) string {
	var b, l strings.Builder
	if s.Min != nil {
		fmt.Fprintf(&l, ", Min: %d, HasMin: true", int64(*s.Min))
	}
	if s.Max != nil {
		fmt.Fprintf(&l, ", Max: %d, HasMax: true", int64(*s.Max))
	}
	if s.Pattern != "" {
		fmt.Fprintf(&l, ", Pattern: %s", literal(s.Pattern))
	}
	if l.Len() > 0 {
		fmt.Fprintf(&b, ", Limits: smithy.Limits{%s}", l.String()[2:])
	}
	if len(s.Enum) > 0 {
		fmt.Fprintf(&b, ", Enum: %#v", s.Enum)
	}
	if s.LenientScalars {
		b.WriteString(", LenientScalars: true")
	}
	return b.String()
}

func literal(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}

// backEdges finds the references "from to" that close circles, by depth-first
// search in the order of emission.
func (p *planner) backEdges() map[string]bool {
	back, state := map[string]bool{}, map[string]int{}
	var visit func(string)
	visit = func(name string) {
		state[name] = 1
		for _, use := range p.uses(name) {
			switch state[use] {
			case 0:
				visit(use)
			case 1:
				back[name+" "+use] = true
			}
		}
		state[name] = 2
	}
	for _, name := range p.reachable {
		if state[name] == 0 {
			visit(name)
		}
	}
	return back
}

// uses lists the shapes that a shape refers to.
func (p *planner) uses(name string) []string {
	s := p.Shapes[name]
	switch s.Type {
	case "list":
		return []string{s.Member.Shape}
	case "map":
		return []string{s.Key.Shape, s.Value.Shape}
	}
	var out []string
	if s.Type == "structure" {
		for _, m := range p.members(name) {
			out = append(out, m.ref.Shape)
		}
	}
	return out
}
