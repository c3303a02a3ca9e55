package kinesis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

// TestRecordsGoWhereTheirKeysHash: MD5 of the UTF-8 bytes, or what the put says.
func TestRecordsGoWhereTheirKeysHash(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		for key, want := range map[string]string{"a": "0", "b": "1", "e": "2", "f": "1", "日本語": shardOf("日本語"), "é": shardOf("é")} {
			out := f.put("s", key, "")
			if got := ids([]kinesisapi.Shard{{ShardId: out.ShardId}}); got != want {
				t.Errorf("%s went to shard %s, want %s", key, got, want)
			}
			if out.EncryptionType != nil {
				t.Errorf("encryption %s", *out.EncryptionType)
			}
		}
		for hash, want := range map[string]string{
			"0": "0", "113427455640312821154458202477256070484": "0", "113427455640312821154458202477256070485": "1",
			"226854911280625642308916404954512140969": "1", "226854911280625642308916404954512140970": "2", maxHash.String(): "2",
		} {
			if got := ids([]kinesisapi.Shard{{ShardId: f.put("s", "a", "", hashed(hash)).ShardId}}); got != want {
				t.Errorf("%s went to shard %s, want %s", hash, got, want)
			}
		}
	})
}

// shardOf says which of three shards a key belongs to, from the ranges' ends.
func shardOf(key string) string {
	h := hashOf(key).String()
	h = strings.Repeat("0", 39-len(h)) + h
	switch {
	case h < "113427455640312821154458202477256070485":
		return "0"
	case h < "226854911280625642308916404954512140970":
		return "1"
	}
	return "2"
}

// TestWhatPutsAreRefused: facts-kinesis.md 4.
func TestWhatPutsAreRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		long := strings.Repeat("é", 256) // characters, not bytes
		f.put("s", long, "")
		f.put("s", "k", "", ordered("1")) // of a version that no stream has any more
		const constraint = "' failed to satisfy constraint: "
		for _, c := range []struct {
			in         *kinesisapi.PutRecordInput
			code, text string
		}{
			{record("s", long+"x", ""), codeRefused, "1 validation error detected: Value '" + long + "x' at 'partitionKey" + constraint + "Member must have length less than or equal to 256"},
			{record("s", "", ""), codeRefused, "1 validation error detected: Value '' at 'partitionKey" + constraint + "Member must have length greater than or equal to 1"},
			{record("s", "k", "", hashed("01")), codeRefused, "1 validation error detected: Value '01' at 'explicitHashKey" + constraint + "Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})"},
			{record("s", "k", "", hashed("340282366920938463463374607431768211456")), codeInvalid, "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456"},
			{record("none", "k", ""), codeMissing, "Stream none under account 000000000000 not found."},
			{record("s", "k", "", ordered(strings.Repeat("9", 100))), codeInvalid, "ExclusiveMinimumSequenceNumber " + strings.Repeat("9", 100) + " used in PutRecord on stream s under account 000000000000 is invalid."},
			{record("s", "k", "", ordered(sequence{created: time.Now().Unix(), time: time.Now().Unix() + 60}.String())), codeInvalid, "ExclusiveMinimumSequenceNumber ..."},
			{record("s", "k", "", func(in *kinesisapi.PutRecordInput) {
				in.StreamARN = new("arn:aws:kinesis:us-east-1:000000000000:stream/other")
			}), codeInvalid, "StreamName s does not match the StreamARN arn:aws:kinesis:us-east-1:000000000000:stream/other."},
			{record("s", "k", "", func(in *kinesisapi.PutRecordInput) { in.StreamName = nil }), codeInvalid, "Either StreamName or StreamARN should be provided."},
			{record("s", "k", "", func(in *kinesisapi.PutRecordInput) { in.Data = nil }), codeRefused, "1 validation error detected: Value null at 'data" + constraint + "Member must not be null"},
			{&kinesisapi.PutRecordInput{StreamName: new("s")}, codeRefused, "2 validation errors detected: Value null at ..."},
			{record("s", "k", strings.Repeat("x", 10<<20+1)), codeRefused, "1 validation error detected: Value 'java.nio.HeapByteBuffer[pos=0 lim=10485761 cap=10485761]' at 'data" + constraint + "Member must have length less than or equal to 10485760"},
		} {
			f.refused(kinesisapi.PutRecord, c.in, c.code, c.text)
		}
		f.reads("[ ]", "s", "0", "TRIM_HORIZON")
	})
}

func ordered(after string) func(*kinesisapi.PutRecordInput) {
	return func(in *kinesisapi.PutRecordInput) { in.SequenceNumberForOrdering = &after }
}

