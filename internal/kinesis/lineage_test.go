package kinesis

import (
	"context"
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
	"github.com/spillway/spillway/internal/store"
)

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
