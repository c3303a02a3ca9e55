package main

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"unicode"
)

// emitOperations writes the operation descriptors and the service.
func emitOperations(p *planner, w *writer) {
	md := &p.Metadata
	for _, name := range p.opNames() {
		op := p.Operations[name]
		w.p("")
		w.p("// %s is an operation of the %s API.", name, md.ServiceID)
		w.p("var %s = &smithy.Operation{", name)
		w.p("Name: %q,", name)
		input := "smithy.Unit"
		if op.Input != nil {
			input = exported(op.Input.Shape)
		}
		w.p("NewInput: func() smithy.Shape { return new(%s) },", input)
		if op.Output != nil {
			w.p("NewOutput: func() smithy.Shape { return new(%s) },", exported(op.Output.Shape))
			if p.query {
				w.p("ResultWrapper: %q,", cmp.Or(op.Output.ResultWrapper, name+"Result"))
			}
		}
		if op.Output != nil {
			p.emitEvents(w, p.stream(op.Output.Shape))
		}
		if len(op.Errors) > 0 {
			var names []string
			for _, e := range op.Errors {
				names = append(names, exported(e.Shape))
			}
			w.p("Errors: []*smithy.ErrorType{%s},", strings.Join(names, ", "))
		}
		w.p("Method: %q, Path: %q,", op.HTTP.Method, op.HTTP.RequestURI)
		w.p("}")
	}
	w.p("")
	w.p("// Service is the %s API.", md.ServiceID)
	w.p("var Service = &smithy.Service{")
	w.p("ID: %q,", md.ServiceID)
	w.p("SigningName: %q,", cmp.Or(md.SigningName, md.EndpointPrefix))
	w.p("TargetPrefix: %q,", md.TargetPrefix)
	w.p("Version: %q,", md.APIVersion)
	w.p("XMLNamespace: %q,", md.XMLNamespace)
	var protocols []string
	for _, name := range md.Protocols {
		protocols = append(protocols, protocolConst(name, md.JSONVersion))
	}
	w.p("Protocols: []smithy.Protocol{%s},", strings.Join(protocols, ", "))
	if md.AWSQueryCompatible != nil {
		w.p("QueryCompatible: true,")
	}
	w.p("ErrorNamespace: %q,", md.ErrorNamespace)
	if md.Dialect != "" {
		w.p("Dialect: smithy.Dialect%s,", exported(md.Dialect))
	}
	if md.ExtendedID {
		w.p("ExtendedID: true,")
	}
	if md.MaxBody > 0 {
		w.p("MaxBody: %d,", md.MaxBody)
	}
	w.p("Operations: []*smithy.Operation{")
	for _, name := range p.opNames() {
		w.p("%s,", name)
	}
	w.p("},")
	w.p("}")
}

// emitEvents writes what comes in an operation's event stream, if it has one.
func (p *planner) emitEvents(w *writer, stream *ref) {
	if stream == nil {
		return
	}
	w.p("Events: []smithy.Event{")
	for _, e := range p.members(stream.Shape) {
		w.p("{Name: %q, Schema: %s},", e.name, p.schemaVar(e.ref.Shape))
	}
	w.p("},")
	var errors []string
	members := p.Shapes[stream.Shape].Members
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if shape := members[name].Shape; p.Shapes[shape].Exception {
			errors = append(errors, exported(shape))
		}
	}
	if len(errors) > 0 {
		w.p("EventErrors: []*smithy.ErrorType{%s},", strings.Join(errors, ", "))
	}
}

func protocolConst(name, jsonVersion string) string {
	switch name {
	case "query":
		return "smithy.AWSQuery"
	case "rest-json":
		return "smithy.RESTJSON1"
	case "cbor":
		return "smithy.AWSCBOR11"
	}
	if jsonVersion == "1.1" {
		return "smithy.AWSJSON11"
	}
	return "smithy.AWSJSON10"
}

// emitErrors writes one variable an error.
func emitErrors(p *planner, w *writer) {
	names := p.exceptions()
	if len(names) == 0 {
		return
	}
	w.p("")
	w.p("// The errors of the %s API.", p.Metadata.ServiceID)
	w.p("var (")
	for _, name := range names {
		s := p.Shapes[name]
		status := 400
		if s.Fault {
			status = 500
		}
		w.p("%s = &smithy.ErrorType{Shape: %q, Code: %q, Status: %d, Namespace: %q}", exported(name), name,
			cmp.Or(s.Error.Code, name), cmp.Or(s.Error.HTTPStatusCode, status), p.Metadata.ErrorNamespace)
	}
	w.p(")")
}

// constant is one value of an enumeration.
type constant struct{ shape, name, value string }

// emitEnums writes the values of enumerations as string constants: members that
// hold them are strings, since clients may send others.
func emitEnums(p *planner, w *writer) {
	last := ""
	for _, c := range p.enumConstants() {
		if c.shape != last {
			if last != "" {
				w.p(")")
			}
			w.p("")
			w.p("// Values of %s.", c.shape)
			w.p("const (")
			last = c.shape
		}
		w.p("%s = %q", c.name, c.value)
	}
	if last != "" {
		w.p(")")
	}
}

func (p *planner) enumConstants() []constant {
	var out []constant
	for _, name := range p.reachable {
		var used []string
		for _, value := range p.Shapes[name].Enum {
			id := exported(name) + enumName(value)
			for base, n := id, 2; slices.Contains(used, id); n++ {
				id = fmt.Sprintf("%s%d", base, n)
			}
			used = append(used, id)
			out = append(out, constant{name, id, value})
		}
	}
	return out
}

// enumName is "AtTimestamp" for "AT_TIMESTAMP", "AWSTraceHeader" for itself.
func enumName(value string) string {
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	shout := strings.ToUpper(value) == value
	var b strings.Builder
	for _, word := range words {
		if shout {
			word = strings.ToLower(word)
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}