// TestNumberOfTheLastPutOrdersTheNext, also when its shard is newer than the clock says,
// because it was made by resharding a moment ago.
func TestNumberOfTheLastPutOrdersTheNext(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		last := *f.put("s", "k", "").SequenceNumber
		for range 5 {
			last = *f.put("s", "k", "", ordered(last)).SequenceNumber
			parent := lastShard(f)
			f.split("s", parent, f.middle("s", parent))
		}
		f.put("s", "k", "", ordered(last))
	})
}

func lastShard(f *fixture) string {
	all := f.shards("s")
	return *all[len(all)-1].ShardId
}

// middle is a hash key in the middle of a shard.
func (f *fixture) middle(stream, id string) string {
	f.Helper()
	index, _ := parseShardID(id)
	sh := f.lookup(name{region, account, stream}).shardAt(index)
	sum := sh.start.big()
	sum.Add(sum, sh.end.big())
	return sum.Rsh(sum, 1).String()
}

// TestRecordSizeIsDataAndKey, against what the stream takes.
func TestRecordSizeIsDataAndKey(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		mega := strings.Repeat("x", 1<<20)
		f.put("s", "k", mega[1:])
		f.refused(kinesisapi.PutRecord, record("s", "k", mega), codeInvalid, "Record size of 1048577 bytes exceeds the limit of 1048576 bytes of stream s.")
		f.refused(kinesisapi.PutRecord, record("s", "é", mega[1:]), codeInvalid, "Record size of 1048577 bytes ...")
		size := func(kib int) *kinesisapi.UpdateMaxRecordSizeInput {
			return &kinesisapi.UpdateMaxRecordSizeInput{StreamARN: new(arnOfS), MaxRecordSizeInKiB: new(int32(kib))}
		}
		f.refused(kinesisapi.UpdateMaxRecordSize, size(1023), codeRefused, "1 validation error detected: Value '1023' at 'maxRecordSizeInKiB' failed to satisfy constraint: Member must have value greater than or equal to 1024")
		f.refused(kinesisapi.UpdateMaxRecordSize, size(10241), codeRefused, "1 validation error detected: Value '10241' at ...")
		f.does(kinesisapi.UpdateMaxRecordSize, size(1025))
		if n := *f.summary("s").MaxRecordSizeInKiB; n != 1025 {
			t.Error(n)
		}
		f.put("s", "k", mega)
		f.put("s", "k", mega+mega[:1023])
		f.refused(kinesisapi.PutRecord, record("s", "k", mega+mega[:1024]), codeInvalid, "Record size of 1049601 bytes exceeds the limit of 1049600 bytes of stream s.")
		f.does(kinesisapi.UpdateMaxRecordSize, size(1024))
		f.refused(kinesisapi.PutRecord, record("s", "k", mega), codeInvalid, "Record size of ...")
		if n := len(f.get(f.iterator("s", "0", "TRIM_HORIZON")).Records); n != 3 {
			t.Errorf("%d records", n)
		}
	})
}

// records is a PutRecords of "key=data" pairs.
func records(stream string, pairs ...string) *kinesisapi.PutRecordsInput {
	in := &kinesisapi.PutRecordsInput{StreamName: &stream}
	for _, p := range pairs {
		key, data, _ := strings.Cut(p, "=")
		in.Records = append(in.Records, kinesisapi.PutRecordsRequestEntry{PartitionKey: &key, Data: []byte(data)})
	}
	return in
}

// TestPutRecordsKeepsTheirOrder: of a shard, and of the answers.
func TestPutRecordsKeepsTheirOrder(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		var pairs []string
		for i := range 120 {
			pairs = append(pairs, fmt.Sprintf("%c=%d", "abe"[i%3], i))
		}
		out := must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", pairs...))
		if *out.FailedRecordCount != 0 || len(out.Records) != 120 || out.EncryptionType != nil {
			t.Errorf("%d failed of %d", *out.FailedRecordCount, len(out.Records))
		}
		for shard := range 3 {
			got := f.get(f.iterator("s", fmt.Sprint(shard), "TRIM_HORIZON")).Records
			for i, r := range got {
				answer := out.Records[shard+3*i]
				if string(r.Data) != fmt.Sprint(shard+3*i) || *r.SequenceNumber != *answer.SequenceNumber || *answer.ShardId != shardID(shard) {
					t.Errorf("shard %d, record %d: %s", shard, i, r.Data)
				}
				if i > 0 && *got[i-1].SequenceNumber >= *r.SequenceNumber {
					t.Error("numbers do not grow")
				}
			}
			if len(got) != 40 {
				t.Errorf("shard %d has %d", shard, len(got))
			}
		}
	})
}

