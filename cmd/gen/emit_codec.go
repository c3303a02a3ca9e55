package main

import "fmt"

// emitCodec writes the smithy.Shape methods: flat switches that call the codec
// once a member, without reflection and without closures.
func emitCodec(p *planner, w *writer) {
	for _, name := range p.structures() {
		typ := exported(name)
		w.p("")
		w.p("// Schema implements smithy.Shape.")
		w.p("func (*%s) Schema() *smithy.Schema { return %s }", typ, p.schemaVar(name))
		members := p.members(name)
		w.p("")
		w.p("// EncodeMembers implements smithy.Shape.")
		if len(members) == 0 {
			w.p("func (*%s) EncodeMembers(smithy.Encoder) {}", typ)
			w.p("")
			w.p("// DecodeMember implements smithy.Shape.")
			w.p("func (*%s) DecodeMember(smithy.Decoder, int) {}", typ)
			continue
		}
		w.p("func (v *%s) EncodeMembers(e smithy.Encoder) {", typ)
		w.p("ms := %s.Members", p.schemaVar(name))
		for i, m := range members {
			w.p("if v.%s != nil {", m.field)
			p.encode(w, m.ref.Shape, fmt.Sprintf("&ms[%d]", i), "v."+m.field, true, 0)
			w.p("}")
		}
		w.p("}")
		w.p("")
		w.p("// DecodeMember implements smithy.Shape.")
		w.p("func (v *%s) DecodeMember(d smithy.Decoder, i int) {", typ)
		w.p("switch i {")
		for i, m := range members {
			w.p("case %d: // %s", i, m.name)
			p.decodeField(w, m, fmt.Sprintf("&%s.Members[%d]", p.schemaVar(name), i))
		}
		w.p("}")
		w.p("}")
	}
}

// encode writes the value expr of a shape with the member expression m. Ptr
// says that a scalar or structure is held by pointer.
func (p *planner) encode(w *writer, shape, m, expr string, ptr bool, depth int) {
	s := p.Shapes[shape]
	val := expr
	if ptr {
		val = "*" + expr
	}
	switch s.Type {
	case "string":
		w.p("e.String(%s, %s)", m, val)
	case "integer":
		w.p("e.Int(%s, int64(%s))", m, val)
	case "long":
		w.p("e.Int(%s, %s)", m, val)
	case "float", "double":
		w.p("e.Float(%s, %s)", m, val)
	case "boolean":
		w.p("e.Bool(%s, %s)", m, val)
	case "timestamp":
		w.p("e.Time(%s, %s)", m, val)
	case "blob":
		w.p("e.Blob(%s, %s)", m, expr)
	case "structure":
		if !ptr {
			expr = "&" + expr
		}
		w.p("e.Struct(%s, %s)", m, expr)
	case "list":
		i := fmt.Sprintf("i%d", depth)
		w.p("e.BeginList(%s, len(%s))", m, expr)
		w.p("for %s := range %s {", i, expr)
		p.encode(w, s.Member.Shape, p.schemaVar(shape)+".Elem", expr+"["+i+"]", false, depth+1)
		w.p("}")
		w.p("e.EndList(%s)", m)
	case "map":
		k, x, buf := fmt.Sprintf("k%d", depth), fmt.Sprintf("x%d", depth), fmt.Sprintf("buf%d", depth)
		w.p("e.BeginMap(%s, len(%s))", m, expr)
		w.p("var %s [16]string", buf)
		w.p("for _, %s := range smithy.SortedKeys(%s[:0], %s) {", k, buf, expr)
		w.p("%s := %s[%s]", x, expr, k)
		w.p("e.Key(%s, %s)", m, k)
		p.encode(w, s.Value.Shape, p.schemaVar(shape)+".Elem", x, false, depth+1)
		w.p("}")
		w.p("e.EndMap(%s)", m)
	}
}

// decodeField reads a structure's member.
func (p *planner) decodeField(w *writer, m member, memberExpr string) {
	field := "v." + m.field
	switch p.Shapes[m.ref.Shape].Type {
	case "blob":
		w.p("%s = d.Blob()", field)
	case "structure":
		w.p("%s = new(%s)", field, exported(m.ref.Shape))
		w.p("d.Struct(%s)", field)
	case "list", "map":
		p.decodeInto(w, m.ref.Shape, memberExpr, field, 0)
	default:
		w.p("%s = new(%s)", field, p.scalar(m.ref.Shape))
	}
}

// scalar is the expression that reads a scalar or blob.
func (p *planner) scalar(shape string) string {
	switch p.Shapes[shape].Type {
	case "string":
		return "d.String()"
	case "integer":
		return "int32(d.Int())"
	case "long":
		return "d.Int()"
	case "float", "double":
		return "d.Float()"
	case "boolean":
		return "d.Bool()"
	case "timestamp":
		return "d.Time()"
	}
	return "d.Blob()"
}

// decodeInto reads a value into the addressable expression dst. A collection
// replaces what dst held: where a member is sent twice, the last one counts.
func (p *planner) decodeInto(w *writer, shape, m, dst string, depth int) {
	s := p.Shapes[shape]
	switch s.Type {
	case "structure":
		w.p("d.Struct(&%s)", dst)
	case "list":
		elem := s.Member.Shape
		l := fmt.Sprintf("l%d", depth)
		w.p("%s := %s{}", l, p.valueType(shape))
		w.p("d.BeginList(%s)", m)
		w.p("for d.More() {")
		switch p.Shapes[elem].Type {
		case "structure", "list", "map":
			x := fmt.Sprintf("x%d", depth)
			w.p("var %s %s", x, p.valueType(elem))
			w.p("%s = append(%s, %s)", l, l, x)
			p.decodeInto(w, elem, p.schemaVar(shape)+".Elem", fmt.Sprintf("%s[len(%s)-1]", l, l), depth+1)
		default:
			w.p("%s = append(%s, %s)", l, l, p.scalar(elem))
		}
		w.p("}")
		w.p("%s = %s", dst, l)
	case "map":
		elem := s.Value.Shape
		l, k := fmt.Sprintf("l%d", depth), fmt.Sprintf("k%d", depth)
		w.p("%s := %s{}", l, p.valueType(shape))
		w.p("d.BeginMap(%s)", m)
		w.p("for d.More() {")
		w.p("%s := d.Key()", k)
		switch p.Shapes[elem].Type {
		case "structure", "list", "map":
			x := fmt.Sprintf("x%d", depth)
			w.p("var %s %s", x, p.valueType(elem))
			p.decodeInto(w, elem, p.schemaVar(shape)+".Elem", x, depth+1)
			w.p("%s[%s] = %s", l, k, x)
		default:
			w.p("%s[%s] = %s", l, k, p.scalar(elem))
		}
		w.p("}")
		w.p("%s = %s", dst, l)
	}
}
