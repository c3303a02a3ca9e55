package kinesis

import (
	"context"
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// ListShards returns the shards of a stream, or those that a filter wants, 1,000 at a
// time. Closed shards are there until their last record has expired.
//
// AWS: API_ListShards.
func init() {
	service.Register(&operations, kinesisapi.ListShards, (*Service).accessListShards, (*Service).ListShards)
}

func (s *Service) accessListShards(c *service.Call, in *kinesisapi.ListShardsInput) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	n, _, err := s.listedStream(c, in)
	if err != nil {
		return service.Access{}, err
	}
	a := service.Access{Action: "kinesis:ListShards", Resource: n.arn(), Owner: n.account}
	if x := s.lookup(n); x != nil {
		a.Policy = x.policy
	}
	return a, nil
}

const listedShards = 1000

// Types of shard filters.
const (
	filterAfterShard    = "AFTER_SHARD_ID"
	filterAtHorizon     = "AT_TRIM_HORIZON"
	filterFromHorizon   = "FROM_TRIM_HORIZON"
	filterAtLatest      = "AT_LATEST"
	filterAtTimestamp   = "AT_TIMESTAMP"
	filterFromTimestamp = "FROM_TIMESTAMP"
)

// shardToken is what the token of ListShards says: the stream, the filter, and where the
// list goes on.
type shardToken struct {
	name   name
	filter string
	at     int64 // unix ms
	after  int   // index
}

func (t shardToken) encode() string {
	return strings.Join([]string{t.name.key(), t.filter, strconv.FormatInt(t.at, 10), strconv.Itoa(t.after)}, "\n")
}

func parseShardToken(text string) (t shardToken, ok bool) {
	parts := strings.Split(text, "\n")
	if len(parts) != 4 {
		return t, false
	}
	n, ok := parseKey(parts[0])
	at, err := strconv.ParseInt(parts[2], 10, 64)
	after, err2 := strconv.Atoi(parts[3])
	return shardToken{n, parts[1], at, after}, ok && err == nil && err2 == nil
}

// listedStream is the stream that is asked for, and what the token says, if there is one.
func (s *Service) listedStream(c *service.Call, in *kinesisapi.ListShardsInput) (name, *shardToken, error) {
	named := in.StreamName != nil || in.StreamARN != nil
	switch {
	case in.NextToken == nil && !named:
		return name{}, nil, invalid("Either NextToken or StreamName should be provided.")
	case in.NextToken != nil && named:
		return name{}, nil, invalid("NextToken and StreamName cannot be provided together.")
	case in.NextToken == nil:
		n, err := streamName(c, in.StreamName, in.StreamARN)
		return n, nil, err
	}
	text, err := s.seal.openToken("shards", *in.NextToken, c.Now)
	if err != nil {
		return name{}, nil, err
	}
	t, ok := parseShardToken(text)
	if !ok {
		return name{}, nil, invalid("NextToken is invalid.")
	}
	return t.name, &t, nil
}

// ListShards implements the operation.
func (s *Service) ListShards(ctx context.Context, c *service.Call, in *kinesisapi.ListShardsInput) (*kinesisapi.ListShardsOutput, error) {
	n, token, err := s.listedStream(c, in)
	if err != nil {
		return nil, err
	}
	x, err := s.shown(ctx, n)
	if err != nil {
		return nil, err
	}
	now := c.Now.UnixMilli()
	if state := x.state(now); state != stateActive && state != stateUpdating {
		return nil, kinesisapi.ResourceInUseException.Newf("Stream %s under account %s not ACTIVE, instead in state %s", x.stream, x.account, state)
	}
	if token == nil {
		if token, err = firstShards(x, in); err != nil {
			return nil, err
		}
	}
	most := listedShards
	if in.MaxResults != nil {
		most = min(int(*in.MaxResults), listedShards)
	}
	out := &kinesisapi.ListShardsOutput{Shards: []kinesisapi.Shard{}}
	for _, sh := range x.listed(now) {
		if sh.Index <= token.after || !x.wanted(sh, token, now) {
			continue
		}
		if len(out.Shards) == most {
			out.NextToken = new(s.seal.token("shards", c.Now, token.encode()))
			break
		}
		out.Shards = append(out.Shards, x.shown(sh, now))
		token.after = sh.Index
	}
	return out, nil
}

// firstShards is a token for the beginning of what is asked for.
func firstShards(x *stream, in *kinesisapi.ListShardsInput) (*shardToken, error) {
	t := &shardToken{name: x.name, filter: filterFromHorizon, after: -1}
	after := in.ExclusiveStartShardId
	if f := in.ShardFilter; f != nil {
		t.filter = *f.Type
		switch t.filter {
		case filterAfterShard:
			if f.ShardId == nil {
				return nil, invalid("ShardId must be provided for ShardFilter type %s.", t.filter)
			}
			after = f.ShardId
		case filterAtTimestamp, filterFromTimestamp:
			if f.Timestamp == nil {
				return nil, invalid("Timestamp must be provided for ShardFilter type %s.", t.filter)
			}
			t.at = f.Timestamp.UnixMilli()
		}
	}
	if after != nil {
		index, ok := parseShardID(*after)
		if !ok {
			return nil, x.noShard(*after)
		}
		t.after = index
	}
	return t, nil
}

// wanted reports whether a filter wants a shard.
func (x *stream) wanted(sh *shard, t *shardToken, now int64) bool {
	horizon := max(x.Created, now-int64(x.Hours)*hour)
	began := x.began(sh)
	at := max(t.at, horizon)
	switch t.filter {
	case filterAtLatest:
		return sh.Closed == 0
	case filterAtHorizon:
		return began <= horizon && (sh.Closed == 0 || sh.Closed >= horizon)
	case filterAtTimestamp:
		return began <= at && (sh.Closed == 0 || sh.Closed >= at)
	case filterFromTimestamp:
		return sh.Closed == 0 || sh.Closed >= at
	}
	return true
}

// began is when a shard took over from its parents: the time in its sequence numbers is a
// little later.
func (x *stream) began(sh *shard) int64 {
	for _, index := range sh.Parents {
		if parent := x.shardAt(index); parent != nil {
			return parent.Closed // as that of the other one
		}
	}
	return 0
}
