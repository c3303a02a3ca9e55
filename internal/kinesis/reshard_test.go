package kinesis

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/smithy"
)

// TestSplitMakesTwoShards: the parent is closed, its records stay, the children follow.
func TestSplitMakesTwoShards(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		f.wait(10 * time.Second)
		last := *f.put("s", "k", "a").SequenceNumber
		f.split("s", "shard-0", "1000")
		all := f.shards("s")
		if len(all) != 3 {
			t.Fatalf("%d shards", len(all))
		}
		end := deref(all[0].SequenceNumberRange.EndingSequenceNumber)
		if end <= last {
			t.Errorf("the parent ends at %s, after %s", end, last)
		}
		for i, keys := range [][2]string{{"0", "999"}, {"1000", maxHash.String()}} {
			sh := all[i+1]
			if *sh.ShardId != shardID(i+1) || deref(sh.ParentShardId) != shardID(0) || sh.AdjacentParentShardId != nil ||
				*sh.HashKeyRange.StartingHashKey != keys[0] || *sh.HashKeyRange.EndingHashKey != keys[1] ||
				sh.SequenceNumberRange.EndingSequenceNumber != nil || *sh.SequenceNumberRange.StartingSequenceNumber <= end {
				t.Errorf("child %d: %+v %+v", i, sh, sh.SequenceNumberRange)
			}
		}
		f.reads("[a]", "s", "0", "TRIM_HORIZON")
		for hash, shard := range map[string]int{"0": 1, "999": 1, "1000": 2, "1001": 2} {
			out := f.put("s", "k", "b", hashed(hash))
			if *out.ShardId != shardID(shard) || *out.SequenceNumber <= end {
				t.Errorf("%s went to %s as %s", hash, *out.ShardId, *out.SequenceNumber)
			}
		}
		if n := *f.summary("s").OpenShardCount; n != 2 {
			t.Errorf("%d open", n)
		}
	})
}

func TestMergeMakesOneShard(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		f.merge("s", "1", "2")
		sh := f.shards("s")[3]
		if deref(sh.ParentShardId) != shardID(1) || deref(sh.AdjacentParentShardId) != shardID(2) ||
			*sh.HashKeyRange.StartingHashKey != "113427455640312821154458202477256070485" || *sh.HashKeyRange.EndingHashKey != maxHash.String() {
			t.Errorf("%+v", sh)
		}
	})
}

// TestSplitWithinTheRangeOnly: not at its end, nor at the two keys of its beginning.
func TestSplitWithinTheRangeOnly(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1)
		split := func(at string) *kinesisapi.SplitShardInput {
			return &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: new("x-0"), NewStartingHashKey: &at}
		}
		for _, at := range []string{"0", "1", maxHash.String(), "340282366920938463463374607431768211456", "999999999999999999999999999999999999999"} {
			f.refused(kinesisapi.SplitShard, split(at), codeInvalid, "NewStartingHashKey "+at+
				" used in SplitShard() on shard shardId-000000000000 in stream s under account 000000000000 is not both greater than one plus the shard's StartingHashKey 0 and less than the shard's EndingHashKey 340282366920938463463374607431768211455.")
		}
		f.refused(kinesisapi.SplitShard, split("01"), codeRefused, "1 validation error detected: Value '01' at 'newStartingHashKey' failed to satisfy constraint: Member must satisfy regular expression pattern: 0|([1-9]\\d{0,38})")
		f.does(kinesisapi.SplitShard, split("2"))
		f.split("s", "2", "340282366920938463463374607431768211454")
	})
}

