package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// ListStreamConsumers returns the consumers of a stream in order of name, 100 at a time.
//
// AWS: API_ListStreamConsumers.
func init() {
	service.Register(&operations, kinesisapi.ListStreamConsumers,
		on("ListStreamConsumers", func(in *kinesisapi.ListStreamConsumersInput) (*string, *string) { return nil, in.StreamARN }), (*Service).ListStreamConsumers)
}

// listedConsumers is the most that one ListStreamConsumers shows.
const listedConsumers = 100

// ListStreamConsumers implements the operation.
func (s *Service) ListStreamConsumers(ctx context.Context, c *service.Call, in *kinesisapi.ListStreamConsumersInput) (*kinesisapi.ListStreamConsumersOutput, error) {
	n, err := streamName(c, nil, in.StreamARN)
	if err != nil {
		return nil, err
	}
	x, err := s.find(n)
	if err != nil {
		return nil, err
	}
	all, err := s.consumersOf(ctx, x)
	if err != nil {
		return nil, err
	}
	after, what := "", "consumers "+x.key()
	if in.NextToken != nil {
		if after, err = s.seal.openToken(what, *in.NextToken, c.Now); err != nil {
			return nil, err
		}
	}
	for len(all) > 0 && all[0].consumer <= after {
		all = all[1:]
	}
	most := listedConsumers
	if in.MaxResults != nil {
		most = min(int(*in.MaxResults), listedConsumers)
	}
	out := &kinesisapi.ListStreamConsumersOutput{Consumers: []kinesisapi.Consumer{}}
	for _, of := range all[:min(most, len(all))] {
		out.Consumers = append(out.Consumers, of.shown(c.Now.UnixMilli()))
	}
	if len(all) > most {
		out.NextToken = new(s.seal.token(what, c.Now, all[most-1].consumer))
	}
	return out, nil
}
