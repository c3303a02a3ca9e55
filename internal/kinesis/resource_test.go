package kinesis

import (
	"fmt"
	"maps"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

type tags = map[string]string

func addTo(stream string, t tags) *kinesisapi.AddTagsToStreamInput {
	return &kinesisapi.AddTagsToStreamInput{StreamName: &stream, Tags: t}
}

// tagsOf are the tags of a stream or consumer: "a=1 b=2".
func (f *fixture) tagsOf(arn string) string {
	f.Helper()
	return showTags(must[kinesisapi.ListTagsForResourceOutput](f, kinesisapi.ListTagsForResource, &kinesisapi.ListTagsForResourceInput{ResourceARN: &arn}).Tags)
}

func showTags(all []kinesisapi.Tag) string {
	var out []string
	for _, t := range all {
		out = append(out, *t.Key+"="+deref(t.Value))
	}
	return strings.Join(out, " ")
}

// TestTagsOfStreamsAndConsumers, in both generations of the API.
func TestTagsOfStreamsAndConsumers(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.does(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{StreamName: new("s"), ShardCount: new(int32(1)), Tags: tags{"made": "with"}})
		f.does(kinesisapi.AddTagsToStream, addTo("s", tags{"b": "2", "a": "1", "ключ %": "é _./=+-@"}))
		f.does(kinesisapi.TagResource, &kinesisapi.TagResourceInput{ResourceARN: new(arnOfS), Tags: tags{"a": "new", "c": ""}})
		if got := f.tagsOf(arnOfS); got != "a=new b=2 c= made=with ключ %=é _./=+-@" {
			t.Error(got)
		}
		list := func(after *string, limit int) *kinesisapi.ListTagsForStreamOutput {
			return must[kinesisapi.ListTagsForStreamOutput](f, kinesisapi.ListTagsForStream, &kinesisapi.ListTagsForStreamInput{StreamName: new("s"), ExclusiveStartTagKey: after, Limit: new(int32(limit))})
		}
		for _, c := range []struct {
			after *string
			limit int
			want  string
			more  bool
		}{{nil, 2, "a=new b=2", true}, {new("aa"), 2, "b=2 c=", true}, {new("b"), 50, "c= made=with ключ %=é _./=+-@", false}, {new("z"), 1, "ключ %=é _./=+-@", false}} {
			if out := list(c.after, c.limit); showTags(out.Tags) != c.want || *out.HasMoreTags != c.more {
				t.Errorf("%s %v, want %s %v", showTags(out.Tags), *out.HasMoreTags, c.want, c.more)
			}
		}
		f.does(kinesisapi.RemoveTagsFromStream, &kinesisapi.RemoveTagsFromStreamInput{StreamName: new("s"), TagKeys: []string{"a", "unknown"}})
		f.does(kinesisapi.UntagResource, &kinesisapi.UntagResourceInput{ResourceARN: new(arnOfS), TagKeys: []string{"b", "unknown", "ключ %"}})
		if got := f.tagsOf(arnOfS); got != "c= made=with" {
			t.Error(got)
		}
		consumer := *must[kinesisapi.RegisterStreamConsumerOutput](f, kinesisapi.RegisterStreamConsumer, &kinesisapi.RegisterStreamConsumerInput{
			StreamARN: new(arnOfS), ConsumerName: new("c"), Tags: tags{"x": "1"},
		}).Consumer.ConsumerARN
		f.does(kinesisapi.TagResource, &kinesisapi.TagResourceInput{ResourceARN: &consumer, Tags: tags{"y": "2"}})
		f.does(kinesisapi.UntagResource, &kinesisapi.UntagResourceInput{ResourceARN: &consumer, TagKeys: []string{"x"}})
		if got := f.tagsOf(consumer) + "|" + f.tagsOf(arnOfS); got != "y=2|c= made=with" {
			t.Error(got)
		}
		for arn, text := range map[string]string{
			arnOfS + "2":              "Stream s2 under account 000000000000 not found.",
			arnOfS + "/consumer/d:1":  "Consumer d under stream s under account 000000000000 not found.",
			arnOfS + "/consumer/c:77": "Consumer c under stream s under account 000000000000 not found.",
		} {
			f.refused(kinesisapi.ListTagsForResource, &kinesisapi.ListTagsForResourceInput{ResourceARN: &arn}, codeMissing, text)
		}
	})
}

func TestWhatTagsAreRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		many := tags{}
		for i := range 50 {
			many["k"+strconv.Itoa(i)] = ""
		}
		const constraint = "' failed to satisfy constraint: "
		for _, c := range []struct {
			tags       tags
			code, text string
		}{
			{tags{"a;b": ""}, codeInvalid, "Some tags contain invalid characters. Valid characters: Unicode letters, digits, white space, _ . / = + - % @."},
			{tags{"a": "1\t2"}, codeInvalid, "Some tags contain invalid characters. ..."},
			{tags{"a": "1,2"}, codeInvalid, "Some tags contain invalid characters. ..."},
			{tags{"aws:a": "1"}, codeInvalid, "Tag keys that begin with aws: are reserved."},
			{tags{}, codeRefused, "1 validation error detected: Value '{}' at 'tags" + constraint + "Member must have length greater than or equal to 1"},
			{tags{strings.Repeat("k", 129): ""}, codeRefused, "1 validation error detected: Value '{" + strings.Repeat("k", 129) + "=}' at 'tags" + constraint + "Map keys must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1]"},
			{tags{"k": strings.Repeat("v", 257)}, codeRefused, "1 validation error detected: Value '{k=" + strings.Repeat("v", 257) + "}' at 'tags" + constraint + "Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0]"},
			{with(many, "one", "more"), codeInvalid, "Failed to add tags to stream s under account 000000000000 because a given stream cannot have more than 50 tags associated with it."},
		} {
			f.refused(kinesisapi.AddTagsToStream, addTo("s", c.tags), c.code, c.text)
		}
		f.does(kinesisapi.AddTagsToStream, addTo("s", many))
		f.does(kinesisapi.AddTagsToStream, addTo("s", tags{"k1": "again"}))
		f.refused(kinesisapi.AddTagsToStream, addTo("s", tags{"one": "more"}), codeInvalid, "Failed to add tags ...")
		f.refused(kinesisapi.AddTagsToStream, addTo("none", tags{"a": "b"}), codeMissing, "Stream none under account 000000000000 not found.")
		f.refused(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{StreamName: new("t"), Tags: with(many, "one", "more")}, codeInvalid, "Failed to add tags ...")
	})
}

func with(t tags, key, value string) tags {
	t = maps.Clone(t)
	t[key] = value
	return t
}

func allow(principal, resource string, actions ...string) *string {
	return new(fmt.Sprintf(`{"Version": "2012-10-17",
  "Statement":[{"Sid":"x","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::%s:root"},"Action":["kinesis:%s"],"Resource":"%s"}]}`, principal, strings.Join(actions, `","kinesis:`), resource))
}

// TestPolicies round-trip to the byte, and are missed when there is none.
func TestPolicies(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		consumer := f.register("c")
		get := func(arn string) string {
			return *must[kinesisapi.GetResourcePolicyOutput](f, kinesisapi.GetResourcePolicy, &kinesisapi.GetResourcePolicyInput{ResourceARN: &arn}).Policy
		}
		for _, arn := range []string{arnOfS, consumer} {
			if got := get(arn); got != "{}" {
				t.Errorf("no policy is %s", got)
			}
			f.refused(kinesisapi.DeleteResourcePolicy, &kinesisapi.DeleteResourcePolicyInput{ResourceARN: &arn}, codeMissing, "No resource policy found for resource ARN "+arn)
			p := allow(other, arn, "DescribeStreamSummary")
			f.does(kinesisapi.PutResourcePolicy, &kinesisapi.PutResourcePolicyInput{ResourceARN: &arn, Policy: p})
			if got := get(arn); got != *p {
				t.Errorf("%s, want %s", got, *p)
			}
			f.refused(kinesisapi.PutResourcePolicy, &kinesisapi.PutResourcePolicyInput{ResourceARN: &arn, Policy: new("{")}, codeInvalid, "Invalid policy: ...")
			f.does(kinesisapi.DeleteResourcePolicy, &kinesisapi.DeleteResourcePolicyInput{ResourceARN: &arn})
			f.refused(kinesisapi.DeleteResourcePolicy, &kinesisapi.DeleteResourcePolicyInput{ResourceARN: &arn}, codeMissing, "No resource policy found ...")
			if got := get(arn); got != "{}" {
				t.Errorf("after the delete: %s", got)
			}
		}
		f.refused(kinesisapi.PutResourcePolicy, &kinesisapi.PutResourcePolicyInput{ResourceARN: new(arnOfS + "2"), Policy: allow(other, arnOfS+"2", "PutRecord")}, codeMissing, "Stream s2 under account 000000000000 not found.")
	})
}

