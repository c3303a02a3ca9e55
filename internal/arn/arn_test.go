package arn

import "testing"

func TestParse(t *testing.T) {
	t.Parallel()
	for _, s := range []string{
		"arn:aws:sqs:us-east-1:000000000000:queue.fifo",
		"arn:aws:iam::123456789012:user/path/name",
		"arn:aws:s3:::bucket/key:with:colons",
		"arn:aws-cn:sns:cn-north-1:123456789012:topic:sub",
	} {
		a, err := Parse(s)
		if err != nil {
			t.Errorf("Parse(%q): %v", s, err)
			continue
		}
		if got := a.String(); got != s {
			t.Errorf("Parse(%q).String() = %q", s, got)
		}
	}
	for _, s := range []string{"", "arn", "arn:aws:sqs:us-east-1:1", "arn::sqs:::q", "arn:aws::::q", "arn:aws:sqs:::", "urn:a:b:c:d:e"} {
		if a, err := Parse(s); err == nil {
			t.Errorf("Parse(%q) = %v, want an error", s, a)
		}
	}
}

func TestResourceType(t *testing.T) {
	t.Parallel()
	for resource, want := range map[string][2]string{
		"role/a/b": {"role", "a/b"}, "queue": {"", "queue"}, "topic:sub": {"topic", "sub"},
	} {
		kind, id := New("x", "", "", resource).ResourceType()
		if kind != want[0] || id != want[1] {
			t.Errorf("%q: got %q %q", resource, kind, id)
		}
	}
}

func TestValid(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]bool{"000000000000": true, "12345678901": false, "12345678901a": false, "": false} {
		if ValidAccount(s) != want {
			t.Errorf("ValidAccount(%q) = %v", s, !want)
		}
	}
	for s, want := range map[string]bool{"us-east-1": true, "local": true, "": false, "-x": false, "x-": false, "US": false, "a/b": false, "us-gov-west-1": true} {
		if ValidRegion(s) != want {
			t.Errorf("ValidRegion(%q) = %v", s, !want)
		}
	}
}
