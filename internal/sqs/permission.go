package sqs

import (
	"encoding/json"
	"strings"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/arn"
)

// policyDocument is a policy as AddPermission and RemovePermission change it:
// statements that they did not write stay as they are.
type policyDocument struct {
	Version   string            `json:"Version,omitempty"`
	ID        string            `json:"Id,omitempty"`
	Statement []json.RawMessage `json:"Statement"`
}

// statement is what AddPermission writes, in AWS's order.
type statement struct {
	Sid       string `json:"Sid"`
	Effect    string `json:"Effect"`
	Principal struct {
		AWS any `json:"AWS"`
	} `json:"Principal"`
	Action   any    `json:"Action"`
	Resource string `json:"Resource"`
}

func parsePolicyDocument(q name, text string) (p policyDocument, err error) {
	if text == "" {
		return policyDocument{Version: "2008-10-17", ID: q.arn() + "/SQSDefaultPolicy"}, nil
	}
	var raw struct {
		Version, Id string
		Statement   json.RawMessage
	}
	if err := json.Unmarshal([]byte(text), &raw); err != nil {
		return p, err
	}
	p.Version, p.ID = raw.Version, raw.Id
	if strings.HasPrefix(string(raw.Statement), "{") {
		p.Statement = []json.RawMessage{raw.Statement}
		return p, nil
	}
	return p, json.Unmarshal(raw.Statement, &p.Statement)
}

// find returns the index of the statement with a label, or -1.
func (p *policyDocument) find(label string) int {
	for i, s := range p.Statement {
		var x struct{ Sid string }
		if json.Unmarshal(s, &x) == nil && x.Sid == label {
			return i
		}
	}
	return -1
}

// text is the policy as it is stored: "" when no statement is left.
func (p *policyDocument) text() (string, error) {
	if len(p.Statement) == 0 {
		return "", nil
	}
	b, err := json.Marshal(p)
	return string(b), err
}

// oneOrAll is a policy element with a single value: not a list (recorded).
func oneOrAll(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	return values
}

// sharable are the actions that AddPermission can give to other accounts.
var sharable = map[string]bool{
	"*": true, "ChangeMessageVisibility": true, "DeleteMessage": true, "GetQueueAttributes": true, "GetQueueUrl": true,
	"ListDeadLetterSourceQueues": true, "PurgeQueue": true, "ReceiveMessage": true, "SendMessage": true,
}

// maxActions: AddPermission API reference.
const maxActions = 7

func checkPermission(label *string, accounts, actions []string) error {
	switch {
	case deref(label) == "":
		return missingParameter("Label")
	case len(accounts) == 0:
		return missingParameter("AWSAccountIds")
	case len(actions) == 0:
		return missingParameter("Actions")
	case !validBatchID(*label):
		return invalidParameter("Value %s for parameter Label is invalid. Reason: Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length.", *label)
	case len(actions) > maxActions:
		return sqsapi.OverLimit.Newf("%d Actions were found, maximum allowed is %d.", len(actions), maxActions)
	}
	for _, a := range actions {
		switch {
		case sharable[a]:
		case sqsapi.Service.Operation(a) != nil:
			return invalidParameter("Value SQS:%s for parameter ActionName is invalid. Reason: Only the queue owner is allowed to invoke this action.", a)
		default:
			return invalidParameter("Value SQS:%s for parameter ActionName is invalid. Reason: Please refer to the appropriate WSDL for a list of valid actions. ", a)
		}
	}
	for _, a := range accounts {
		if !arn.ValidAccount(a) {
			return invalidParameter("Value [%s] for parameter PrincipalId is invalid. Reason: Unable to verify.", strings.Join(accounts, ", "))
		}
	}
	return nil
}
