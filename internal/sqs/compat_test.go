package sqs

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/sqsapi"
)

var update = flag.Bool("update", false, "write docs/compat/sqs.md instead of comparing")

// compatPage has the page's text; %OPERATIONS% stands for the table.
//
//go:embed testdata/compat.md
var compatPage string

// deviations are the differences from AWS that belong to one operation. What
// holds for many is in testdata/compat.md.
var deviations = map[string]string{
	"AddPermission":           "-",
	"CancelMessageMoveTask":   "-",
	"ChangeMessageVisibility": "-",

	"ChangeMessageVisibilityBatch": "-",

	"CreateQueue":        "the queue exists when it answers",
	"DeleteMessage":      "an older handle of a standard queue deletes always (AWS: not guaranteed)",
	"DeleteMessageBatch": "as DeleteMessage",
	"DeleteQueue":        "immediate (AWS: up to 60 s)",
	"GetQueueAttributes": "counters are exact and current",
	"GetQueueUrl":        "the host is the one that the caller used, or `external_url`",

	"ListDeadLetterSourceQueues": "current (AWS: eventually); in order of name",
	"ListMessageMoveTasks":       "-",
	"ListQueueTags":              "-",
	"ListQueues":                 "current (AWS: eventually); in order of name",
	"PurgeQueue":                 "done when it answers (AWS: up to 60 s)",
	"ReceiveMessage":             "finds every visible message (AWS samples); attempt ids do not survive a restart",
	"RemovePermission":           "-",
	"SendMessage":                "a lone half of a surrogate pair becomes U+FFFD",
	"SendMessageBatch":           "as SendMessage",
	"SetQueueAttributes":         "immediate (AWS: 60 s, retention 15 min)",
	"StartMessageMoveTask":       "moved messages are new ones with a new MessageId: AWS documents it, nobody recorded it",
	"TagQueue":                   "-",
	"UntagQueue":                 "-",
}

// TestCompatPage: docs/compat/sqs.md says what the code does.
//
//	go test ./internal/sqs -run CompatPage -update
func TestCompatPage(t *testing.T) {
	var table strings.Builder
	fmt.Fprint(&table, "| Operation | State | Differs from AWS |\n|---|---|---|\n")
	done := operations.Bind(sqsapi.Service, nil).Operations
	served := 0
	for _, op := range sqsapi.Service.Operations {
		state := "no"
		if done[op.Name] != nil {
			state = "yes"
			served++
		}
		text, ok := deviations[op.Name]
		if !ok {
			t.Errorf("%s: say in deviations how it differs from AWS, or %q", op.Name, "-")
		}
		fmt.Fprintf(&table, "| %s | %s | %s |\n", op.Name, state, text)
	}
	page := strings.NewReplacer("%OPERATIONS%\n", table.String(), "%SERVED%", fmt.Sprintf("%d of %d", served, len(sqsapi.Service.Operations))).Replace(compatPage)
	const path = "../../docs/compat/sqs.md"
	if *update {
		if err := os.WriteFile(path, []byte(page), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	have, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page {
		t.Error("docs/compat/sqs.md is not up to date: go test ./internal/sqs -run CompatPage -update")
	}
}
