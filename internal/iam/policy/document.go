// Package policy parses and evaluates IAM policy documents.
package policy

import (
	"encoding/json"
	"errors"
)

// Document is a parsed policy. It keeps its source for reading back.
type Document struct {
	source string
}

// Parse reads a policy document.
func Parse(source string) (*Document, error) {
	if !json.Valid([]byte(source)) {
		return nil, errors.New("policy: not valid JSON")
	}
	return &Document{source: source}, nil
}

// Source is the JSON the document was parsed from.
func (d *Document) Source() string { return d.source }
