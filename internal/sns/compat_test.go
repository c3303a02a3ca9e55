package sns

import (
	_ "embed"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/snsapi"
)

var update = flag.Bool("update", false, "write the golden files and docs/compat/sns.md instead of comparing")

// compatPage has the page's text; %OPERATIONS% stands for the table.
//
//go:embed testdata/compat.md
var compatPage string

// deviations are the differences from AWS that belong to one operation. What holds for
// many is in testdata/compat.md.
var deviations = map[string]string{
	"AddPermission":                      "-",
	"CheckIfPhoneNumberIsOptedOut":       "numbers opt out by the opt-out hook",
	"ConfirmSubscription":                "-",
	"CreatePlatformApplication":          "credentials are not tried; one that exists is changed",
	"CreatePlatformEndpoint":             "-",
	"CreateSMSSandboxPhoneNumber":        "numbers need not be verified; LanguageCode is ignored",
	"CreateTopic":                        "policies are compared as text",
	"DeleteEndpoint":                     "-",
	"DeletePlatformApplication":          "its endpoints are deleted at once",
	"DeleteSMSSandboxPhoneNumber":        "-",
	"DeleteTopic":                        "its subscriptions answer for a minute more",
	"GetDataProtectionPolicy":            "-",
	"GetEndpointAttributes":              "-",
	"GetPlatformApplicationAttributes":   "-",
	"GetSMSAttributes":                   "-",
	"GetSMSSandboxAccountStatus":         "never in the sandbox",
	"GetSubscriptionAttributes":          "-",
	"GetTopicAttributes":                 "counters are exact and current",
	"ListEndpointsByPlatformApplication": "current (AWS: eventually)",
	"ListOriginationNumbers":             "always empty",
	"ListPhoneNumbersOptedOut":           "-",
	"ListPlatformApplications":           "current (AWS: eventually)",
	"ListSMSSandboxPhoneNumbers":         "-",
	"ListSubscriptions":                  "current (AWS: eventually)",
	"ListSubscriptionsByTopic":           "current (AWS: eventually)",
	"ListTagsForResource":                "-",
	"ListTopics":                         "current (AWS: eventually); in order of name",
	"OptInPhoneNumber":                   "as often as one likes (AWS: once in 30 days)",
	"Publish":                            "size limit of 262,144 bytes, as AWS's",
	"PublishBatch":                       "as Publish",
	"PutDataProtectionPolicy":            "kept and shown; audits nothing",
	"RemovePermission":                   "-",
	"SetEndpointAttributes":              "-",
	"SetPlatformApplicationAttributes":   "credentials are not tried",
	"SetSMSAttributes":                   "spending limit, reports and delivery logs are kept and change nothing",
	"SetSubscriptionAttributes":          "immediate (AWS: filter policies up to 15 min)",
	"SetTopicAttributes":                 "immediate; keys, tracing and delivery logs are kept and change nothing",
	"Subscribe":                          "protocol kinesis too, unless `sns.strict`; no quotas",
	"TagResource":                        "-",
	"Unsubscribe":                        "-",
	"UntagResource":                      "-",
	"VerifySMSSandboxPhoneNumber":        "-",
}

// TestCompatPage: docs/compat/sns.md says what the code does.
//
//	go test ./internal/sns -run CompatPage -update
func TestCompatPage(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	fmt.Fprint(&table, "| Operation | State | Differs from AWS |\n|---|---|---|\n")
	done := operations.Bind(snsapi.Service, nil).Operations
	served := 0
	for _, op := range snsapi.Service.Operations {
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
	page := strings.NewReplacer("%OPERATIONS%\n", table.String(), "%SERVED%", fmt.Sprintf("%d of %d", served, len(snsapi.Service.Operations))).Replace(compatPage)
	const path = "../../docs/compat/sns.md"
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
		t.Error("docs/compat/sns.md is not up to date: go test ./internal/sns -run CompatPage -update")
	}
}
