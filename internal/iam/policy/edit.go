package policy

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Edit is a resource's policy as the AddPermission operations of services change it:
// statements that they did not write stay as they are, byte for byte.
type Edit struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// grant is a statement that lets accounts do something, in AWS's order.
type grant struct {
	Sid       string `json:"Sid"`
	Effect    string `json:"Effect"`
	Principal struct {
		AWS any `json:"AWS"`
	} `json:"Principal"`
	Action   any    `json:"Action"`
	Resource string `json:"Resource"`
}

// ParseEdit reads a policy that was checked before.
func ParseEdit(text string) (e Edit, err error) {
	var raw struct {
		Version, Id string
		Statement   json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return e, err
	}
	e.Version, e.ID = raw.Version, raw.Id
	if bytes.HasPrefix(raw.Statement, []byte("{")) {
		e.Statement = []json.RawMessage{raw.Statement}
		return e, nil
	}
	return e, json.Unmarshal(raw.Statement, &e.Statement)
}

// Find returns the index of the statement with a label (its Sid), or -1.
func (e *Edit) Find(label string) int {
	for i, s := range e.Statement {
		var x struct{ Sid string }
		if json.Unmarshal(s, &x) == nil && x.Sid == label {
			return i
		}
	}
	return -1
}

// Grant adds a statement that allows accounts, each of 12 digits, to do actions.
func (e *Edit) Grant(label string, accounts, actions []string, resource string) error {
	principals := make([]string, len(accounts))
	for i, a := range accounts {
		principals[i] = "arn:aws:iam::" + a + ":root"
	}
	x := grant{Sid: label, Effect: "Allow", Action: oneOrAll(actions), Resource: resource}
	x.Principal.AWS = oneOrAll(principals)
	raw, err := json.Marshal(x)
	e.Statement = append(e.Statement, raw)
	return err
}

// Text is the policy as it is stored: "" when no statement is left.
func (e *Edit) Text() (string, error) {
	if len(e.Statement) == 0 {
		return "", nil
	}
	var b strings.Builder
	w := json.NewEncoder(&b)
	w.SetEscapeHTML(false)
	err := w.Encode(e)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// oneOrAll is a policy element with a single value: not a list (recorded).
func oneOrAll(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}
