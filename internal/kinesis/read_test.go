package kinesis

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

// TestIteratorsBeginWhereTheySay: all types, on records, before, between and behind them.
func TestIteratorsBeginWhereTheySay(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		first := f.shards("s")[0].SequenceNumberRange.StartingSequenceNumber
		// The shard's own beginning is a number that everybody uses, record or not.
		f.reads("[]", "s", "0", "AT_SEQUENCE_NUMBER", number(*first))
		f.reads("[]", "s", "0", "AFTER_SEQUENCE_NUMBER", number(*first))
		began := time.Now()
		f.wait(time.Second)
		a := *f.put("s", "k", "a").SequenceNumber
		f.wait(time.Second)
		b := *f.put("s", "k", "b").SequenceNumber
		f.wait(time.Second)
		if *first >= a || a >= b || len(a) != 56 {
			t.Errorf("%s, %s, %s do not grow", *first, a, b)
		}
		f.reads("[a b]", "s", "0", "TRIM_HORIZON")
		f.reads("[]", "s", "0", "LATEST")
		for n, want := range map[string][2]string{*first: {"[a b]", "[a b]"}, a: {"[a b]", "[b]"}, b: {"[b]", "[]"}} {
			f.reads(want[0], "s", "0", "AT_SEQUENCE_NUMBER", number(n))
			f.reads(want[1], "s", "0", "AFTER_SEQUENCE_NUMBER", number(n))
		}
		for after, want := range map[time.Duration]string{
			-48 * time.Hour: "[a b]", 0: "[a b]", time.Second: "[a b]", time.Second + time.Millisecond: "[b]", 2 * time.Second: "[b]", 2*time.Second + time.Millisecond: "[]",
		} {
			f.reads(want, "s", "0", "AT_TIMESTAMP", timestamp(began.Add(after)))
		}
		// No record is that late: the tip.
		it := f.iterator("s", "0", "AT_TIMESTAMP", timestamp(time.Now()))
		f.put("s", "k", "c")
		if got := data(f.get(it).Records); got != "[c]" {
			t.Error(got)
		}
	})
}

// TestLatestIsTheTipOfItsCall, not that of the call that reads.
func TestLatestIsTheTipOfItsCall(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.put("s", "k", "before")
		it := f.iterator("s", "0", "LATEST")
		f.put("s", "k", "after")
		if got := data(f.get(it).Records); got != "[after]" {
			t.Error(got)
		}
	})
}

func TestIteratorCanBeUsedAgain(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.put("s", "k", "a")
		it := f.iterator("s", "0", "TRIM_HORIZON")
		for range 2 {
			if got := data(f.get(it).Records); got != "[a]" {
				t.Error(got)
			}
		}
		if got := data(f.get(`"` + it + `"`).Records); got != "[a]" {
			t.Errorf("in quotes: %s", got)
		}
		seen := map[string]bool{it: true}
		for range 5 {
			next := *f.get(it).NextShardIterator
			if seen[next] {
				t.Error("the same iterator twice")
			}
			seen[next] = true
			it = next
		}
		if n := len(it); n < 200 || n > 512 {
			t.Errorf("an iterator of %d characters", n)
		}
		f.restart()
		if got := data(f.get(it).Records); got != "[]" {
			t.Errorf("after a restart: %s", got)
		}
	})
}

func TestIteratorThatWasChangedIsRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		it := f.iterator("s", "0", "TRIM_HORIZON")
		for i := range it {
			flipped := byte('A')
			if it[i] == flipped {
				flipped = 'B'
			}
			bad := it[:i] + string(flipped) + it[i+1:]
			if _, ok := f.seal.decode(bad); ok && i < len(it)-4 { // the padding has bits that say nothing
				t.Errorf("changed at %d, and taken", i)
			}
		}
		for _, bad := range []string{"x", `""`, `"x"`, "AAAAAAAAAAE=", strings.Repeat("A", 512), it[:len(it)-4], it + "AAAA"} {
			f.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &bad}, codeInvalid, "Invalid ShardIterator.")
		}
	})
}

