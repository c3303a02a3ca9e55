package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
)

// redacted is what is shown of a secret.
const redacted = "[redacted]"

// Secret is text that is never shown.
type Secret string

func (s Secret) shown() string {
	if s == "" {
		return ""
	}
	return redacted
}

// String does not show the secret.
func (s Secret) String() string { return s.shown() }

// GoString does not show the secret.
func (s Secret) GoString() string { return s.shown() }

// LogValue does not show the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.shown()) }

// MarshalYAML does not show the secret.
func (s Secret) MarshalYAML() (any, error) { return s.shown(), nil }

// Policy is a policy document in JSON. In the file it is a mapping or JSON text.
type Policy string

// UnmarshalYAML reads a mapping or text.
func (p *Policy) UnmarshalYAML(n ast.Node) error {
	text, err := textOf(n)
	*p = Policy(text)
	return err
}

// Values are named texts. In the file, numbers and booleans may be written as such
// and JSON documents as mappings.
type Values map[string]string

// UnmarshalYAML reads a mapping of texts, numbers, booleans and mappings.
func (v *Values) UnmarshalYAML(n ast.Node) error {
	m, ok := n.(ast.MapNode)
	if !ok {
		return at(n, "must be a mapping")
	}
	*v = Values{}
	for i := m.MapRange(); i.Next(); {
		text, err := textOf(i.Value())
		if err != nil {
			return err
		}
		(*v)[i.Key().GetToken().Value] = text
	}
	return nil
}

// textOf is a scalar as it is written, or a mapping as JSON.
func textOf(n ast.Node) (string, error) {
	switch n := n.(type) {
	case *ast.MappingNode, *ast.MappingValueNode, *ast.SequenceNode:
		var value any
		if err := yaml.NodeToValue(n, &value); err != nil {
			return "", err
		}
		b, err := json.Marshal(value)
		if err != nil {
			return "", at(n, err.Error())
		}
		return string(b), nil
	case *ast.LiteralNode:
		return n.Value.Value, nil
	case *ast.StringNode:
		return n.Value, nil
	case *ast.BoolNode, *ast.IntegerNode, *ast.FloatNode:
		return n.GetToken().Value, nil
	}
	return "", at(n, "must be text, a number, a boolean or a mapping")
}

// positionError is an error at a place of the file.
type positionError struct {
	line, column int
	message      string
}

func (e *positionError) Error() string { return e.message }

func at(n ast.Node, message string) error {
	p := n.GetToken().Position
	return &positionError{line: p.Line, column: p.Column, message: message}
}

// inFile says where in the file a decoding error is.
func inFile(file string, err error) error {
	if at := (*positionError)(nil); errors.As(err, &at) {
		return fmt.Errorf("%s:%d:%d: %s", file, at.line, at.column, at.message)
	}
	if at := yaml.Error(nil); errors.As(err, &at) && at.GetToken() != nil {
		p := at.GetToken().Position
		return fmt.Errorf("%s:%d:%d: %s", file, p.Line, p.Column, at.GetMessage())
	}
	return fmt.Errorf("%s: %w", file, err)
}
