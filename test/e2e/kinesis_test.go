package e2e

import (
	"context"
	"fmt"
	"math/big"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
)

// kinesisOf is an SDK client of a server, which sends nothing twice.
func kinesisOf(url string, client *http.Client) *kinesis.Client {
	return kinesis.New(kinesis.Options{
		Region: "us-east-1", BaseEndpoint: aws.String(url), HTTPClient: client,
		Credentials: credentials.NewStaticCredentialsProvider("test", "test", ""),
		Retryer:     aws.NopRetryer{},
	})
}

// again has calls that only read tried again. The SDK closes a request's body as soon as
// the answer begins; now and then that ends the connection, and a body that is longer than
// net/http's buffer cannot be read any more. It happens with any server (smithy-go 1.28.9).
func again(o *kinesis.Options) { o.Retryer = retry.NewStandard() }

// TestKinesis: a stream from its beginning to its end, with the SDK.
func TestKinesis(t *testing.T) {
	f := dev(t)
	c, ctx, name := kinesisOf(f.url, f.client), t.Context(), aws.String("s")
	must := func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: name, ShardCount: aws.Int32(1)}))
	first, err := c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: name, PartitionKey: aws.String("k"), Data: []byte{}})
	must(first, err)
	many := &kinesis.PutRecordsInput{StreamName: name}
	for i := range 20 {
		many.Records = append(many.Records, types.PutRecordsRequestEntry{PartitionKey: aws.String("k"), Data: []byte{byte(i), 0xff}})
	}
	put, err := c.PutRecords(ctx, many)
	must(put, err)
	if *put.FailedRecordCount != 0 || *put.Records[0].SequenceNumber <= *first.SequenceNumber {
		t.Errorf("%+v", put)
	}
	must(c.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: name, ShardToSplit: first.ShardId, NewStartingHashKey: aws.String("1000")}))
	l := newStreamLedger(t)
	shards := l.shards(ctx, c, "s")
	if len(shards) != 3 {
		t.Fatalf("%d shards", len(shards))
	}
	records := l.read(ctx, c, "s", shards[0])
	if len(records) != 21 || len(records[0].Data) != 0 || records[20].Data[0] != 19 || time.Since(*records[0].ApproximateArrivalTimestamp).Abs() > time.Minute {
		t.Errorf("%d records: %+v", len(records), records)
	}
	_, err = c.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: aws.String("AAAA")})
	if code(err) != "InvalidArgumentException" {
		t.Error(err)
	}
	must(c.DeleteStream(ctx, &kinesis.DeleteStreamInput{StreamName: name}))
	_, err = c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: name, PartitionKey: aws.String("k"), Data: []byte("x")})
	if code(err) != "ResourceNotFoundException" {
		t.Error(err)
	}
}

// TestSubscribeToShard over both versions of HTTP: what is put is pushed, and the end of
// the shard names its children.
func TestSubscribeToShard(t *testing.T) {
	f := dev(t)
	h2c := &http.Transport{Protocols: new(http.Protocols)}
	h2c.Protocols.SetUnencryptedHTTP2(true)
	t.Cleanup(h2c.CloseIdleConnections)
	for name, client := range map[string]*http.Client{"http1": f.client, "h2c": {Transport: h2c, Timeout: time.Minute}} {
		c, ctx := kinesisOf(f.url, client), t.Context()
		_, err := c.CreateStream(ctx, &kinesis.CreateStreamInput{StreamName: &name, ShardCount: aws.Int32(1)})
		if err != nil {
			t.Fatal(name, err)
		}
		consumer, err := c.RegisterStreamConsumer(ctx, &kinesis.RegisterStreamConsumerInput{
			StreamARN: aws.String("arn:aws:kinesis:us-east-1:000000000000:stream/" + name), ConsumerName: aws.String("c"),
		})
		if err != nil {
			t.Fatal(name, err)
		}
		sub := &kinesis.SubscribeToShardInput{ConsumerARN: consumer.Consumer.ConsumerARN, ShardId: aws.String("shardId-000000000000"), StartingPosition: &types.StartingPosition{Type: types.ShardIteratorTypeTrimHorizon}}
		out, err := c.SubscribeToShard(ctx, sub)
		if err != nil {
			t.Fatal(name, err)
		}
		if _, err := c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: &name, PartitionKey: aws.String("k"), Data: []byte("pushed")}); err != nil {
			t.Error(name, err)
		}
		next := func() types.SubscribeToShardEvent {
			event, ok := <-out.GetStream().Events()
			if !ok {
				t.Fatal(name, "the events ended: ", out.GetStream().Err())
			}
			return event.(*types.SubscribeToShardEventStreamMemberSubscribeToShardEvent).Value
		}
		if e := next(); len(e.Records) != 1 || string(e.Records[0].Data) != "pushed" || *e.ContinuationSequenceNumber != *e.Records[0].SequenceNumber {
			t.Errorf("%s: %+v", name, e)
		}
		if _, err := c.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: &name, ShardToSplit: aws.String("0"), NewStartingHashKey: aws.String("1000")}); err != nil {
			t.Error(name, err)
		}
		if e := next(); len(e.Records) != 0 || len(e.ChildShards) != 2 || e.ContinuationSequenceNumber != nil {
			t.Errorf("%s: %+v", name, e)
		}
		if e, ok := <-out.GetStream().Events(); ok || out.GetStream().Err() != nil {
			t.Errorf("%s: after the end %+v, %v", name, e, out.GetStream().Err())
		}
		if err := out.GetStream().Close(); err != nil {
			t.Error(name, err)
		}
		sub.ShardId = aws.String("7")
		if _, err := c.SubscribeToShard(ctx, sub); code(err) != "ResourceNotFoundException" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKinesisKill: what was acknowledged while the server was killed, and while shards