// TestReshardingChecksInOrder: ids, stream, state, shard, limit, ranges.
func TestReshardingChecksInOrder(t *testing.T) {
	virtually(t, func(f *fixture) {
		split := func(stream, shard, at string) *kinesisapi.SplitShardInput {
			return &kinesisapi.SplitShardInput{StreamName: &stream, ShardToSplit: &shard, NewStartingHashKey: &at}
		}
		merge := func(stream, a, b string) *kinesisapi.MergeShardsInput {
			return &kinesisapi.MergeShardsInput{StreamName: &stream, ShardToMerge: &a, AdjacentShardToMerge: &b}
		}
		for _, id := range []string{"what", "2.14E4", "shardId-99999999999"} {
			text := "Could not find shard " + id + " in stream none under account 000000000000."
			f.refused(kinesisapi.SplitShard, split("none", id, "5"), codeMissing, text)
			f.refused(kinesisapi.MergeShards, merge("none", "0", id), codeMissing, text)
			f.refused(kinesisapi.MergeShards, merge("none", id, "0"), codeMissing, text)
		}
		const missing = "Stream none under account 000000000000 not found."
		f.refused(kinesisapi.SplitShard, split("none", "0", "5"), codeMissing, missing)
		f.refused(kinesisapi.MergeShards, merge("none", "0", "1"), codeMissing, missing)
		f.refused(kinesisapi.UpdateShardCount, count("none", 2), codeMissing, missing)
		f.create("s", 3)
		const creating = "Stream s under account 000000000000 not ACTIVE, instead in state CREATING"
		f.refused(kinesisapi.SplitShard, split("s", "7", "5"), codeInUse, creating)
		f.refused(kinesisapi.MergeShards, merge("s", "7", "8"), codeInUse, creating)
		f.refused(kinesisapi.UpdateShardCount, count("s", 2), codeInUse, creating)
		f.wait(time.Second)
		const unknown = "Could not find shard shardId-000000000007 in stream s under account 000000000000."
		f.refused(kinesisapi.SplitShard, split("s", "7", "5"), codeMissing, unknown)
		f.refused(kinesisapi.MergeShards, merge("s", "0", "x-7"), codeMissing, unknown)
		f.refused(kinesisapi.MergeShards, merge("s", "7", "0"), codeMissing, unknown)
		const apart = "Shards shardId-00000000000%d and shardId-00000000000%d in stream s under account 000000000000 are not an adjacent pair of shards eligible for merging"
		for _, pair := range [][2]int{{1, 0}, {0, 2}, {2, 0}, {1, 1}, {2, 2}} {
			f.refused(kinesisapi.MergeShards, merge("s", fmt.Sprint(pair[0]), fmt.Sprint(pair[1])), codeInvalid, fmt.Sprintf(apart, pair[0], pair[1]))
		}
		f.split("s", "0", "5")
		f.refused(kinesisapi.SplitShard, split("s", "1", "5"), codeInUse, "Stream s under account 000000000000 not ACTIVE, instead in state UPDATING")
		f.put("s", "k", "while it is updated")
		f.wait(time.Second)
		const gone = "Shard shardId-000000000000 in stream s under account 000000000000 has already been merged or split, and thus is not eligible for merging or splitting."
		f.refused(kinesisapi.SplitShard, split("s", "0", "5"), codeInvalid, gone)
		f.refused(kinesisapi.MergeShards, merge("s", "0", "1"), codeInvalid, gone)
		f.refused(kinesisapi.MergeShards, merge("s", "4", "0"), codeInvalid, gone)
		if got := ids(f.shards("s")); got != "0 1 2 3 4" {
			t.Error(got)
		}
	}, slowly)
}

func TestShardLimit(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		text := func(have, more int) string {
			return fmt.Sprintf("This request would exceed the shard limit for the account 000000000000 in us-east-1. Current shard count for the account: %d. Limit: 5. Number of additional shards that would have resulted from this request: %d. Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) for current limits and how to request higher limits.", have, more)
		}
		f.refused(kinesisapi.CreateStream, &kinesisapi.CreateStreamInput{StreamName: new("t"), ShardCount: new(int32(3))}, codeLimit, text(3, 3))
		f.refused(kinesisapi.UpdateShardCount, count("s", 6), codeLimit, text(3, 3))
		f.in("eu-west-1").create("t", 3) // a region has its own
		f.by(other).create("t", 3)       // and an account
		f.create("t", 2)
		f.refused(kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: new("0"), NewStartingHashKey: new("1")}, codeLimit, text(5, 1))
		f.merge("s", "0", "1")
		f.split("s", "2", f.middle("s", "2"))
		limits := must[kinesisapi.DescribeLimitsOutput](f, kinesisapi.DescribeLimits, &kinesisapi.DescribeLimitsInput{})
		if *limits.ShardLimit != 5 || *limits.OpenShardCount != 5 || *limits.OnDemandStreamCount != 0 || *limits.OnDemandStreamCountLimit != 50 {
			t.Errorf("%+v", limits)
		}
		f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("t")})
		f.resize("s", 5)
	}, func(c *Config) { c.ShardLimit = 5 })
}

// TestOnDemandStreamsScaleThemselves: nobody else reshards them.
func TestOnDemandStreamsScaleThemselves(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.onDemand("s")
		if n := len(f.shards("s")); n != 4 {
			t.Errorf("%d shards", n)
		}
		const text = "Request is invalid. Stream s under account 000000000000 is in On-Demand mode."
		f.refused(kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: new("0"), NewStartingHashKey: new("5")}, codeRefused, text)
		f.refused(kinesisapi.MergeShards, &kinesisapi.MergeShardsInput{StreamName: new("s"), ShardToMerge: new("0"), AdjacentShardToMerge: new("1")}, codeRefused, text)
		f.refused(kinesisapi.UpdateShardCount, count("s", 2), codeRefused, text)
	})
}

