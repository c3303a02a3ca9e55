package kinesis

import (
	"strings"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

// TestShardFilters over a split and a merge with pauses: 0 | 1 2 | 1 3 (2 merged with 1 later).
func TestShardFilters(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 2)
		created := time.Now()
		f.wait(10 * time.Second)
		f.split("s", "0", "1000") // 2 and 3
		splitAt := time.Now()
		f.wait(10 * time.Second)
		f.merge("s", "3", "1") // 4
		mergedAt := time.Now()
		f.wait(10 * time.Second)
		at := func(kind string, at time.Time) *kinesisapi.ShardFilter {
			return &kinesisapi.ShardFilter{Type: &kind, Timestamp: &at}
		}
		after := func(id string) *kinesisapi.ShardFilter {
			return &kinesisapi.ShardFilter{Type: new("AFTER_SHARD_ID"), ShardId: &id}
		}
		for _, c := range []struct {
			filter *kinesisapi.ShardFilter
			want   string
		}{
			{&kinesisapi.ShardFilter{Type: new("AT_LATEST")}, "2 4"},
			{&kinesisapi.ShardFilter{Type: new("AT_TRIM_HORIZON")}, "0 1"},
			{&kinesisapi.ShardFilter{Type: new("FROM_TRIM_HORIZON")}, "0 1 2 3 4"},
			{after("shardId-000000000001"), "2 3 4"}, {after("9"), ""},
			{at("AT_TIMESTAMP", created.Add(time.Second)), "0 1"}, {at("AT_TIMESTAMP", created.Add(-time.Hour)), "0 1"},
			{at("AT_TIMESTAMP", splitAt.Add(-time.Millisecond)), "0 1"}, {at("AT_TIMESTAMP", splitAt.Add(time.Millisecond)), "1 2 3"},
			{at("AT_TIMESTAMP", mergedAt.Add(-time.Millisecond)), "1 2 3"}, {at("AT_TIMESTAMP", mergedAt.Add(time.Millisecond)), "2 4"},
			{at("FROM_TIMESTAMP", created), "0 1 2 3 4"}, {at("FROM_TIMESTAMP", created.Add(-time.Hour)), "0 1 2 3 4"},
			{at("FROM_TIMESTAMP", splitAt.Add(time.Millisecond)), "1 2 3 4"}, {at("FROM_TIMESTAMP", mergedAt.Add(time.Millisecond)), "2 4"},
		} {
			if got := ids(f.shards("s", c.filter)); got != c.want {
				t.Errorf("%s %v: %s, want %s", show(c.filter), deref(c.filter.ShardId), got, c.want)
			}
		}
		f.checkCoverage(t, "s", 30*time.Second)
		list := func(filter *kinesisapi.ShardFilter) *kinesisapi.ListShardsInput {
			return &kinesisapi.ListShardsInput{StreamName: new("s"), ShardFilter: filter}
		}
		f.refused(kinesisapi.ListShards, list(&kinesisapi.ShardFilter{Type: new("AFTER_SHARD_ID")}), codeInvalid, "ShardId must be provided for ShardFilter type AFTER_SHARD_ID.")
		f.refused(kinesisapi.ListShards, list(&kinesisapi.ShardFilter{Type: new("AT_TIMESTAMP")}), codeInvalid, "Timestamp must be provided for ShardFilter type AT_TIMESTAMP.")
		f.refused(kinesisapi.ListShards, list(&kinesisapi.ShardFilter{Type: new("FROM_TIMESTAMP")}), codeInvalid, "Timestamp must be provided for ShardFilter type FROM_TIMESTAMP.")
		f.refused(kinesisapi.ListShards, list(&kinesisapi.ShardFilter{Type: new("X")}), codeRefused, "1 validation error detected: Value 'X' at 'shardFilter.type' ...")
	})
}

// TestListShardsPages: the token stands for the stream and the filter, for five minutes.
func TestListShardsPages(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 4)
		f.create("t", 1)
		f.split("s", "0", "1000")
		in := &kinesisapi.ListShardsInput{StreamName: new("s"), MaxResults: new(int32(2)), ShardFilter: &kinesisapi.ShardFilter{Type: new("AT_LATEST")}}
		var pages []string
		var token *string
		for {
			out := must[kinesisapi.ListShardsOutput](f, kinesisapi.ListShards, in)
			pages = append(pages, ids(out.Shards))
			if out.NextToken == nil {
				break
			}
			token = out.NextToken
			in = &kinesisapi.ListShardsInput{NextToken: token, MaxResults: new(int32(2))}
		}
		if got := strings.Join(pages, "|"); got != "1 2|3 4|5" {
			t.Error(got)
		}
		got := must[kinesisapi.ListShardsOutput](f, kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("s"), ExclusiveStartShardId: new("x-3")})
		if ids(got.Shards) != "4 5" || got.NextToken != nil {
			t.Error(ids(got.Shards))
		}
		const together = "NextToken and StreamName cannot be provided together."
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{}, codeInvalid, "Either NextToken or StreamName should be provided.")
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: token, StreamName: new("s")}, codeInvalid, together)
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: token, StreamARN: new(arnOfS)}, codeInvalid, together)
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: new("x")}, codeInvalid, "NextToken is invalid.")
		streams := must[kinesisapi.ListStreamsOutput](f, kinesisapi.ListStreams, &kinesisapi.ListStreamsInput{Limit: new(int32(1))})
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: streams.NextToken}, codeInvalid, "NextToken is invalid.")
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("none")}, codeMissing, "Stream none under account 000000000000 not found.")
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("s"), MaxResults: new(int32(0))}, codeRefused, "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1")
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("s"), ExclusiveStartShardId: new("x")}, codeMissing, "Could not find shard x in stream s under account 000000000000.")
		f.wait(5 * time.Minute)
		must[kinesisapi.ListShardsOutput](f, kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: token})
		f.wait(time.Second)
		f.refused(kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: token}, "ExpiredNextTokenException", "The specified NextToken has expired.")
	})
}

// TestListShardsShowsAThousand at most.
func TestListShardsShowsAThousand(t *testing.T) {
	virtually(t, func(f *fixture) {
		f.create("s", 1001)
		out := must[kinesisapi.ListShardsOutput](f, kinesisapi.ListShards, &kinesisapi.ListShardsInput{StreamName: new("s"), MaxResults: new(int32(10_000))})
		if len(out.Shards) != 1000 || out.NextToken == nil {
			t.Fatalf("%d shards", len(out.Shards))
		}
		out = must[kinesisapi.ListShardsOutput](f, kinesisapi.ListShards, &kinesisapi.ListShardsInput{NextToken: out.NextToken})
		if len(out.Shards) != 1 || *out.Shards[0].ShardId != shardID(1000) {
			t.Errorf("%d shards", len(out.Shards))
		}
	})
}
