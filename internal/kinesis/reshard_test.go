package kinesis

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/smithy"
	"github.com/spillway/spillway/internal/store"
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

// checker is what both kinds of test report to.
type checker interface {
	Errorf(format string, args ...any)
}

// checkLineage: children are numbered after their parents end, parents are closed and
// touch their children, and every shard but the first ones has parents that are listed or
// were before.
func checkLineage(t checker, all []kinesisapi.Shard) {
	by := map[string]kinesisapi.Shard{}
	for _, sh := range all {
		by[*sh.ShardId] = sh
	}
	for _, sh := range all {
		for _, id := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if id == nil {
				continue
			}
			parent, ok := by[*id]
			if !ok {
				t.Errorf("%s has the parent %s, which is not there", *sh.ShardId, *id)
				continue
			}
			end := deref(parent.SequenceNumberRange.EndingSequenceNumber)
			if end == "" || end >= *sh.SequenceNumberRange.StartingSequenceNumber {
				t.Errorf("%s ends at %q, its child %s begins at %s", *id, end, *sh.ShardId, *sh.SequenceNumberRange.StartingSequenceNumber)
			}
			closed, _, _ := parseSequence(end)
			made, _, _ := parseSequence(*sh.SequenceNumberRange.StartingSequenceNumber)
			if made.created <= closed.time {
				t.Errorf("%s ends at %d, its child %s is made at %d", *id, closed.time, *sh.ShardId, made.created)
			}
			if end <= *parent.SequenceNumberRange.StartingSequenceNumber {
				t.Errorf("%s ends before it begins", *id)
			}
			a, b := rangeOf(parent), rangeOf(sh)
			if a.start.compare(b.end) > 0 || b.start.compare(a.end) > 0 {
				t.Errorf("%s and its child %s have no key in common", *id, *sh.ShardId)
			}
		}
	}
}

func rangeOf(sh kinesisapi.Shard) (r hashRange) {
	r.start, _ = parseHash(*sh.HashKeyRange.StartingHashKey)
	r.end, _ = parseHash(*sh.HashKeyRange.EndingHashKey)
	return r
}

// hole is the first key that no shard has, "" for none.
func hole(shards []kinesisapi.Shard) string {
	var ranges []hashRange
	for _, sh := range shards {
		ranges = append(ranges, rangeOf(sh))
	}
	slices.SortFunc(ranges, func(a, b hashRange) int { return a.start.compare(b.start) })
	next := new(big.Int)
	for _, r := range ranges {
		if r.start.big().Cmp(next) > 0 {
			break
		}
		if end := r.end.big(); end.Cmp(next) >= 0 {
			next = end.Add(end, big.NewInt(1))
		}
	}
	if next.BitLen() > 128 {
		return ""
	}
	return next.String()
}

// checkCoverage: what consumers begin with covers all keys, at any time up to now.
func (f *fixture) checkCoverage(t checker, stream string, back time.Duration) {
	f.Helper()
	now := time.Now()
	filters := []*kinesisapi.ShardFilter{nil, {Type: new(filterAtLatest)}, {Type: new(filterAtHorizon)}, {Type: new(filterFromHorizon)}}
	for _, d := range []time.Duration{0, time.Millisecond, 500 * time.Millisecond, time.Second, 1001 * time.Millisecond, back, back / 2, back / 3, back + time.Hour, 1000 * time.Hour} {
		filters = append(filters, &kinesisapi.ShardFilter{Type: new(filterAtTimestamp), Timestamp: new(now.Add(-d))}, &kinesisapi.ShardFilter{Type: new(filterFromTimestamp), Timestamp: new(now.Add(-d))})
	}
	for _, filter := range filters {
		shards := f.shards(stream, filter)
		if at := hole(shards); at != "" {
			t.Errorf("filter %s: no shard of %s has key %s", show(filter), ids(shards), at)
		}
	}
}

func show(filter *kinesisapi.ShardFilter) string {
	if filter == nil {
		return "none"
	}
	text := *filter.Type
	if filter.Timestamp != nil {
		text += fmt.Sprintf(" %v ago", time.Since(*filter.Timestamp))
	}
	return text
}

