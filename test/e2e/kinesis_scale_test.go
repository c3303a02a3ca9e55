package e2e

import (
	"flag"
	"fmt"
	"math/big"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"

	"github.com/spillway/spillway/internal/loadtest"
)

var (
	fanOut     = flag.Duration("fan-out", time.Second, "how long TestFanOut puts")
	idleShards = flag.Int("idle-shards", 0, "shards of TestIdleShards, a thousand to a stream; 10000 is what the project promises")
)

// TestFanOut: twenty consumers of one shard, each by AWS's SDK over HTTP/1.1, have every
// record that is put at 1,000 a second. It reports how long records take.
func TestFanOut(t *testing.T) {
	needsBinary(t)
	const consumers, batch = 20, 10
	p := launch(t, t.TempDir())
	c, ctx, name := kinesisOf(p.url, p.client), t.Context(), aws.String("fan")
	if _, err := c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(1)}); err != nil {
		t.Fatal(err)
	}
	var streams []*kinesis.SubscribeToShardEventStream
	for i := range consumers {
		consumer, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{
			StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/fan"), ConsumerName: aws.String(fmt.Sprint("c", i)),
		})
		if err != nil {
			t.Fatal(err)
		}
		// A client of its own: the streams of one share a buffer (smithy-go 1.28.9).
		out, err := kinesisOf(p.url, p.client).SubscribeToShard(ctx, &kinesis.SubscribeToShardInput{
			ConsumerARN: consumer.Consumer.ConsumerARN, ShardId: aws.String("shardId-000000000000"),
			StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon},
		})
		if err != nil {
			t.Fatal(err)
		}
		streams = append(streams, out.GetStream())
	}
	rounds := int(*fanOut / (batch * time.Millisecond))
	took := make([][]time.Duration, consumers)
	var reading sync.WaitGroup
	for i, s := range streams {
		reading.Go(func() {
			for len(took[i]) < rounds*batch {
				event, ok := <-s.Events()
				if !ok {
					t.Errorf("consumer %d had %d records of %d: %v", i, len(took[i]), rounds*batch, s.Err())
					return
				}
				for _, r := range event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value.Records {
					put, err := strconv.ParseInt(string(r.Data[:19]), 10, 64) // see putEvery
					if err != nil {
						t.Error(err)
					}
					took[i] = append(took[i], time.Since(time.Unix(0, put)))
				}
			}
		})
	}
	putEvery(t, c, name, batch*time.Millisecond, rounds, batch)
	reading.Wait()
	for _, s := range streams {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) != consumers*rounds*batch {
		t.Fatalf("%d records arrived, want %d", len(all), consumers*rounds*batch)
	}
	t.Logf("%d records to %d consumers: %v in the median, 99 %% within %v", rounds*batch, consumers, all[len(all)/2], all[len(all)*99/100])
	p.stop()
}

// putEvery puts a batch of records of 256 bytes, each beginning with the time, at a steady pace, and
// returns when all are acknowledged.
func putEvery(t *testing.T, c *kinesis.Client, name *string, pace time.Duration, rounds, batch int) {
	t.Helper()
	var putting sync.WaitGroup
	defer putting.Wait()
	tick := time.NewTicker(pace)
	defer tick.Stop()
	for range rounds {
		<-tick.C
		in := &kinesis.PutRecordsInput{StreamName: name}
		for range batch {
			data := fmt.Appendf(nil, "%-256d", time.Now().UnixNano())
			in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: data})
		}
		putting.Go(func() {
			out, err := c.PutRecords(t.Context(), in)
			if err != nil || *out.FailedRecordCount != 0 {
				t.Errorf("put: %v, %+v", err, out)
			}
		})
	}
}

// TestIdleShards: what a server costs that holds many shards with a record in each, and
// that it is back at once, with all of them. A shard that nobody uses costs no CPU.
func TestIdleShards(t *testing.T) {
	if *idleShards == 0 {
		t.Skip("needs -idle-shards 10000")
	}
	const each = 1000
	data := t.TempDir()
	p := launch(t, data)
	empty, name := p.memory("VmRSS"), func(i int) *string { return aws.String(fmt.Sprint("s", i)) }
	c, ctx, streams := kinesisOf(p.url, p.client), t.Context(), *idleShards/each
	width := new(big.Int).Div(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(each))
	began := time.Now()
	for i := range streams {
		if _, err := c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: name(i), ShardCount: aws.Int32(each)}); err != nil {
			t.Fatal(err)
		}
		for from := 0; from < each; from += 500 {
			in := &kinesis.PutRecordsInput{StreamName: name(i)}
			for k := range 500 {
				middle := new(big.Int).Add(new(big.Int).Mul(width, big.NewInt(int64(from+k))), big.NewInt(each))
				in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), ExplicitHashKey: aws.String(middle.String()), Data: make([]byte, 100)})
			}
			if out, err := c.PutRecords(ctx, in); err != nil || *out.FailedRecordCount != 0 {
				t.Fatalf("put: %v, %+v", err, out)
			}
		}
	}
	t.Logf("%d shards made, and a record put to each: %v; %d MiB resident, %d when empty", streams*each, time.Since(began), p.memory("VmRSS")>>20, empty>>20)
	p.kill()
	began = time.Now()
	p = launch(t, data)
	t.Logf("ready %v after kill -9", time.Since(began))
	c = kinesisOf(p.url, p.client)
	for i := range streams {
		d, err := c.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: name(i)})
		if err != nil || *d.StreamDescriptionSummary.OpenShardCount != each {
			t.Errorf("stream %d: %v, %+v", i, err, d)
		}
	}
	cpu := func() time.Duration {
		d, err := loadtest.ProcessCPU(p.cmd.Process.Pid)
		if err != nil {
			t.Skip(err) // not on Linux
		}
		return d
	}
	before := cpu()
	time.Sleep(5 * time.Second) // what is measured is that nothing happens
	used := cpu() - before
	t.Logf("idle: %v of CPU in 5 s; %d MiB resident", used, p.memory("VmRSS")>>20)
	if used > time.Second {
		t.Errorf("%v of CPU in 5 s with nothing to do", used)
	}
	p.stop()
}
