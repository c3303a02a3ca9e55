package smithy_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/spillway/spillway/internal/api/sqsapi"
	"github.com/spillway/spillway/internal/api/stsapi"
	"github.com/spillway/spillway/internal/smithy"
)

const roleARN = "arn:aws:iam::123456789012:role/r"

func TestValidate(t *testing.T) {
	t.Parallel()
	const at = "' failed to satisfy constraint: "
	for _, c := range []struct {
		in   smithy.Shape
		want []string
	}{
		{&stsapi.GetCallerIdentityRequest{}, nil},
		{&stsapi.AssumeRoleRequest{RoleArn: new(roleARN), RoleSessionName: new("s@x")}, nil},
		{&stsapi.AssumeRoleRequest{}, []string{
			"Value null at 'roleArn" + at + "Member must not be null",
			"Value null at 'roleSessionName" + at + "Member must not be null",
		}},
		{&stsapi.AssumeRoleRequest{RoleArn: new(roleARN), RoleSessionName: new("é"), DurationSeconds: new(int32(5))}, []string{
			"Value '5' at 'durationSeconds" + at + "Member must have value greater than or equal to 900",
			`Value 'é' at 'roleSessionName` + at + `Member must satisfy regular expression pattern: [\w+=,.@-]*`,
			"Value 'é' at 'roleSessionName" + at + "Member must have length greater than or equal to 2",
		}},
		{&stsapi.AssumeRoleRequest{RoleArn: new(roleARN), RoleSessionName: new("abc"), Tags: []stsapi.Tag{{Key: new("k"), Value: new("")}, {Value: new("😀")}}}, []string{
			"Value null at 'tags.2.member.key" + at + "Member must not be null",
			`Value '😀' at 'tags.2.member.value` + at + `Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]*`,
		}},
		{&stsapi.AssumeRoleRequest{RoleArn: new(roleARN), RoleSessionName: new("abc"), ProvidedContexts: []stsapi.ProvidedContext{}, TransitiveTagKeys: []string{"ok", ""}}, []string{
			"Value '[]' at 'providedContexts" + at + "Member must have length greater than or equal to 1",
			`Value '[ok, ]' at 'transitiveTagKeys` + at + `Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [\p{L}\p{Z}\p{N}_.:/=+\-@]+]`,
		}},
		{&stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: new(roleARN), RoleSessionName: new("abc"), WebIdentityToken: new("x")}, []string{
			"Value '***' at 'webIdentityToken" + at + "Member must have length greater than or equal to 4",
		}},
		{&sqsapi.CreateQueueRequest{QueueName: new("q"), Attributes: map[string]string{"Nope": "v"}}, []string{
			"Value '{Nope=v}' at 'attributes" + at + "Map keys must satisfy constraint: [Member must satisfy enum value set: [" + strings.Join(attributeNames(), ", ") + "]]",
		}},
	} {
		want := ""
		switch n := len(c.want); {
		case n == 1:
			want = "1 validation error detected: " + c.want[0]
		case n > 1:
			want = string(rune('0'+n)) + " validation errors detected: " + strings.Join(c.want, "; ")
		}
		got := ""
		if err := smithy.Validate(c.in); err != nil {
			var e *smithy.APIError
			if !errors.As(err, &e) {
				t.Fatal(err)
			}
			got = e.Message
		}
		if got != want {
			t.Errorf("%T:\n got %s\nwant %s", c.in, got, want)
		}
	}
}

func attributeNames() []string {
	for _, m := range (&sqsapi.CreateQueueRequest{}).Schema().Members {
		if m.Name == "Attributes" {
			return m.Target.Key.Target.Enum
		}
	}
	return nil
}

// TestValidateBounds: a request with a thousand violations gets ten.
func TestValidateBounds(t *testing.T) {
	t.Parallel()
	err := smithy.Validate(&sqsapi.SendMessageBatchRequest{QueueUrl: new("q"), Entries: make([]sqsapi.SendMessageBatchRequestEntry, 1000)})
	if err == nil || !strings.HasPrefix(err.Error(), "ValidationError: 10 validation errors detected: Value null at 'entries.1.member.id'") {
		t.Errorf("%.200v", err)
	}
	if n := strings.Count(err.Error(), "; "); n != 9 {
		t.Errorf("%d separators", n)
	}
}