// TestPutRecordsIsRefusedAsAWhole for what is wrong with any of them.
func TestPutRecordsIsRefusedAsAWhole(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		mega := "k=" + strings.Repeat("x", 1<<20-1)
		outOfRange := records("s", "a=1", "b=2")
		outOfRange.Records[1].ExplicitHashKey = new("340282366920938463463374607431768211456")
		for _, c := range []struct {
			in         *kinesisapi.PutRecordsInput
			code, text string
		}{
			{records("s", "a=1", "=2"), codeRefused, "1 validation error detected: Value '' at 'records.2.member.partitionKey' failed to satisfy constraint: Member must have length greater than or equal to 1"},
			{outOfRange, codeInvalid, "Invalid ExplicitHashKey. ExplicitHashKey must be in the range: [0, 2^128-1]. Specified value was 340282366920938463463374607431768211456"},
			{records("s", "a=1", "a="+strings.Repeat("x", 1<<20)), codeInvalid, "Record size of 1048577 bytes ..."},
			{records("s", slices.Repeat([]string{mega}, 11)...), codeInvalid, "Records size exceeds 10 MB limit"},
			{records("s", slices.Repeat([]string{"a=1"}, 501)...), codeRefused, "1 validation error detected: Value '[com.amazonaws.kinesis.v20131202.PutRecordsRequestEntry@..."},
			{records("s"), codeRefused, "1 validation error detected: Value '[]' at 'records' failed to satisfy constraint: Member must have length greater than or equal to 1"},
			{records("none", "a=1"), codeMissing, "Stream none under account 000000000000 not found."},
		} {
			if len(c.in.Records) == 0 {
				c.in.Records = []kinesisapi.PutRecordsRequestEntry{}
			}
			f.refused(kinesisapi.PutRecords, c.in, c.code, c.text)
		}
		f.reads("[]", "s", "0", "TRIM_HORIZON")
		out := must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", slices.Repeat([]string{mega}, 10)...))
		if *out.FailedRecordCount != 0 {
			t.Errorf("of 10 MiB exactly %d failed", *out.FailedRecordCount)
		}
		tenViolations := records("s", slices.Repeat([]string{"=x"}, 11)...)
		_, err := try[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, tenViolations)
		f.isError(err, codeRefused, "10 validation errors detected: Value '' at 'records.1.member...")
	})
}

// TestThrottledShardFailsItsRecordsOnly, and in time takes records again.
func TestThrottledShardFailsItsRecordsOnly(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		for range 2 {
			out := must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", slices.Repeat([]string{"a=x"}, 500)...))
			if *out.FailedRecordCount != 0 {
				t.Fatalf("%d failed", *out.FailedRecordCount)
			}
		}
		const text = "Rate exceeded for shard shardId-000000000000 in stream s under account 000000000000."
		out := must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", "a=0", "b=1", "a=2", "e=3"))
		if *out.FailedRecordCount != 2 {
			t.Errorf("%d failed", *out.FailedRecordCount)
		}
		for i, failed := range []bool{true, false, true, false} {
			r := out.Records[i]
			if failed && (deref(r.ErrorCode) != codeThrottle || deref(r.ErrorMessage) != text || r.SequenceNumber != nil || r.ShardId != nil) ||
				!failed && (r.ErrorCode != nil || r.ErrorMessage != nil || r.SequenceNumber == nil || r.ShardId == nil) {
				t.Errorf("record %d: %+v", i, r)
			}
		}
		f.refused(kinesisapi.PutRecord, record("s", "a", ""), codeThrottle, text)
		f.wait(time.Second)
		f.put("s", "a", "")
		// Bytes count as well: a large one is taken, the next must wait for it.
		f.put("s", "e", "x")
		f.put("s", "e", strings.Repeat("x", 1<<20-1))
		f.refused(kinesisapi.PutRecord, record("s", "e", "x"), codeThrottle, "Rate exceeded for shard shardId-000000000002 ...")
		f.wait(1100 * time.Millisecond)
		f.put("s", "e", "x")
		it := f.iterator("s", "1", "LATEST")
		for range 5 {
			f.get(it)
		}
		f.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &it}, codeThrottle, "Rate exceeded for shard shardId-000000000001 in stream s under account 000000000000.")
		f.wait(200 * time.Millisecond)
		f.get(it)
		if x := f.Traffic()[0]; x.WritesRefused != 4 || x.ReadsRefused != 1 {
			t.Errorf("%+v", x)
		}
	}, throttled)
}