// TestOtherAccountsMayDoWhatPoliciesSay, by ARN, and nothing else.
func TestOtherAccountsMayDoWhatPoliciesSay(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		consumer := f.register("c")
		them := f.by(other)
		put := &kinesisapi.PutRecordInput{StreamARN: new(arnOfS), PartitionKey: new("k"), Data: []byte("x")}
		iterator := &kinesisapi.GetShardIteratorInput{StreamARN: new(arnOfS), ShardId: new("0"), ShardIteratorType: new("TRIM_HORIZON")}
		own := f.iterator("s", "0", "TRIM_HORIZON")
		list := &kinesisapi.ListShardsInput{StreamARN: new(arnOfS), MaxResults: new(int32(1))}
		denied := func() {
			them.refused(kinesisapi.PutRecord, put, codeDenied, "...")
			them.refused(kinesisapi.GetShardIterator, iterator, codeDenied, "...")
			them.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &own}, codeDenied, "...")
			them.refused(kinesisapi.ListShards, list, codeDenied, "...")
			them.refused(kinesisapi.SubscribeToShard, subscribe(consumer, "0", "LATEST"), codeDenied, "...")
		}
		denied()
		f.does(kinesisapi.PutResourcePolicy, &kinesisapi.PutResourcePolicyInput{ResourceARN: new(arnOfS), Policy: allow(other, arnOfS, "PutRecord", "GetShardIterator", "GetRecords", "ListShards", "DeleteStream", "PutResourcePolicy")})
		f.does(kinesisapi.PutResourcePolicy, &kinesisapi.PutResourcePolicyInput{ResourceARN: &consumer, Policy: allow(other, consumer, "SubscribeToShard", "DescribeStreamConsumer", "DeregisterStreamConsumer")})
		must[kinesisapi.PutRecordOutput](them, kinesisapi.PutRecord, put)
		it := must[kinesisapi.GetShardIteratorOutput](them, kinesisapi.GetShardIterator, iterator).ShardIterator
		if got := data(them.get(*it).Records); got != "[x]" {
			t.Error(got)
		}
		must[kinesisapi.ListShardsOutput](them, kinesisapi.ListShards, list)
		must[kinesisapi.DescribeStreamConsumerOutput](them, kinesisapi.DescribeStreamConsumer, &kinesisapi.DescribeStreamConsumerInput{ConsumerARN: &consumer})
		them.subscribe(subscribe(consumer, "0", "LATEST")).Close()
		// A name is one of the caller's own.
		them.refused(kinesisapi.PutRecord, record("s", "k", ""), codeMissing, "Stream s under account 111111111111 not found.")
		// What manages a stream is its owner's, whatever the policy says.
		them.refused(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamARN: new(arnOfS)}, codeDenied, "...")
		them.refused(kinesisapi.DeregisterStreamConsumer, &kinesisapi.DeregisterStreamConsumerInput{ConsumerARN: &consumer}, codeDenied, "...")
		them.refused(kinesisapi.PutResourcePolicy, &kinesisapi.PutResourcePolicyInput{ResourceARN: new(arnOfS), Policy: new("{}")}, codeDenied, "...")
		them.refused(kinesisapi.PutRecords, &kinesisapi.PutRecordsInput{StreamARN: new(arnOfS), Records: records("s", "k=x").Records}, codeDenied, "...")
		f.by("222222222222").refused(kinesisapi.PutRecord, put, codeDenied, "...")
		f.does(kinesisapi.DeleteResourcePolicy, &kinesisapi.DeleteResourcePolicyInput{ResourceARN: new(arnOfS)})
		f.does(kinesisapi.DeleteResourcePolicy, &kinesisapi.DeleteResourcePolicyInput{ResourceARN: &consumer})
		denied()
	})
}