func TestUpdateShardCountWithinDoubleAndHalf(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 3)
		f.refused(kinesisapi.UpdateShardCount, count("s", 7), codeLimit, "UpdateShardCount cannot scale up over double your current open shard count. Current open shard count: 3, Target shard count: 7")
		f.refused(kinesisapi.UpdateShardCount, count("s", 1), codeLimit, "UpdateShardCount cannot scale down below half your current open shard count. Current open shard count: 3, Target shard count: 1")
		f.refused(kinesisapi.UpdateShardCount, count("s", 0), codeRefused, "1 validation error detected: Value '0' at 'targetShardCount' failed to satisfy constraint: Member must have value greater than or equal to 1")
		out := f.resize("s", 3)
		if *out.CurrentShardCount != 3 || *out.TargetShardCount != 3 || *out.StreamName != "s" || *out.StreamARN != arnOfS || len(f.shards("s")) != 3 {
			t.Errorf("%+v", out)
		}
		for _, n := range []int{6, 3, 2, 4, 7, 5, 3, 2, 1} {
			out := f.resize("s", n)
			if int(*out.TargetShardCount) != n {
				t.Errorf("%+v", out)
			}
			x := f.lookup(name{region, account, "s"})
			for i, want := range evenRanges(n) {
				if x.open[i].hashRange != want {
					t.Errorf("%d shards: shard %d has %v, want %v", n, i, x.open[i].hashRange, want)
				}
			}
			checkLineage(t, f.shards("s"))
			f.checkCoverage(t, "s", 0)
		}
	})
}

// TestStaleReshardingIsRefused: what a call looked at was replaced before it could begin.
func TestStaleReshardingIsRefused(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		x, ctx := f.lookup(name{region, account, "s"}), context.Background()
		f.split("s", "0", "1000")
		const gone = "Shard shardId-000000000000 in stream s under account 000000000000 has already been merged or split, and thus is not eligible for merging or splitting."
		f.isError(f.splitAt(ctx, x, x.shards[0], hash{0, 500}, time.Now()), codeInvalid, gone)
		f.isError(f.join(ctx, x, x.shards[0], x.shards[1], time.Now()), codeInvalid, gone)
		f.checkOpen("s")
	})
}

// TestSameShardIsReplacedOnce, however many want to at the same time.
func TestSameShardIsReplacedOnce(t *testing.T) {
	virtually(t, func(f *fixture) {
		for range 20 {
			f.create("s", 2)
			calls := []func() error{
				func() error {
					_, err := try[kinesisapi.SplitShardInput](f, kinesisapi.SplitShard, &kinesisapi.SplitShardInput{StreamName: new("s"), ShardToSplit: new("0"), NewStartingHashKey: new("1000")})
					return err
				},
				func() error {
					_, err := try[kinesisapi.MergeShardsInput](f, kinesisapi.MergeShards, &kinesisapi.MergeShardsInput{StreamName: new("s"), ShardToMerge: new("0"), AdjacentShardToMerge: new("1")})
					return err
				},
				func() error {
					_, err := try[kinesisapi.UpdateShardCountOutput](f, kinesisapi.UpdateShardCount, count("s", 3))
					return err
				},
			}
			done := make(chan error)
			for i := range 9 {
				go func() { done <- calls[i%3]() }()
			}
			for range 9 {
				var api *smithy.APIError
				if err := <-done; err != nil && !errors.As(err, &api) {
					t.Error(err)
				}
			}
			f.checkOpen("s")
			checkLineage(t, f.shards("s"))
			f.does(kinesisapi.DeleteStream, &kinesisapi.DeleteStreamInput{StreamName: new("s")})
		}
	})
}

// TestInterruptedReshardingIsCompleted by the next put, or by the next call that reads
// what there is: the record says what to do, whatever the engine has done of it.
func TestInterruptedReshardingIsCompleted(t *testing.T) {
	for what, complete := range map[string]func(f *fixture){
		"put":   func(f *fixture) { f.put("s", "k", "b") },
		"puts":  func(f *fixture) { must[kinesisapi.PutRecordsOutput](f, kinesisapi.PutRecords, records("s", "k=b")) },
		"start": func(f *fixture) { f.restart() },
		"split": func(f *fixture) { f.split("s", "1", f.middle("s", "1")) },
	} {
		for _, closed := range []bool{false, true} {
			t.Run(fmt.Sprint(what, closed), func(t *testing.T) {
				virtually(t, func(f *fixture) {
					f.create("s", 2)
					f.put("s", "k", "a")
					f.interrupt(closed)
					f.wait(10 * time.Second)
					complete(f)
					if got := f.status("s"); got != stateActive {
						t.Errorf("the stream is %s", got)
					}
					all := f.shards("s")
					if !strings.HasPrefix(ids(all), "0 1 2 3") || all[0].SequenceNumberRange.EndingSequenceNumber == nil {
						t.Errorf("shards %s", ids(all))
					}
					checkLineage(t, all)
					f.checkCoverage(t, "s", 10*time.Second)
					f.put("s", "k", "c")
				})
			})
		}
	}
}

// interrupt leaves a split of shard 0 of stream s half done: written down, and if closed
// done in the engine.
func (f *fixture) interrupt(closed bool) {
	f.Helper()
	x := f.lookup(name{region, account, "s"})
	at, _ := parseHash("1000")
	err := f.change(context.Background(), x, func(tx *catalog.Tx, r *streamRecord) error {
		p := newPlan(tx, r, time.Now())
		p.replace([]int{0}, hashRange{x.shards[0].start, at.previous()}, hashRange{at, x.shards[0].end})
		r.Reshard = &p.out
		return nil
	})
	if err == nil && closed {
		_, err = x.shards[0].handle.Close(context.Background())
	}
	if err != nil {
		f.Fatal(err)
	}
}
