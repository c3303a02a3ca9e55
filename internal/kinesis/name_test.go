package kinesis

import (
	"testing"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

// TestResourcesHaveOneSpelling: a policy that names a stream or consumer is about every
// call that means it.
func TestResourcesHaveOneSpelling(t *testing.T) {
	t.Parallel()
	const of = ":kinesis:us-east-1:000000000000:stream/s"
	for text, ok := range map[string]bool{
		"arn:aws" + of:    true,
		"arn:aws-cn" + of: false,
		"arn:aws" + of + "/consumer/c:1700000000":   true,
		"arn:aws" + of + "/consumer/c:01700000000":  false,
		"arn:aws" + of + "/consumer/c:+1700000000":  false,
		"arn:aws" + of + "/consumer/c":              false,
		"arn:aws" + of + "/consumer/:1700000000":    false,
		"arn:aws" + of + "/":                        false,
		"arn:aws:kinesis:us-east-1:0000:stream/s":   false,
		"arn:aws:sqs:us-east-1:000000000000:s":      false,
		"arn:aws:kinesis::000000000000:stream/s":    false,
		"arn:aws" + of + "/consumer/c:170:00":       false,
		"arn:aws" + of + "/consumer/c:17000000000 ": false,
	} {
		if r, got := parseARN(text); got != ok {
			t.Errorf("%s: %v %+v", text, got, r)
		}
	}
}

// TestConsumersAreAuthorizedByTheirARN: however the call names them.
func TestConsumersAreAuthorizedByTheirARN(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		arn, stream := f.register("c"), name{region, account, "s"}.arn()
		op := f.Operations().Operations[kinesisapi.DeregisterStreamConsumer.Name]
		for _, test := range []struct {
			in   *kinesisapi.DeregisterStreamConsumerInput
			want string
		}{
			{&kinesisapi.DeregisterStreamConsumerInput{ConsumerARN: &arn}, arn},
			{&kinesisapi.DeregisterStreamConsumerInput{StreamARN: &stream, ConsumerName: new("c")}, arn},
			{&kinesisapi.DeregisterStreamConsumerInput{StreamARN: &stream, ConsumerName: new("no")}, stream + "/consumer/no:*"},
		} {
			call := f.call
			a, err := op.Access(&call, test.in)
			if err != nil || a.Resource != test.want || a.Owner != account {
				t.Errorf("%+v %v, not %s", a, err, test.want)
			}
		}
	})
}