func TestIteratorExpiresAfterFiveMinutes(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		it := f.iterator("s", "0", "TRIM_HORIZON")
		made := time.Now()
		f.wait(5 * time.Minute)
		f.get(it)
		f.wait(time.Second)
		const layout = "Mon Jan 02 15:04:05 UTC 2006"
		f.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &it}, "ExpiredIteratorException", fmt.Sprintf(
			"Iterator expired. The iterator was created at time %s while right now it is %s which is further in the future than the tolerated delay of 300000 milliseconds.",
			made.UTC().Format(layout), time.Now().UTC().Format(layout)))
	})
}

// TestWhatIteratorsAreRefused: facts-kinesis.md 5, every row.
func TestWhatIteratorsAreRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 6)
		f.wait(10 * time.Second)
		f.create("later", 6)
		all, later := f.shards("s"), f.shards("later")
		const rule = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified "
		n := func(i int) string { return *all[i].SequenceNumberRange.StartingSequenceNumber }
		future := time.Now().Add(time.Millisecond)
		for _, c := range []struct {
			in   *kinesisapi.GetShardIteratorInput
			text string
		}{
			{from("s", "0", "AT_SEQUENCE_NUMBER"), rule + "AT_SEQUENCE_NUMBER and no StartingSequenceNumber."},
			{from("s", "0", "AFTER_SEQUENCE_NUMBER"), rule + "AFTER_SEQUENCE_NUMBER and no StartingSequenceNumber."},
			{from("s", "0", "TRIM_HORIZON", number(n(0))), rule + "TRIM_HORIZON and also a StartingSequenceNumber."},
			{from("s", "0", "LATEST", number(n(0))), rule + "LATEST and also a StartingSequenceNumber."},
			{from("s", "0", "AT_SEQUENCE_NUMBER", number(n(5))), "Invalid StartingSequenceNumber. It encodes shardId-000000000005, while it was used in a call to a shard with shardId-000000000000"},
			{from("s", "5", "AFTER_SEQUENCE_NUMBER", number(n(0))), "Invalid StartingSequenceNumber. It encodes shardId-000000000000, while it was used in a call to a shard with shardId-000000000005"},
			{from("s", "x-0", "AT_SEQUENCE_NUMBER", number(*later[0].SequenceNumberRange.StartingSequenceNumber)), "StartingSequenceNumber " + *later[0].SequenceNumberRange.StartingSequenceNumber +
				" used in GetShardIterator on shard shardId-000000000000 in stream s under account 000000000000 is invalid because it did not come from this stream."},
			{from("s", "0", "AT_SEQUENCE_NUMBER", number("9"+n(0))), "StartingSequenceNumber 9" + n(0) + " used in GetShardIterator on shard shardId-000000000000 in stream s under account 000000000000 is invalid."},
			{from("s", "0", "AT_TIMESTAMP"), "Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter."},
			{from("s", "0", "AT_TIMESTAMP", timestamp(future)), fmt.Sprintf("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", future.UnixMilli(), future.UnixMilli()-1)},
		} {
			f.refused(kinesisapi.GetShardIterator, c.in, codeInvalid, c.text)
		}
		for in, text := range map[*kinesisapi.GetShardIteratorInput]string{
			from("s", "6", "LATEST"):                   "Shard shardId-000000000006 in stream s under account 000000000000 does not exist",
			from("none", "what-7", "LATEST"):           "Shard shardId-000000000007 in stream none under account 000000000000 does not exist",
			from("s", "2.14E4", "LATEST"):              "Could not find shard 2.14E4 in stream s under account 000000000000.",
			from("none", "shard-2147483648", "LATEST"): "Could not find shard shard-2147483648 in stream none under account 000000000000.",
		} {
			f.refused(kinesisapi.GetShardIterator, in, codeMissing, text)
		}
		f.refused(kinesisapi.GetShardIterator, from("s", "0", "FIRST"), codeRefused,
			"1 validation error detected: Value 'FIRST' at 'shardIteratorType' failed to satisfy constraint: Member must satisfy enum value set: [AFTER_SEQUENCE_NUMBER, LATEST, AT_TIMESTAMP, AT_SEQUENCE_NUMBER, TRIM_HORIZON]")
		for _, id := range []string{"0", "shard-0", "x-000000000000"} {
			f.iterator("s", id, "LATEST")
		}
	})
}