func TestConsumers(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.wait(1700 * time.Millisecond)
		made := must[kinesisapi.RegisterStreamConsumerOutput](f, kinesisapi.RegisterStreamConsumer, registering("c")).Consumer
		arn := arnOfS + "/consumer/c:" + strconv.FormatInt(time.Now().Unix(), 10)
		if *made.ConsumerName != "c" || *made.ConsumerARN != arn || *made.ConsumerStatus != "CREATING" || made.ConsumerCreationTimestamp.Unix() != time.Now().Unix() {
			t.Errorf("%+v", made)
		}
		byARN := &kinesisapi.DescribeStreamConsumerInput{ConsumerARN: &arn}
		byName := &kinesisapi.DescribeStreamConsumerInput{StreamARN: new(arnOfS), ConsumerName: new("c")}
		describe := func(in *kinesisapi.DescribeStreamConsumerInput) *kinesisapi.ConsumerDescription {
			return must[kinesisapi.DescribeStreamConsumerOutput](f, kinesisapi.DescribeStreamConsumer, in).ConsumerDescription
		}
		if d := describe(byARN); *d.ConsumerStatus != "CREATING" || *d.StreamARN != arnOfS || *d.ConsumerARN != arn || *d.ConsumerName != "c" {
			t.Errorf("%+v", d)
		}
		f.wait(time.Second)
		if d := describe(byName); *d.ConsumerStatus != "ACTIVE" {
			t.Errorf("%+v", d)
		}
		f.refused(kinesisapi.RegisterStreamConsumer, registering("c"), codeInUse, "Consumer c under stream s already exists for account 000000000000.")
		const missing = "Consumer d under stream s under account 000000000000 not found."
		f.refused(kinesisapi.DescribeStreamConsumer, &kinesisapi.DescribeStreamConsumerInput{StreamARN: new(arnOfS), ConsumerName: new("d")}, codeMissing, missing)
		f.refused(kinesisapi.DeregisterStreamConsumer, &kinesisapi.DeregisterStreamConsumerInput{StreamARN: new(arnOfS), ConsumerName: new("d")}, codeMissing, missing)
		f.refused(kinesisapi.DescribeStreamConsumer, &kinesisapi.DescribeStreamConsumerInput{ConsumerName: new("c")}, codeInvalid, "Either ConsumerARN or both StreamARN and ConsumerName should be provided.")
		f.refused(kinesisapi.DescribeStreamConsumer, &kinesisapi.DescribeStreamConsumerInput{ConsumerARN: &arn, ConsumerName: new("d")}, codeInvalid, "ConsumerARN, StreamARN and ConsumerName do not name the same consumer.")
		for i := range 19 {
			f.register(fmt.Sprintf("c%02d", i))
		}
		f.refused(kinesisapi.RegisterStreamConsumer, registering("more"), codeLimit, "Stream s under account 000000000000 has reached its limit of 20 registered consumers.")
		if n := *f.summary("s").ConsumerCount; n != 20 {
			t.Errorf("%d consumers", n)
		}
		var names []string
		var token *string
		for {
			out := must[kinesisapi.ListStreamConsumersOutput](f, kinesisapi.ListStreamConsumers, &kinesisapi.ListStreamConsumersInput{StreamARN: new(arnOfS), MaxResults: new(int32(7)), NextToken: token})
			for _, c := range out.Consumers {
				names = append(names, *c.ConsumerName)
			}
			if token = out.NextToken; token == nil {
				break
			}
		}
		if len(names) != 20 || names[0] != "c" || names[1] != "c00" || names[19] != "c18" {
			t.Errorf("%v", names)
		}
		f.does(kinesisapi.DeregisterStreamConsumer, &kinesisapi.DeregisterStreamConsumerInput{ConsumerARN: &arn})
		f.refused(kinesisapi.DescribeStreamConsumer, byARN, codeMissing, "Consumer c under stream s under account 000000000000 not found.")
		again := f.register("c")
		if again == arn {
			t.Error("the same ARN")
		}
		f.refused(kinesisapi.DescribeStreamConsumer, byARN, codeMissing, "Consumer c under stream s under account 000000000000 not found.")
	}, slowly)
}
