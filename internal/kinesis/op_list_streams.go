package kinesis

import (
	"context"
	"slices"
	"strings"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// ListStreams returns the caller'\”s streams of the region in order of name, 100 at a time.
//
// AWS: API_ListStreams.
func init() {
	service.Register(&operations, kinesisapi.ListStreams, inAccount[kinesisapi.ListStreamsInput]("ListStreams"), (*Service).ListStreams)
}

// ListStreams implements the operation.
func (s *Service) ListStreams(ctx context.Context, c *service.Call, in *kinesisapi.ListStreamsInput) (*kinesisapi.ListStreamsOutput, error) {
	if err := s.current(ctx); err != nil {
		return nil, err
	}
	after := deref(in.ExclusiveStartStreamName)
	if in.NextToken != nil {
		var err error
		if after, err = s.seal.openToken("streams", *in.NextToken, c.Now); err != nil {
			return nil, err
		}
	}
	most := listedStreams
	if in.Limit != nil {
		most = min(int(*in.Limit), listedStreams)
	}
	all := s.streamsOf(c.Region, c.Account(), after, c.Now.UnixMilli())
	out := &kinesisapi.ListStreamsOutput{HasMoreStreams: new(len(all) > most), StreamNames: []string{}, StreamSummaries: []kinesisapi.StreamSummary{}}
	for _, x := range all[:min(most, len(all))] {
		out.StreamNames = append(out.StreamNames, x.stream)
		out.StreamSummaries = append(out.StreamSummaries, kinesisapi.StreamSummary{
			StreamName: new(x.stream), StreamARN: new(x.ARN), StreamStatus: new(x.state(c.Now.UnixMilli())),
			StreamModeDetails: x.mode(), StreamCreationTimestamp: instant(x.Created),
		})
	}
	if len(all) > most {
		out.NextToken = new(s.seal.token("streams", c.Now, all[most-1].stream))
	}
	return out, nil
}

// listedStreams is the most that one ListStreams shows.
const listedStreams = 100

// streamsOf are the streams of an account in a region behind a name, in order.
func (s *Service) streamsOf(region, account, after string, now int64) (out []*stream) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for n, x := range s.streams {
		if n.region == region && n.account == account && n.stream > after && !x.deleted(now) {
			out = append(out, x)
		}
	}
	slices.SortFunc(out, func(a, b *stream) int { return strings.Compare(a.stream, b.stream) })
	return out
}