// were split and merged, is there, in order, and under its number.
func TestKinesisKill(t *testing.T) {
	needsBinary(t)
	t.Parallel()
	l := newStreamLedger(t)
	p := launch(t, t.TempDir())
	client := func() *kinesis.Client { return kinesisOf(p.url, p.client) }
	if _, err := client().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	stop := l.load(client)
	time.Sleep(time.Duration(300+l.random.IntN(400)) * time.Millisecond) // the moment of the kill is the test's input
	p.kill()
	stop()
	p = launch(t, p.data)
	l.verify(client())
	p.stop()
	p.check()
}

// TestKinesisFailover: the same, while a node of three is killed and comes back.
func TestKinesisFailover(t *testing.T) {
	needsBinary(t)
	t.Parallel()
	l := newStreamLedger(t)
	n := launchCluster(t)
	client := func() *kinesis.Client {
		p := n.any(rand.New(rand.NewPCG(rand.Uint64(), 0)))
		return kinesisOf(p.url, p.client)
	}
	if _, err := client().CreateStream(t.Context(), &kinesis.CreateStreamInput{StreamName: aws.String("s"), ShardCount: aws.Int32(2)}); err != nil {
		t.Fatal(err)
	}
	stop := l.load(client)
	time.Sleep(time.Second)
	n.kill(l.random.IntN(nodeCount))
	time.Sleep(3 * time.Second) // others take over
	n.heal()
	stop()
	n.whole(30 * time.Second)
	l.verify(client())
}

// streamLedger is what writers were told of stream s.
type streamLedger struct {
	*testing.T
	random *rand.Rand
	next   []int               // of each writer, its next record
	acked  []map[string]string // of each writer, numbers by data
}

const streamWriters = 4

func newStreamLedger(t *testing.T) *streamLedger {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	l := &streamLedger{T: t, random: rand.New(rand.NewPCG(seed, 1)), next: make([]int, streamWriters)}
	for range streamWriters {
		l.acked = append(l.acked, map[string]string{})
	}
	return l
}

// load writes and reshards until stop is called.
func (l *streamLedger) load(client func() *kinesis.Client) (stop func()) {
	ctx, cancel := context.WithCancel(l.Context())
	var running sync.WaitGroup
	for w := range streamWriters {
		running.Go(func() {
			for ctx.Err() == nil {
				if !l.write(client(), w) {
					time.Sleep(5 * time.Millisecond)
				}
			}
		})
	}
	random := rand.New(rand.NewPCG(l.random.Uint64(), 2))
	running.Go(func() {
		for ctx.Err() == nil {
			l.reshard(ctx, client(), random)
			time.Sleep(20 * time.Millisecond)
		}
	})
	return func() { cancel(); running.Wait() }
}

// write puts one to three records of a writer. What fails may be there, or not.
func (l *streamLedger) write(c *kinesis.Client, w int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 12*time.Second)
	defer cancel()
	key := aws.String(fmt.Sprint("writer", w))
	in := &kinesis.PutRecordsInput{StreamName: aws.String("s")}
	for range 1 + l.next[w]%3 {
		in.Records = append(in.Records, types.PutRecordsRequestEntry{PartitionKey: key, Data: l.data(w, l.next[w])})
		l.next[w]++
	}
	if len(in.Records) == 1 {
		out, err := c.PutRecord(ctx, &kinesis.PutRecordInput{StreamName: in.StreamName, PartitionKey: key, Data: in.Records[0].Data})
		if err == nil {
			l.acked[w][recordName(in.Records[0].Data)] = *out.SequenceNumber
		}
		return err == nil
	}
	out, err := c.PutRecords(ctx, in)
	if err != nil {
		return false
	}
	for i, r := range out.Records {
		if r.ErrorCode == nil {
			l.acked[w][recordName(in.Records[i].Data)] = *r.SequenceNumber
		}
	}
	return true
}

// data is a record: a small one, or now and then one that is stored apart from its key.
func (l *streamLedger) data(w, i int) []byte {
	text := fmt.Sprintf("%d:%d ", w, i)
	if i%16 == 0 {
		text += strings.Repeat("x", 200_000+i)
	}
	return []byte(text)
}

// recordName is the number and the size of a record.
func recordName(data []byte) string {
	number, rest, _ := strings.Cut(string(data), " ")
	return fmt.Sprint(number, " with ", len(rest), " bytes")
}

