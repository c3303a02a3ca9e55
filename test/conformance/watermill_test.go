package conformance

import (
	"net/url"
	"testing"

	"github.com/ThreeDotsLabs/watermill"
	"github.com/ThreeDotsLabs/watermill-aws/sqs"
	"github.com/ThreeDotsLabs/watermill/message"
	"github.com/ThreeDotsLabs/watermill/pubsub/tests"
	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	endpoints "github.com/aws/smithy-go/endpoints"

	"github.com/spillway/spillway"
)

// TestWatermill runs Watermill's pub/sub suite. Watermill itself sets ForceShort
// for SQS, because "currently none of emulators are stable enough to handle all
// tests"; here everything runs.
func TestWatermill(t *testing.T) {
	srv, err := spillway.Start(t.Context(), spillway.Config{DataDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := srv.Close(); err != nil {
			t.Error(err)
		}
	})
	pubSub := func(t *testing.T) (message.Publisher, message.Subscriber) { return watermillPubSub(t, srv.Endpoint()) }
	t.Run("suite", func(t *testing.T) {
		// Order holds for one subscriber. Watermill's main suite has ten of them race
		// on a standard queue, each with its own receive and delete, and still wants
		// order: that holds only by chance, here as on AWS. Its other SQS tests set
		// GuaranteedOrderWithSingleSubscriber too.
		features := tests.Features{GuaranteedOrder: true, GuaranteedOrderWithSingleSubscriber: true, Persistent: true}
		tests.TestPubSub(t, features, pubSub,
			func(t *testing.T, _ string) (message.Publisher, message.Subscriber) { return pubSub(t) })
	})
}

func watermillPubSub(t *testing.T, endpoint string) (message.Publisher, message.Subscriber) {
	t.Helper()
	u, err := url.Parse(endpoint)
	if err != nil {
		t.Fatal(err)
	}
	config := aws.Config{Region: "us-west-2", Credentials: credentials.NewStaticCredentialsProvider("test", "test", "")}
	options := []func(*awssqs.Options){awssqs.WithEndpointResolverV2(sqs.OverrideEndpointResolver{Endpoint: endpoints.Endpoint{URI: *u}})}
	attributes := sqs.QueueConfigAttributes{VisibilityTimeout: "1"} // as Watermill's own tests
	logger := watermill.NopLogger{}
	pub, err := sqs.NewPublisher(sqs.PublisherConfig{
		AWSConfig: config, OptFns: options, CreateQueueConfig: attributes, Marshaler: sqs.DefaultMarshalerUnmarshaler{},
	}, logger)
	if err != nil {
		t.Fatal(err)
	}
	sub, err := sqs.NewSubscriber(sqs.SubscriberConfig{
		AWSConfig: config, OptFns: options, QueueConfigAttributes: attributes, Unmarshaler: sqs.DefaultMarshalerUnmarshaler{},
	}, logger)
	if err != nil {
		t.Fatal(err)
	}
	return pub, sub
}
