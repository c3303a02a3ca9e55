package smithy_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spillway/spillway/internal/api/kinesisapi"
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
		{&kinesisapi.PutRecordInput{StreamName: new("s"), PartitionKey: new(strings.Repeat("é", 257)), Data: make([]byte, 10485761), ExplicitHashKey: new("01")}, []string{
			"Value 'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'data" + at + "Member must have length less than or equal to 10485760",
			`Value '01' at 'explicitHashKey` + at + `Member must satisfy regular expression pattern: 0|([1-9]\d{0,38})`,
			"Value '" + strings.Repeat("é", 257) + "' at 'partitionKey" + at + "Member must have length less than or equal to 256",
		}},
		{&kinesisapi.PutRecordsInput{StreamName: new("s;" + strings.Repeat("a", 127)), Records: []kinesisapi.PutRecordsRequestEntry{{Data: []byte{}, PartitionKey: new("k")}, {Data: []byte{}, PartitionKey: new("")}, {}}}, []string{
			"Value '' at 'records.2.member.partitionKey" + at + "Member must have length greater than or equal to 1",
			"Value null at 'records.3.member.data" + at + "Member must not be null",
			"Value null at 'records.3.member.partitionKey" + at + "Member must not be null",
			"Value 's;" + strings.Repeat("a", 127) + "' at 'streamName" + at + "Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+",
			"Value 's;" + strings.Repeat("a", 127) + "' at 'streamName" + at + "Member must have length less than or equal to 128",
		}},
		{&kinesisapi.GetShardIteratorInput{ShardId: new("0"), ShardIteratorType: new("X")}, []string{
			"Value 'X' at 'shardIteratorType" + at + "Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]",
		}},
		{&kinesisapi.SubscribeToShardInput{ConsumerARN: new("arn:aws:kinesis:us-east-1:123456789012:stream/s/consumer/c:1"), ShardId: new("0"), StartingPosition: &kinesisapi.StartingPosition{}}, []string{
			"Value null at 'startingPosition.type" + at + "Member must not be null",
		}},
		{&kinesisapi.AddTagsToStreamInput{StreamName: new("s"), Tags: map[string]string{"": "v", "k": strings.Repeat("v", 257)}}, []string{
			"Value '{=v, k=" + strings.Repeat("v", 257) + "}' at 'tags" + at + "Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
			"Value '{=v, k=" + strings.Repeat("v", 257) + "}' at 'tags" + at + "Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0]",
		}},
		{&kinesisapi.RemoveTagsFromStreamInput{StreamName: new("s"), TagKeys: []string{"a", ""}}, []string{
			"Value '[a, ]' at 'tagKeys" + at + "Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]",
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

// TestValidateObjects: a list of structures is shown as Java shows objects.
func TestValidateObjects(t *testing.T) {
	t.Parallel()
	records := make([]kinesisapi.PutRecordsRequestEntry, 501)
	for i := range records {
		records[i] = kinesisapi.PutRecordsRequestEntry{Data: []byte{}, PartitionKey: new("k")}
	}
	err := smithy.Validate(&kinesisapi.PutRecordsInput{Records: records})
	const object = `com\.amazonaws\.kinesis\.v20131202\.PutRecordsRequestEntry@[0-9a-f]+`
	want := regexp.MustCompile(`: Value '\[` + object + `(, ` + object + `){500}\]' at 'records' failed to satisfy constraint: Member must have length less than or equal to 500$`)
	if err == nil || !want.MatchString(err.Error()) {
		t.Errorf("%.400v", err)
	}
	err = smithy.Validate(&kinesisapi.PutRecordsInput{Records: make([]kinesisapi.PutRecordsRequestEntry, 100_000)})
	if err == nil || len(err.Error()) > 128<<10 {
		t.Errorf("%d bytes", len(err.Error()))
	}
	err = smithy.Validate(&kinesisapi.PutRecordInput{Data: []byte{}, PartitionKey: new(strings.Repeat("é", 1<<20))})
	if err == nil || len(err.Error()) > 128<<10 || !utf8.ValidString(err.Error()) {
		t.Errorf("%d bytes", len(err.Error()))
	}
}