// TestNothingIsThrottledUnlessAsked.
func TestNothingIsThrottledUnlessAsked(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		for range 3 {
			out := must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", slices.Repeat([]string{"a=x"}, 500)...))
			if *out.FailedRecordCount != 0 {
				t.Errorf("%d failed", *out.FailedRecordCount)
			}
		}
		it := f.iterator("s", "0", "LATEST")
		for range 20 {
			f.get(it)
		}
	})
}

// TestDryRunDoesNothing but say that it would have worked, or why not.
func TestDryRunDoesNothing(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		consumer := f.register("c")
		const text = "The request would have succeeded, but the DryRun parameter was specified."
		yes := new(true)
		put := record("s", "k", "x", func(in *kinesisapi.PutRecordInput) { in.DryRun = yes })
		f.refused(kinesisapi.PutRecord, put, codeDryRun, text)
		many := records("s", "a=1", "b=2")
		many.DryRun = yes
		f.refused(kinesisapi.PutRecords, many, codeDryRun, text)
		it := from("s", "0", "LATEST", func(in *kinesisapi.GetShardIteratorInput) { in.DryRun = yes })
		f.refused(kinesisapi.GetShardIterator, it, codeDryRun, text)
		f.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: new(f.iterator("s", "0", "LATEST")), DryRun: yes}, codeDryRun, text)
		sub := subscribe(consumer, "0", "LATEST")
		sub.DryRun = yes
		f.refused(kinesisapi.SubscribeToShard, sub, codeDryRun, text)
		f.reads("[]", "s", "0", "TRIM_HORIZON")
		f.subscribe(subscribe(consumer, "0", "LATEST")).Close() // no subscription was made

		put.StreamName, many.Records[0].ExplicitHashKey, it.ShardId, sub.ShardId = new("none"), new("340282366920938463463374607431768211456"), new("7"), new("7")
		f.refused(kinesisapi.PutRecord, put, codeMissing, "Stream none under account 000000000000 not found.")
		f.refused(kinesisapi.PutRecords, many, codeInvalid, "Invalid ExplicitHashKey. ...")
		f.refused(kinesisapi.GetShardIterator, it, codeMissing, "Shard shardId-000000000007 in stream s under account 000000000000 does not exist")
		f.refused(kinesisapi.SubscribeToShard, sub, codeMissing, "Shard shardId-000000000007 in stream s under account 000000000000 does not exist")
	})
}

// TestAnotherServicePuts: SNS and its like, by ARN.
func TestAnotherServicePuts(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		if err := f.Put(context.Background(), arnOfS, "k", []byte("x")); err != nil {
			t.Error(err)
		}
		f.reads("[x]", "s", "0", "TRIM_HORIZON")
		for _, arn := range []string{"x", arnOfS + "2", arnOfS + "/consumer/c:1", "arn:aws:sqs:us-east-1:000000000000:s"} {
			if err := f.Put(context.Background(), arn, "k", nil); err == nil || !strings.Contains(err.Error(), "does not exist") {
				t.Errorf("%s: %v", arn, err)
			}
		}
		if err := f.Put(context.Background(), arnOfS, "k", make([]byte, 1<<20)); err == nil || !strings.Contains(err.Error(), "cannot take this message") {
			t.Error(err)
		}
	})
}

// TestTraffic is counted by stream, whatever becomes of its shards, and anew for another
// stream of the same name.
func TestTraffic(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.put("s", "key", "one")
		time.Sleep(2 * time.Second)
		f.split("s", "0", "1000")
		f.put("s", "key", "three", hashed("0"))
		f.reads("[one]", "s", "0", "TRIM_HORIZON")
		f.reads("[three]", "s", "1", "TRIM_HORIZON")
		f.refused(kinesisapi.PutRecord, record("none", "k", "x"), codeMissing, "...")
		want := Traffic{
			Region: region, Account: account, Stream: "s", OpenShards: 2,
			IncomingRecords: 2, IncomingBytes: 14, OutgoingRecords: 2, OutgoingBytes: 14,
		}
		if got := f.Traffic(); len(got) != 1 || got[0] != want {
			t.Errorf("%+v, want %+v", got, want)
		}
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")})
		f.create("s", 1)
		want = Traffic{Region: region, Account: account, Stream: "s", OpenShards: 1}
		if got := f.Traffic(); len(got) != 1 || got[0] != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	})
}
