package kinesis

import (
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
)

const (
	distributionAuto = "AUTO"
	distributionUser = "USER_PARTITION_KEY"
	modeProvisioned  = "PROVISIONED"
)

func (r *streamRecord) mode() *kinesisapi.StreamModeDetails {
	if r.OnDemand {
		return &kinesisapi.StreamModeDetails{StreamMode: new(modeOnDemand)}
	}
	return &kinesisapi.StreamModeDetails{StreamMode: new(modeProvisioned)}
}

func (r *streamRecord) monitoring() []kinesisapi.EnhancedMetrics {
	metrics := r.Metrics
	if metrics == nil {
		metrics = []string{}
	}
	return []kinesisapi.EnhancedMetrics{{ShardLevelMetrics: metrics}}
}

// encryptionType and keyID are those of the stream, in descriptions.
func (r *streamRecord) encryptionType() *string {
	if r.KeyID != "" {
		return new("KMS")
	}
	return new("NONE")
}

func (r *streamRecord) keyID() *string {
	if r.KeyID == "" {
		return nil
	}
	return new(r.KeyID)
}

func (r *streamRecord) warm() *kinesisapi.WarmThroughputObject {
	if !r.OnDemand {
		return nil
	}
	return &kinesisapi.WarmThroughputObject{CurrentMiBps: new(int32(r.WarmMiBps)), TargetMiBps: new(int32(r.WarmMiBps))}
}

func (r *streamRecord) distribution() *string {
	switch {
	case !r.OnDemand:
		return nil
	case r.Spread:
		return new(distributionAuto)
	}
	return new(distributionUser)
}

// shown is a shard as the API shows it. Parents are named as long as they exist.
func (x *stream) shown(sh *shard, now int64) kinesisapi.Shard {
	out := kinesisapi.Shard{
		ShardId: new(shardID(sh.Index)), HashKeyRange: sh.keys(),
		SequenceNumberRange: &kinesisapi.SequenceNumberRange{StartingSequenceNumber: new(sh.first().String())},
	}
	if sh.Closed != 0 {
		out.SequenceNumberRange.EndingSequenceNumber = new(sh.last().String())
	}
	for i, index := range sh.Parents {
		switch parent := x.shardAt(index); {
		case parent == nil || x.expired(parent, now):
		case i == 0:
			out.ParentShardId = new(shardID(index))
		default:
			out.AdjacentParentShardId = new(shardID(index))
		}
	}
	return out
}

func instant(ms int64) *time.Time { return new(time.UnixMilli(ms).UTC()) }

// shardsAfter are the listed shards behind one, which need not exist; an id that is none
// is refused.
func (x *stream) shardsAfter(all []*shard, after *string) ([]*shard, error) {
	if after == nil {
		return all, nil
	}
	index, ok := parseShardID(*after)
	if !ok {
		return nil, x.noShard(*after)
	}
	for i, sh := range all {
		if sh.Index > index {
			return all[i:], nil
		}
	}
	return nil, nil
}