// TestGetRecordsStopsAtItsLimits: 10,000 records, 10 MiB, but always one.
func TestGetRecordsStopsAtItsLimits(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.does(kinesisapi.UpdateMaxRecordSize, &kinesisapi.UpdateMaxRecordSizeInput{StreamARN: new(arnOfS), MaxRecordSizeInKiB: new(int32(10240))})
		for i := range 21 {
			in := &kinesisapi.PutRecordsInput{StreamName: new("s")}
			for j := range 500 {
				in.Records = append(in.Records, kinesisapi.PutRecordsRequestEntry{PartitionKey: new("k"), Data: []byte(fmt.Sprint(i*500 + j))})
			}
			must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, in)
		}
		f.wait(time.Second)
		out := f.get(f.iterator("s", "0", "TRIM_HORIZON"))
		if n := len(out.Records); n != 10_000 || string(out.Records[n-1].Data) != "9999" || *out.MillisBehindLatest != 1000 {
			t.Errorf("%d records, %d ms behind", n, *out.MillisBehindLatest)
		}
		out = f.get(*out.NextShardIterator)
		if n := len(out.Records); n != 500 || string(out.Records[0].Data) != "10000" || *out.MillisBehindLatest != 0 {
			t.Errorf("%d records, %d ms behind", n, *out.MillisBehindLatest)
		}
		large := strings.Repeat("x", 4<<20)
		for range 3 {
			f.put("s", "k", large)
		}
		f.put("s", "k", strings.Repeat("y", 10<<20-1))
		it := *out.NextShardIterator
		for _, want := range []int{2, 1, 1, 0} {
			out := f.get(it)
			if len(out.Records) != want {
				t.Errorf("%d records, want %d", len(out.Records), want)
			}
			it = *out.NextShardIterator
		}
		it = f.iterator("s", "0", "TRIM_HORIZON")
		limited := func(n int) *kinesisapi.GetRecordsInput {
			return &kinesisapi.GetRecordsInput{ShardIterator: &it, Limit: new(int32(n))}
		}
		if got := data(must[kinesisapi.GetRecordsOutput](f, kinesisapi.GetRecords, limited(3)).Records); got != "[0 1 2]" {
			t.Error(got)
		}
		f.refused(kinesisapi.GetRecords, limited(10_001), codeRefused, "1 validation error detected: Value '10001' at 'limit' failed to satisfy constraint: Member must have value less than or equal to 10000")
		f.refused(kinesisapi.GetRecords, limited(0), codeRefused, "1 validation error detected: Value '0' at 'limit' failed to satisfy constraint: Member must have value greater than or equal to 1")
	})
}

func childrenOf(out *kinesisapi.GetRecordsOutput) string { return showChildren(out.ChildShards) }

func showChildren(children []kinesisapi.ChildShard) string {
	var b strings.Builder
	for _, c := range children {
		fmt.Fprintf(&b, "%s<%v %s-%s ", *c.ShardId, c.ParentShards, *c.HashKeyRange.StartingHashKey, *c.HashKeyRange.EndingHashKey)
	}
	return strings.ReplaceAll(b.String(), "shardId-00000000000", "")
}

