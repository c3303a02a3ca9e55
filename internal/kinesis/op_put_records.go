package kinesis

import (
	"context"
	"errors"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/service"
	"github.com/spillway/spillway/internal/smithy"
)

// PutRecords appends up to 500 records to the shards of their keys. Those that are stored
// are durable when it returns; those that are not say so, one by one.
//
// Limits: 10 MiB in all, keys included.
//
// AWS: API_PutRecords.
func init() {
	service.Register(&operations, kinesisapi.PutRecords,
		on("PutRecords", func(in *kinesisapi.PutRecordsInput) (*string, *string) { return in.StreamName, in.StreamARN }),
		(*Service).PutRecords)
}

// maxPut: PutRecords API reference, bytes.
const maxPut = 10 << 20

// PutRecords implements the operation.
func (s *Service) PutRecords(ctx context.Context, c *service.Call, in *kinesisapi.PutRecordsInput) (*kinesisapi.PutRecordsOutput, error) {
	x, err := s.writable(c, in.StreamName, in.StreamARN)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(in.Records))
	pointers := make([]*entry, len(in.Records))
	size := 0
	for i := range in.Records {
		r := &in.Records[i]
		if entries[i], err = newEntry(x, r.PartitionKey, r.Data, r.ExplicitHashKey); err != nil {
			return nil, err
		}
		size += len(r.Data) + len(*r.PartitionKey)
		pointers[i] = &entries[i]
	}
	if size > maxPut {
		return nil, invalid("Records size exceeds 10 MB limit")
	}
	if isTrue(in.DryRun) {
		return nil, dryRun()
	}
	s.store(ctx, x, pointers)
	out := &kinesisapi.PutRecordsOutput{
		Records: make([]kinesisapi.PutRecordsResultEntry, len(entries)), EncryptionType: encryption(x.KeyID != ""),
	}
	var failed int32
	for i := range entries {
		e, result := &entries[i], &out.Records[i]
		if e.failure == nil {
			result.ShardId, result.SequenceNumber = new(e.shard.text), new(e.number.String())
			continue
		}
		failed++
		result.ErrorCode, result.ErrorMessage = new("InternalFailure"), new("Internal Service Failure")
		var api *smithy.APIError
		if errors.As(e.failure, &api) && api.ErrorType == kinesisapi.ProvisionedThroughputExceededException {
			result.ErrorCode, result.ErrorMessage = new(api.Shape), new(api.Message)
		}
	}
	out.FailedRecordCount = new(failed)
	return out, nil
}
