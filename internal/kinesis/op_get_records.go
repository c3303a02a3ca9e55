package kinesis

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
	engine "github.com/spillway/spillway/internal/stream"
)

// GetRecords reads records from an iterator on: up to 10,000 and 10 MiB, but always one if
// there is any. At the end of a closed shard it names the children, and there is no
// iterator to go on with.
//
// AWS: API_GetRecords.
func init() {
	service.Register(&operations, kinesisapi.GetRecords, (*Service).accessGetRecords, (*Service).GetRecords)
}

func (s *Service) accessGetRecords(c *service.Call, in *kinesisapi.GetRecordsInput) (service.Access, error) {
	if err := validate(in); err != nil {
		return service.Access{}, err
	}
	it, ok := s.seal.decode(*in.ShardIterator)
	if !ok {
		return service.Access{}, invalid("Invalid ShardIterator.")
	}
	a := service.Access{Action: "kinesis:GetRecords", Resource: it.name.arn(), Owner: it.name.account}
	if x := s.lookup(it.name); x != nil {
		a.Policy = x.policy
	}
	return a, nil
}

const (
	defaultRecords = 10_000
	maxGet         = 10 << 20 // bytes
)

// GetRecords implements the operation.
func (s *Service) GetRecords(ctx context.Context, c *service.Call, in *kinesisapi.GetRecordsInput) (*kinesisapi.GetRecordsOutput, error) {
	it, err := s.seal.check(*in.ShardIterator, c.Now)
	if err != nil {
		return nil, err
	}
	x, sh, err := s.iterated(it, c.Now)
	if err != nil {
		return nil, err
	}
	if isTrue(in.DryRun) {
		return nil, dryRun()
	}
	if s.config.Throttle && !s.rates.read(sh.ID, c.Now) {
		x.traffic.readsRefused.Add(1)
		return nil, rateExceeded(x, sh)
	}
	most := defaultRecords
	if in.Limit != nil {
		most = int(*in.Limit)
	}
	page, err := sh.handle.Read(ctx, it.next, most, maxGet, nil)
	if err != nil {
		return nil, engineError(err)
	}
	out := &kinesisapi.GetRecordsOutput{Records: shown(sh, page.Records)}
	out.MillisBehindLatest = new(behind(sh, &page, c.Now))
	x.traffic.read(page.Records)
	x.traffic.age.Store(*out.MillisBehindLatest)
	if s.ended(x, sh, &page) {
		out.ChildShards = x.children(sh)
		return out, nil
	}
	it.next, it.made = page.Next, c.Now.UnixMilli()
	out.NextShardIterator = new(s.seal.encode(it))
	return out, nil
}

// iterated finds the shard of an iterator.
func (s *Service) iterated(it iterator, now time.Time) (*stream, *shard, error) {
	missing := func() error { return it.name.noShardToRead(shardID(it.shard)) }
	x, err := s.find(it.name)
	switch {
	case err != nil && err.Error() == it.name.missing().Error():
		return nil, nil, missing()
	case err != nil:
		return nil, nil, err
	case x.ID != it.stream:
		return nil, nil, missing()
	}
	x, sh, err := s.shardOf(x, it.shard)
	if err != nil {
		return nil, nil, err
	}
	if sh == nil || x.expired(sh, now.UnixMilli()) {
		return nil, nil, missing()
	}
	return x, sh, nil
}

// shardOf finds a shard of a stream, or nil: one that is not known here may be one that
// another node made a moment ago.
func (s *Service) shardOf(x *stream, index int) (*stream, *shard, error) {
	if sh := x.shardAt(index); sh != nil || index < x.Next {
		return x, sh, nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), findLimit)
	defer cancel()
	x, err := s.shown(ctx, x.name)
	if err != nil {
		return nil, nil, err
	}
	return x, x.shardAt(index), nil
}

// shown are records as the API shows them.
func shown(sh *shard, records []engine.Record) []kinesisapi.Record {
	out := make([]kinesisapi.Record, len(records))
	times := make([]time.Time, len(records))
	for i := range records {
		r := &records[i]
		times[i] = time.UnixMilli(r.Time).UTC()
		data := r.Data
		if data == nil {
			data = []byte{}
		}
		out[i] = kinesisapi.Record{
			Data: data, PartitionKey: &r.Key, SequenceNumber: new(sh.number(r.Seq, r.Time).String()),
			ApproximateArrivalTimestamp: &times[i], EncryptionType: encryption(len(r.Header) > 0),
		}
	}
	return out
}

// behind is how far a reader is from the newest record, in ms.
func behind(sh *shard, page *engine.Page, now time.Time) int64 {
	switch n := len(page.Records); {
	case page.Tip() && sh.Closed != 0:
		return max(0, now.UnixMilli()-sh.Closed)
	case page.Tip():
		return 0
	case n > 0:
		return max(0, now.UnixMilli()-page.Records[n-1].Time)
	}
	return max(0, now.UnixMilli()-page.Bounds.Newest)
}

// ended reports whether a reader has all that the shard will ever have, and its children
// are there to go on with.
func (s *Service) ended(x *stream, sh *shard, page *engine.Page) bool {
	return sh.Closed != 0 && page.Tip()
}

// children are the shards that replaced a closed one.
func (x *stream) children(of *shard) []kinesisapi.ChildShard {
	out := []kinesisapi.ChildShard{}
	for _, sh := range x.shards {
		for _, parent := range sh.Parents {
			if parent != of.Index {
				continue
			}
			child := kinesisapi.ChildShard{ShardId: new(shardID(sh.Index)), HashKeyRange: sh.keys()}
			for _, p := range sh.Parents {
				child.ParentShards = append(child.ParentShards, shardID(p))
			}
			out = append(out, child)
			break
		}
	}
	return out
}

func (sh *shard) keys() *kinesisapi.HashKeyRange {
	return &kinesisapi.HashKeyRange{StartingHashKey: new(sh.Start), EndingHashKey: new(sh.End)}
}