// TestClosedShardEndsWithItsChildren: no iterator, and children with their parents, from
// wherever the reader began.
func TestClosedShardEndsWithItsChildren(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.put("s", "k", "a")
		latest := f.iterator("s", "0", "LATEST")
		f.split("s", "0", half)
		f.wait(3 * time.Second)
		const children = "1<[0] 0-170141183460469231731687303715884105727 2<[0] 170141183460469231731687303715884105728-340282366920938463463374607431768211455 "
		end := *f.shards("s")[0].SequenceNumberRange.EndingSequenceNumber
		for what, it := range map[string]string{
			"all": f.iterator("s", "0", "TRIM_HORIZON"), "latest before": latest, "latest after": f.iterator("s", "0", "LATEST"),
			"at the end": f.iterator("s", "0", "AT_SEQUENCE_NUMBER", number(end)), "after the end": f.iterator("s", "0", "AFTER_SEQUENCE_NUMBER", number(end)),
			"now": f.iterator("s", "0", "AT_TIMESTAMP", timestamp(time.Now())),
		} {
			out := f.get(it)
			if out.NextShardIterator != nil || childrenOf(out) != children || *out.MillisBehindLatest != 3000 {
				t.Errorf("%s: %v %s %d", what, out.NextShardIterator != nil, childrenOf(out), *out.MillisBehindLatest)
			}
			if want := what == "all"; len(out.Records) == 1 != want {
				t.Errorf("%s: %s", what, data(out.Records))
			}
		}
		f.put("s", "k", "b") // hash ...: in one of the two
		f.merge("s", "1", "2")
		for _, parent := range []string{"1", "2"} {
			out := f.get(f.iterator("s", parent, "LATEST"))
			if out.NextShardIterator != nil || childrenOf(out) != "3<[1 2] 0-340282366920938463463374607431768211455 " {
				t.Errorf("%s: %s", parent, childrenOf(out))
			}
		}
		if out := f.get(f.iterator("s", "3", "LATEST")); out.NextShardIterator == nil || out.ChildShards != nil {
			t.Error("an open shard ends")
		}
	})
}

// TestReadInPartsOfAClosedShard: while there is more, an iterator and no children.
func TestReadInPartsOfAClosedShard(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		for i := range 5 {
			f.put("s", "k", fmt.Sprint(i))
		}
		f.split("s", "0", half)
		it, got := f.iterator("s", "0", "TRIM_HORIZON"), ""
		for calls := 1; ; calls++ {
			out := must[kinesisapi.GetRecordsOutput](f, kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &it, Limit: new(int32(2))})
			got += data(out.Records)
			if (out.NextShardIterator == nil) != (len(out.ChildShards) == 2) {
				t.Errorf("call %d: %s", calls, childrenOf(out))
			}
			if out.NextShardIterator == nil {
				break
			}
			it = *out.NextShardIterator
		}
		if got != "[0 1][2 3][4]" {
			t.Error(got)
		}
	})
}

// TestIteratorOfAStreamThatIsGone, also if there is another one of its name.
func TestIteratorOfAStreamThatIsGone(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		var its []string
		for i := range 2 {
			its = append(its, f.iterator("s", fmt.Sprint(i), "TRIM_HORIZON"))
		}
		gone := func() {
			for i, it := range its {
				f.refused(kinesisapi.GetRecords, &kinesisapi.GetRecordsInput{ShardIterator: &it}, codeMissing, "Shard "+shardID(i)+" in stream s under account 000000000000 does not exist")
			}
		}
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")})
		gone()
		f.create("s", 1)
		gone()
	})
}

// TestRecordsReadBack: what was put, to the byte.
func TestRecordsReadBack(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.wait(123 * time.Millisecond)
		kpl := "\xf3\x89\x9a\xc2\x0a\x01a\x00\xff"
		f.put("s", "ключ", kpl)
		f.put("s", "empty", "")
		f.does(kinesisapi.StartStreamEncryption, &kinesisapi.StartStreamEncryptionInput{StreamName: new("s"), EncryptionType: new("KMS"), KeyId: new("alias/aws/kinesis")})
		if out := f.put("s", "k", "secret"); out.EncryptionType == nil || *out.EncryptionType != "KMS" {
			t.Error("the put does not say that it is encrypted")
		}
		records := f.get(f.iterator("s", "0", "TRIM_HORIZON")).Records
		r := records[0]
		if string(r.Data) != kpl || *r.PartitionKey != "ключ" || !r.ApproximateArrivalTimestamp.Equal(time.Now()) || r.EncryptionType != nil {
			t.Errorf("%+v", r)
		}
		if records[1].Data == nil || len(records[1].Data) != 0 {
			t.Errorf("empty data became %v", records[1].Data)
		}
		if records[2].EncryptionType == nil || *records[2].EncryptionType != "KMS" {
			t.Error("the record does not say that it was encrypted")
		}
	})
}