// checkOpen: the open shards cover each key once.
func (f *fixture) checkOpen(stream string) {
	f.Helper()
	next := hash{}
	for i, sh := range f.lookup(name{region, account, stream}).open {
		if i > 0 && sh.start == (hash{}) || sh.start != next {
			f.Errorf("%s begins at %s, want %s", shardID(sh.Index), sh.start, next)
		}
		next = sh.end.next()
	}
	if next != (hash{}) {
		f.Errorf("nobody has %s", next)
	}
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

// step is a resharding of stream s, and how long it stays so.
type step struct {
	what         string
	shard, count int
	pause        time.Duration
}

// collected are errors of a bubble, which rapid must not hear of in there.
type collected []string

func (c *collected) Errorf(format string, args ...any) { *c = append(*c, fmt.Sprintf(format, args...)) }

// TestAllKeysAreCoveredAtAnyTime, whatever is resharded, and when.
func TestAllKeysAreCoveredAtAnyTime(t *testing.T) {
	t.Parallel()
	steps := rapid.SliceOfN(rapid.Custom(func(r *rapid.T) step {
		return step{
			rapid.SampledFrom([]string{"split", "merge", "resize"}).Draw(r, "what"), rapid.IntRange(0, 100).Draw(r, "shard"), rapid.IntRange(0, 100).Draw(r, "count"),
			time.Duration(rapid.SampledFrom([]int64{0, 0, 1, 300, 1000, 1500, 5000, hour / 2, hour + 1}).Draw(r, "pause")) * time.Millisecond,
		}
	}), 1, 12)
	rapid.Check(t, func(r *rapid.T) {
		shards, todo := rapid.IntRange(1, 4).Draw(r, "shards"), steps.Draw(r, "steps")
		var found collected
		synctest.Test(t, func(t *testing.T) {
			f := fresh(t)
			defer f.shut()
			f.create("s", shards)
			f.keepHours("s", 1)
			began := time.Now()
			for _, s := range todo {
				f.does1(s)
				f.checkCoverage(&found, "s", time.Since(began))
				f.wait(s.pause)
				f.checkCoverage(&found, "s", time.Since(began))
				checkLineage(&found, f.shards("s"))
				x := f.lookup(name{region, account, "s"})
				if got := f.shards("s", &kinesisapi.ShardFilter{Type: new(filterAtLatest)}); len(got) != len(x.open) {
					found.Errorf("%d open, %d at latest", len(x.open), len(got))
				}
			}
		})
		if len(found) > 0 {
			r.Fatal(strings.Join(found, "\n"))
		}
	})
}

// keepHours has a stream keep records for less than can be asked for: every hour of
// virtual time costs some.
func (f *fixture) keepHours(stream string, hours int) {
	f.Helper()
	err := f.change(context.Background(), f.lookup(name{region, account, stream}), func(_ *catalog.Tx, r *streamRecord) error {
		r.Hours = hours
		return nil
	})
	if err != nil {
		f.Fatal(err)
	}
}

// fresh is a fixture in a bubble that is there already.
func fresh(t *testing.T) *fixture {
	t.Helper()
	st, err := store.Open(store.Options{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	f := &fixture{T: t, store: st, call: rootCall(), config: Config{Account: account, ShardLimit: 20_000}}
	f.start()
	return f
}

func (f *fixture) shut() {
	f.Helper()
	f.close()
	if err := f.store.Close(); err != nil {
		f.Error(err)
	}
}

// does1 does one step.
func (f *fixture) does1(s step) {
	f.Helper()
	open := f.lookup(name{region, account, "s"}).open
	i, n := s.shard%len(open), len(open)
	switch least, most := (n+1)/2, min(2*n, 9); {
	case s.what == "resize" && most >= least:
		f.resize("s", least+s.count%(most-least+1))
	case s.what == "merge" && i > 0:
		f.merge("s", shardID(open[i-1].Index), shardID(open[i].Index))
	default:
		f.split("s", shardID(open[i].Index), f.middle("s", shardID(open[i].Index)))
	}
}

// TestPutsRaceReshards: nothing is lost, and each writer's records stay in order over a
// parent and then its children, whose numbers are larger.
func TestPutsRaceReshards(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		const writers, each = 4, 60
		done := make(chan error, writers)
		for w := range writers {
			go func() { done <- f.write(w, each) }()
		}
		for i := range 12 {
			time.Sleep(4 * time.Millisecond)
			open := f.lookup(name{region, account, "s"}).open
			if i%3 == 2 {
				f.merge("s", shardID(open[0].Index), shardID(open[1].Index))
				continue
			}
			id := shardID(open[i%len(open)].Index)
			f.split("s", id, f.middle("s", id))
		}
		for range writers {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		f.checkAll("s", writers, each)
		checkLineage(t, f.shards("s"))
		f.restart()
		f.checkAll("s", writers, each)
	})
}

// write puts the records of a writer one after the other into stream s, and wants their
// numbers to grow.
func (f *fixture) write(writer, records int) error {
	last := ""
	for i := range records {
		time.Sleep(time.Millisecond)
		out, err := try[kinesisapi.PutRecordOutput](f, kinesisapi.PutRecord, record("s", fmt.Sprint("w", writer), fmt.Sprintf("%d:%d", writer, i)))
		if err != nil {
			return fmt.Errorf("writer %d, record %d: %w", writer, i, err)
		}
		if *out.SequenceNumber <= last {
			return fmt.Errorf("writer %d, record %d: %s after %s", writer, i, *out.SequenceNumber, last)
		}
		last = *out.SequenceNumber
	}
	return nil
}

// checkAll reads a stream as consumers do, parents before children, and wants the
// records of all writers, each in order.
func (f *fixture) checkAll(stream string, writers, each int) {
	f.Helper()
	next, last := make([]int, writers), make([]string, writers)
	for _, sh := range f.shards(stream) { // parents come before their children
		for it := new(f.iterator(stream, *sh.ShardId, "TRIM_HORIZON")); it != nil; {
			out := f.get(*it)
			for _, r := range out.Records {
				var w, i int
				if _, err := fmt.Sscanf(string(r.Data), "%d:%d", &w, &i); err != nil {
					f.Fatal(err)
				}
				if i != next[w] || *r.SequenceNumber <= last[w] {
					f.Errorf("writer %d: record %d after %d", w, i, next[w]-1)
				}
				next[w], last[w] = i+1, *r.SequenceNumber
			}
			if it = out.NextShardIterator; *out.MillisBehindLatest == 0 {
				break
			}
		}
	}
	for w, n := range next {
		if n != each {
			f.Errorf("writer %d: %d records of %d", w, n, each)
		}
	}
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
