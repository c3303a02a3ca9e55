package server

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"slices"

	"github.com/spillway/spillway/internal/kinesis"
)

// writeStreams writes the counters of Kinesis's streams in the Prometheus text format, those
// of the busiest with series of their own. A node reports what passed through it.
func writeStreams(w io.Writer, streams []kinesis.Traffic) {
	slices.SortStableFunc(streams, func(a, b kinesis.Traffic) int { return -cmp.Compare(a.IncomingRecords, b.IncomingRecords) })
	if len(streams) > maxSeries {
		other := kinesis.Traffic{Stream: "other"}
		for _, t := range streams[maxSeries:] {
			other.OpenShards += t.OpenShards
			other.IncomingRecords += t.IncomingRecords
			other.IncomingBytes += t.IncomingBytes
			other.OutgoingRecords += t.OutgoingRecords
			other.OutgoingBytes += t.OutgoingBytes
			other.WritesRefused += t.WritesRefused
			other.ReadsRefused += t.ReadsRefused
			other.IteratorAge = max(other.IteratorAge, t.IteratorAge)
		}
		streams = append(streams[:maxSeries], other)
	}
	var b bytes.Buffer
	for _, t := range streams {
		line := func(name string, v any) {
			fmt.Fprintf(&b, "spillway_kinesis_%s{stream=%q,region=%q,account=%q} %v\n", name, t.Stream, t.Region, t.Account, v)
		}
		line("open_shards", t.OpenShards)
		line("incoming_records_total", t.IncomingRecords)
		line("incoming_bytes_total", t.IncomingBytes)
		line("outgoing_records_total", t.OutgoingRecords)
		line("outgoing_bytes_total", t.OutgoingBytes)
		line("write_throughput_exceeded_total", t.WritesRefused)
		line("read_throughput_exceeded_total", t.ReadsRefused)
		line("iterator_age_seconds", float64(t.IteratorAge)/1000)
	}
	w.Write(b.Bytes()) //nolint:errcheck // w is memory, see serveMetrics
}
