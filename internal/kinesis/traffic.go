package kinesis

import (
	"sync/atomic"

	engine "github.com/spillway/spillway/internal/stream"
)

// traffic counts what passed through this node for one stream, since the start of the
// process. The names are CloudWatch's.
type traffic struct {
	incomingRecords, incomingBytes atomic.Uint64
	outgoingRecords, outgoingBytes atomic.Uint64
	writesRefused, readsRefused    atomic.Uint64 // by the limits of shards
	age                            atomic.Int64  // ms that the last GetRecords was behind
}

func (t *traffic) wrote(records []engine.Record) {
	t.incomingRecords.Add(uint64(len(records)))
	t.incomingBytes.Add(sizeOf(records))
}

func (t *traffic) read(records []engine.Record) {
	t.outgoingRecords.Add(uint64(len(records)))
	t.outgoingBytes.Add(sizeOf(records))
}

func sizeOf(records []engine.Record) (n uint64) {
	for i := range records {
		n += uint64(len(records[i].Data) + len(records[i].Key))
	}
	return n
}

// Traffic is what metrics show of one stream. Bytes are of data and partition keys.
type Traffic struct {
	Region, Account, Stream string
	OpenShards              int

	IncomingRecords, IncomingBytes uint64
	OutgoingRecords, OutgoingBytes uint64
	WritesRefused, ReadsRefused    uint64 // ProvisionedThroughputExceeded
	IteratorAge                    int64  // ms that the last GetRecords was behind
}

// Traffic lists all streams, in no order.
func (s *Service) Traffic() []Traffic {
	s.mu.RLock()
	defer s.mu.RUnlock()
	out := make([]Traffic, 0, len(s.streams))
	for _, x := range s.streams {
		t := x.traffic
		out = append(out, Traffic{
			Region: x.region, Account: x.account, Stream: x.stream, OpenShards: len(x.open),
			IncomingRecords: t.incomingRecords.Load(), IncomingBytes: t.incomingBytes.Load(),
			OutgoingRecords: t.outgoingRecords.Load(), OutgoingBytes: t.outgoingBytes.Load(),
			WritesRefused: t.writesRefused.Load(), ReadsRefused: t.readsRefused.Load(), IteratorAge: t.age.Load(),
		})
	}
	return out
}