// reshard splits a shard or merges two, and does not mind if that fails.
func (l *streamLedger) reshard(ctx context.Context, c *kinesis.Client, random *rand.Rand) {
	name := aws.String("s")
	out, err := c.ListShards(ctx, &kinesis.ListShardsInput{StreamName: name, ShardFilter: &types.ShardFilter{Type: types.ShardFilterTypeAtLatest}})
	if err != nil || len(out.Shards) == 0 {
		return
	}
	one := out.Shards[random.IntN(len(out.Shards))]
	if len(out.Shards) > 4 {
		for _, other := range out.Shards {
			end, _ := new(big.Int).SetString(*one.HashKeyRange.EndingHashKey, 10)
			if end.Add(end, big.NewInt(1)).String() == *other.HashKeyRange.StartingHashKey {
				_, _ = c.MergeShards(ctx, &kinesis.MergeShardsInput{StreamName: name, ShardToMerge: one.ShardId, AdjacentShardToMerge: other.ShardId})
			}
		}
		return
	}
	a, _ := new(big.Int).SetString(*one.HashKeyRange.StartingHashKey, 10)
	b, _ := new(big.Int).SetString(*one.HashKeyRange.EndingHashKey, 10)
	_, _ = c.SplitShard(ctx, &kinesis.SplitShardInput{StreamName: name, ShardToSplit: one.ShardId, NewStartingHashKey: aws.String(a.Add(a, b).Rsh(a, 1).String())})
}

// shards are all shards of a stream, parents before their children.
func (l *streamLedger) shards(ctx context.Context, c *kinesis.Client, name string) (all []types.Shard) {
	l.Helper()
	in := &kinesis.ListShardsInput{StreamName: &name, MaxResults: aws.Int32(10)}
	for {
		out, err := c.ListShards(ctx, in, again)
		if err != nil {
			l.Fatal(err)
		}
		all = append(all, out.Shards...)
		if out.NextToken == nil {
			return all
		}
		in = &kinesis.ListShardsInput{NextToken: out.NextToken, MaxResults: aws.Int32(10)}
	}
}

// read reads a shard to its end, or to its tip.
func (l *streamLedger) read(ctx context.Context, c *kinesis.Client, name string, sh types.Shard) (all []types.Record) {
	l.Helper()
	it, err := c.GetShardIterator(ctx, &kinesis.GetShardIteratorInput{StreamName: &name, ShardId: sh.ShardId, ShardIteratorType: types.ShardIteratorTypeTrimHorizon})
	if err != nil {
		l.Fatal(err)
	}
	for next := it.ShardIterator; next != nil; {
		out, err := c.GetRecords(ctx, &kinesis.GetRecordsInput{ShardIterator: next, Limit: aws.Int32(100)}, again)
		if err != nil {
			l.Fatal(err)
		}
		all = append(all, out.Records...)
		if next = out.NextShardIterator; len(out.Records) == 0 && *out.MillisBehindLatest == 0 {
			return all
		}
	}
	if closed := sh.SequenceNumberRange.EndingSequenceNumber != nil; !closed {
		l.Errorf("%s is open, and ends", *sh.ShardId)
	}
	return all
}

// verify reads everything and compares.
func (l *streamLedger) verify(c *kinesis.Client) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), time.Minute)
	defer cancel()
	shards := l.shards(ctx, c, "s")
	ends := map[string]string{}
	missing, last, latest := 0, make([]int, streamWriters), make([]string, streamWriters)
	found := map[string]string{}
	for _, sh := range shards {
		for _, parent := range []*string{sh.ParentShardId, sh.AdjacentParentShardId} {
			if parent != nil && ends[*parent] >= *sh.SequenceNumberRange.StartingSequenceNumber {
				l.Errorf("%s ends at %q, after its child %s begins", *parent, ends[*parent], *sh.ShardId)
			}
		}
		ends[*sh.ShardId] = aws.ToString(sh.SequenceNumberRange.EndingSequenceNumber)
		for _, r := range l.read(ctx, c, "s", sh) {
			var w, i int
			if _, err := fmt.Sscanf(string(r.Data), "%d:%d", &w, &i); err != nil {
				l.Fatal(err)
			}
			if i < last[w] || found[recordName(r.Data)] != "" || *r.SequenceNumber <= latest[w] {
				l.Errorf("writer %d: record %d (%s) after %d (%s)", w, i, *r.SequenceNumber, last[w], latest[w])
			}
			last[w], latest[w], found[recordName(r.Data)] = i, *r.SequenceNumber, *r.SequenceNumber
		}
	}
	acked := 0
	for _, numbers := range l.acked {
		for data, number := range numbers {
			if acked++; found[data] != number {
				missing++
				if missing < 5 {
					l.Errorf("record %s was acknowledged as %s, and is %q", data, number, found[data])
				}
			}
		}
	}
	l.Logf("%d acknowledged, %d found, %d missing, %d shards", acked, len(found), missing, len(shards))
	if acked < 20 {
		l.Errorf("only %d records were acknowledged", acked)
	}
}
