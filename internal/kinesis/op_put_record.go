package kinesis

import (
	"context"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
)

// PutRecord appends one record to the shard of its key. It is durable when it returns.
//
// AWS: API_PutRecord.
func init() {
	service.Register(&operations, kinesisapi.PutRecord,
		on("PutRecord", func(in *kinesisapi.PutRecordInput) (*string, *string) { return in.StreamName, in.StreamARN }),
		(*Service).PutRecord)
}

// PutRecord implements the operation.
func (s *Service) PutRecord(ctx context.Context, c *service.Call, in *kinesisapi.PutRecordInput) (*kinesisapi.PutRecordOutput, error) {
	x, err := s.writable(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	e, err := newEntry(x, in.PartitionKey, in.Data, in.ExplicitHashKey)
	if err != nil {
		return nil, err
	}
	if err := checkOrdering(x, in.SequenceNumberForOrdering, c.Now); err != nil {
		return nil, err
	}
	if isTrue(in.DryRun) {
		return nil, dryRun()
	}
	s.store(ctx, x, []*entry{&e})
	if e.failure != nil {
		return nil, e.failure
	}
	return &kinesisapi.PutRecordOutput{
		ShardId: new(e.shard.text), SequenceNumber: new(e.number.String()), EncryptionType: encryption(x.KeyID != ""),
	}, nil
}
