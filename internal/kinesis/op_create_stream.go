package kinesis

import (
	"context"
	"maps"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/catalog"
	"github.com/spillway/spillway/internal/service"
)

// CreateStream makes a stream with so many shards, or, on demand, with four.
//
// AWS: API_CreateStream.
func init() {
	service.Register(&operations, kinesisapi.CreateStream, (*Service).accessCreateStream, (*Service).CreateStream)
}

func (s *Service) accessCreateStream(c *service.Call, in *kinesisapi.CreateStreamInput) (service.Access, error) {
	n := name{c.Region, c.Account(), deref(in.StreamName)}
	return service.Access{Action: "kinesis:CreateStream", Resource: n.arn(), OwnerOnly: true}, validate(in)
}

const (
	modeOnDemand  = "ON_DEMAND"
	defaultShards = 4
	defaultHours  = 24
	// createdBefore is how much earlier than the call the shards of a new stream are made,
	// in their sequence numbers: as on AWS, so that no record is older than its shard.
	createdBefore = 2 // s
)

// CreateStream implements the operation.
func (s *Service) CreateStream(ctx context.Context, c *service.Call, in *kinesisapi.CreateStreamInput) (*service.None, error) {
	n := name{c.Region, c.Account(), *in.StreamName}
	r, count, err := s.newStream(n, in, c.Now)
	if err != nil {
		return nil, err
	}
	return nil, engineError(s.catalog.Update(ctx, func(tx *catalog.Tx) error {
		s.sweep(tx, c.Now)
		old, ok, err := get[streamRecord](tx, kindStream, n.key())
		if err != nil {
			return err
		}
		if ok && !old.deleted(c.Now.UnixMilli()) {
			return kinesisapi.ResourceInUseException.Newf("Stream %s under account %s already exists.", n.stream, n.account)
		}
		return createStream(tx, n, *r, count)
	}))
}

// newStream checks what is asked for.
func (s *Service) newStream(n name, in *kinesisapi.CreateStreamInput, now time.Time) (r *streamRecord, shards int, err error) {
	r = &streamRecord{Created: now.UnixMilli(), Hours: defaultHours, Tags: maps.Clone(in.Tags)}
	if in.StreamModeDetails != nil {
		r.OnDemand = *in.StreamModeDetails.StreamMode == modeOnDemand
	}
	shards = defaultShards
	if in.ShardCount != nil {
		if r.OnDemand {
			return nil, 0, invalid("ShardCount cannot be specified for on-demand streams.")
		}
		shards = int(*in.ShardCount)
	}
	if s.openShards(n.region, n.account)+shards > s.config.ShardLimit {
		return nil, 0, s.shardLimit(n, shards)
	}
	if err := checkTags(n, nil, r.Tags); err != nil {
		return nil, 0, err
	}
	if in.MaxRecordSizeInKiB != nil {
		r.MaxRecordKiB = int(*in.MaxRecordSizeInKiB)
	}
	if in.WarmThroughputMiBps != nil {
		r.WarmMiBps = int(*in.WarmThroughputMiBps)
	}
	if deref(in.RecordDistributionStrategy) == distributionAuto {
		if !r.OnDemand {
			return nil, 0, invalid("RecordDistributionStrategy AUTO is supported for on-demand streams only.")
		}
		r.Spread = true
	}
	r.State, r.Until = s.transition(stateCreating, now)
	return r, shards, nil
}

// createStream makes the stream's record.
func createStream(tx *catalog.Tx, n name, r streamRecord, shards int) error {
	r.ID = tx.NextID()
	for i, g := range evenRanges(shards) {
		r.Shards = append(r.Shards, shardRecord{
			Index: i, ID: tx.NextID(), Start: g.start.String(), End: g.end.String(), Created: r.Created/1000 - createdBefore,
		})
	}
	r.Next = shards
	return put(tx, kindStream, n.key(), &r)
}

// Declare makes a stream unless it exists, in the configured account; for streams that
// the configuration file names.
func (s *Service) Declare(ctx context.Context, region string, in *kinesisapi.CreateStreamInput) error {
	if err := validate(in); err != nil {
		return err
	}
	n := name{region, s.config.Account, *in.StreamName}
	r, count, err := s.newStream(n, in, time.Now())
	if err != nil {
		return err
	}
	return s.catalog.Ensure(ctx, func(tx *catalog.Tx) error {
		if _, ok := tx.Get(kindStream, n.key()); ok {
			return nil
		}
		return createStream(tx, n, *r, count)
	})
}
