package main

import "strings"

func emitDoc(p *planner, w *writer) {
	w.p("// Package %s is the %s API (%s): its shapes, errors and operations as", p.pkg, p.Metadata.ServiceID, p.Metadata.APIVersion)
	w.p("// models/%s and its overlay describe them.", p.file)
	w.p("package %s", p.pkg)
}

// emitShapes writes the Go types of structures.
func emitShapes(p *planner, w *writer) {
	for _, name := range p.structures() {
		w.p("")
		w.p("// %s is a shape of the %s API.", exported(name), p.Metadata.ServiceID)
		w.p("type %s struct {", exported(name))
		for _, m := range p.members(name) {
			note := ""
			if m.required {
				note = " // required"
			}
			w.p("%s %s%s", m.field, p.fieldType(m.ref.Shape), note)
		}
		w.p("}")
	}
}

// fieldType is the Go type of a structure's member: scalars and structures are
// pointers, so that absent and zero differ.
func (p *planner) fieldType(shape string) string {
	switch p.Shapes[shape].Type {
	case "list", "map", "blob":
		return p.valueType(shape)
	}
	return "*" + p.valueType(shape)
}

// valueType is the Go type of an element.
func (p *planner) valueType(shape string) string {
	s := p.Shapes[shape]
	switch s.Type {
	case "string":
		return "string"
	case "integer":
		return "int32"
	case "long":
		return "int64"
	case "float", "double":
		return "float64"
	case "boolean":
		return "bool"
	case "blob":
		return "[]byte"
	case "timestamp":
		return "time.Time"
	case "list":
		return "[]" + p.valueType(s.Member.Shape)
	case "map":
		return "map[string]" + p.valueType(s.Value.Shape)
	case "structure":
		return exported(shape)
	}
	panic("gen: shape " + shape + " has the unknown type " + s.Type)
}

// kind is the smithy.Kind of a model's type.
func kind(typ string) string {
	return "smithy.Kind" + strings.ToUpper(typ[:1]) + typ[1:]
}

// schemaVar names the variable of a shape's schema. SNS has shapes whose names
// differ only in the case of the first letter.
func (p *planner) schemaVar(shape string) string {
	if up := exported(shape); up == shape || p.Shapes[up] == nil {
		return "schema" + up
	}
	return "schema_" + shape
}
