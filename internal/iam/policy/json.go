package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// node is one JSON value. A tree of nodes instead of encoding/json's structs,
// because a policy with an unknown or repeated element must be refused: what is
// ignored silently in a policy is access that nobody meant to grant.
type node struct {
	kind   nodeKind
	text   string  // strings, numbers and booleans, as written
	items  []node  // lists
	fields []field // objects, in order
}

type field struct {
	name  string
	value node
}

type nodeKind uint8

const (
	kindNull nodeKind = iota
	kindString
	kindNumber
	kindBool
	kindList
	kindObject
)

func parseJSON(source string) (node, error) {
	dec := json.NewDecoder(strings.NewReader(source))
	dec.UseNumber()
	n, err := readNode(dec, 0)
	if err != nil {
		return node{}, err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return node{}, errors.New("text after the policy")
	}
	return n, nil
}

func readNode(dec *json.Decoder, depth int) (node, error) {
	if depth > maxDepth {
		return node{}, fmt.Errorf("nested deeper than %d levels", maxDepth)
	}
	token, err := dec.Token()
	if err != nil {
		return node{}, fmt.Errorf("not valid JSON: %w", err)
	}
	switch v := token.(type) {
	case string:
		return node{kind: kindString, text: v}, nil
	case json.Number:
		return node{kind: kindNumber, text: v.String()}, nil
	case bool:
		if v {
			return node{kind: kindBool, text: "true"}, nil
		}
		return node{kind: kindBool, text: "false"}, nil
	case json.Delim:
		if v == '[' {
			return readList(dec, depth)
		}
		return readObject(dec, depth)
	}
	return node{kind: kindNull}, nil
}

func readList(dec *json.Decoder, depth int) (node, error) {
	n := node{kind: kindList}
	for dec.More() {
		item, err := readNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		n.items = append(n.items, item)
	}
	_, err := dec.Token() // ]
	return n, err
}

func readObject(dec *json.Decoder, depth int) (node, error) {
	n := node{kind: kindObject}
	seen := map[string]bool{}
	for dec.More() {
		token, err := dec.Token()
		if err != nil {
			return node{}, fmt.Errorf("not valid JSON: %w", err)
		}
		name, _ := token.(string)
		if seen[name] {
			return node{}, fmt.Errorf("%q is there twice", name)
		}
		seen[name] = true
		value, err := readNode(dec, depth+1)
		if err != nil {
			return node{}, err
		}
		n.fields = append(n.fields, field{name, value})
	}
	_, err := dec.Token() // }
	return n, err
}

// strings reads a string or a non-empty list of strings.
func (n node) strings(what string) ([]string, error) {
	switch n.kind {
	case kindString:
		return []string{n.text}, nil
	case kindList:
		if len(n.items) == 0 {
			return nil, fmt.Errorf("%s is an empty list", what)
		}
		out := make([]string, len(n.items))
		for i, item := range n.items {
			if item.kind != kindString {
				return nil, fmt.Errorf("%s must hold strings", what)
			}
			out[i] = item.text
		}
		return out, nil
	}
	return nil, fmt.Errorf("%s must be a string or a list of strings", what)
}

// scalars reads a string, number or boolean, or a list of those: the values of
// a condition.
func (n node) scalars(what string) ([]string, error) {
	items := n.items
	if n.kind != kindList {
		items = []node{n}
	}
	out := make([]string, len(items))
	for i, item := range items {
		switch item.kind {
		case kindString, kindNumber, kindBool:
			out[i] = item.text
		default:
			return nil, fmt.Errorf("%s must hold strings, numbers or booleans", what)
		}
	}
	return out, nil
}
