package wire_test

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/wire"
	"github.com/spillway/spillway/internal/wire/awscbor"
	"github.com/spillway/spillway/internal/wire/awsjson"
)

var benchProtocols = []struct {
	name string
	wire.Protocol
}{{"JSON", awsjson.NewClassic("1.1")}, {"CBOR", awscbor.New()}}

var benchSizes = []struct{ count, size int }{{1, 256}, {500, 256}, {100, 10 << 10}, {10, 1 << 20}}

func benchEach(b *testing.B, f func(b *testing.B, p wire.Protocol, count int, data []byte)) {
	for _, p := range benchProtocols {
		for _, c := range benchSizes {
			b.Run(fmt.Sprintf("%s/%dx%d", p.name, c.count, c.size), func(b *testing.B) {
				b.SetBytes(int64(c.count * c.size)) // of data
				b.ReportAllocs()
				f(b, p, c.count, bytes.Repeat([]byte("0123456789abcdef"), c.size/16))
			})
		}
	}
}

func BenchmarkDecodePutRecords(b *testing.B) {
	benchEach(b, func(b *testing.B, p wire.Protocol, count int, data []byte) {
		in := &kinesisapi.PutRecordsInput{StreamName: new("orders")}
		for i := range count {
			in.Records = append(in.Records, kinesisapi.PutRecordsRequestEntry{Data: data, PartitionKey: new(fmt.Sprintf("customer-%08d", i))})
		}
		r := &wire.Request{Body: p.Encode(kinesisapi.Service, kinesisapi.PutRecords, in, "", nil).Body}
		for b.Loop() {
			if _, err := p.Decode(kinesisapi.PutRecords, r); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkEncodeGetRecords(b *testing.B) {
	benchEach(b, func(b *testing.B, p wire.Protocol, count int, data []byte) {
		at := time.UnixMilli(1_700_000_000_123)
		out := &kinesisapi.GetRecordsOutput{MillisBehindLatest: new(int64(0)), NextShardIterator: new("AAAAAAAAAAE")}
		for i := range count {
			out.Records = append(out.Records, kinesisapi.Record{
				Data: data, PartitionKey: new(fmt.Sprintf("customer-%08d", i)), ApproximateArrivalTimestamp: &at,
				SequenceNumber: new("49594189147623985939251953501666965394405037144469929986"),
			})
		}
		for b.Loop() { // as for the first answer of a connection, which has no buffer yet
			p.Encode(kinesisapi.Service, kinesisapi.GetRecords, out, "", nil)
		}
	})
}
