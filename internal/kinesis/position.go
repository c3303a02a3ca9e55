package kinesis

import (
	"context"
	"time"

	"github.com/spillway/spillway/internal/service"
)

// Types of places to begin at.
const (
	atSequence    = "AT_SEQUENCE_NUMBER"
	afterSequence = "AFTER_SEQUENCE_NUMBER"
	trimHorizon   = "TRIM_HORIZON"
	latest        = "LATEST"
	atTimestamp   = "AT_TIMESTAMP"
)

// place is where a reader wants to begin.
type place struct {
	kind   string
	number *string
	at     *time.Time
}

// position finds the sequence in the engine of the first record to read.
func (s *Service) position(ctx context.Context, c *service.Call, x *stream, sh *shard, p place) (uint64, error) {
	switch p.kind {
	case atSequence, afterSequence:
		q, err := x.readNumber(sh, *p.number)
		if err != nil {
			return 0, err
		}
		if p.kind == afterSequence && q.index < lastIndex {
			return q.index + 1, nil
		}
		return q.index, nil
	case trimHorizon:
		return 0, nil
	case latest:
		b, err := sh.handle.Bounds(ctx)
		return b.Next, engineError(err)
	}
	seq, err := sh.handle.Seek(ctx, p.at.UnixMilli())
	return seq, engineError(err)
}

// checkPlace checks that what the type needs is there, and nothing else.
func checkPlace(p place, now time.Time) error {
	const rule = "Must either specify (1) AT_SEQUENCE_NUMBER or AFTER_SEQUENCE_NUMBER and StartingSequenceNumber or (2) TRIM_HORIZON or LATEST and no StartingSequenceNumber. Request specified %s and %s StartingSequenceNumber."
	switch p.kind {
	case atSequence, afterSequence:
		if p.number == nil {
			return invalid(rule, p.kind, "no")
		}
	case trimHorizon, latest:
		if p.number != nil {
			return invalid(rule, p.kind, "also a")
		}
	case atTimestamp:
		if p.at == nil {
			return invalid("Must specify timestampInMillis parameter for iterator of type AT_TIMESTAMP. Current request has no timestamp parameter.")
		}
		if p.at.After(now) {
			return invalid("The timestampInMillis parameter cannot be greater than the currentTimestampInMillis. timestampInMillis: %d, currentTimestampInMillis: %d", p.at.UnixMilli(), now.UnixMilli())
		}
	}
	return nil
}

// readNumber reads the sequence number of a record of the shard, or of its beginning.
func (x *stream) readNumber(sh *shard, text string) (sequence, error) {
	prefix := "StartingSequenceNumber " + text + " used in GetShardIterator on shard " + shardID(sh.Index) + " in stream " + x.stream + " under account " + x.account + " is invalid"
	q, foreign, ok := parseSequence(text)
	switch {
	case !ok:
		return q, invalid("%s.", prefix)
	case foreign:
		return q, invalid("%s because it did not come from this stream.", prefix)
	case int(q.shard) != sh.Index:
		return q, invalid("Invalid StartingSequenceNumber. It encodes %s, while it was used in a call to a shard with %s", shardID(int(q.shard)), shardID(sh.Index))
	case q.created != sh.Created:
		return q, invalid("%s because it did not come from this stream.", prefix)
	}
	return q, nil
}
