package loadtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/spillway/spillway/internal/base64"
)

// streamProtocol is Kinesis's: AWS JSON 1.1. The key of a record is the end of its body,
// so that records go everywhere.
type streamProtocol struct{ jsonProtocol }

func (streamProtocol) contentType() string            { return "application/x-amz-json-1.1" }
func (streamProtocol) target(operation string) string { return "Kinesis_20131202." + operation }

func (streamProtocol) publishes() (single, several string) { return "PutRecord", "PutRecords" }

func (streamProtocol) send(b []byte, stream string, m []message, batch bool) []byte {
	b = append(append(append(b, `{"StreamName":"`...), stream...), '"')
	if !batch {
		return append(appendRecord(append(b, ','), &m[0]), '}')
	}
	b = append(b, `,"Records":[`...)
	for i := range m {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendRecord(append(b, '{'), &m[i]), '}')
	}
	return append(b, "]}"...)
}

func appendRecord(b []byte, m *message) []byte {
	const keyBytes = 8
	b = append(append(append(b, `"PartitionKey":"`...), m.body[len(m.body)-keyBytes:]...), `","Data":"`...)
	b = base64.AppendEncode(b, m.body)
	return append(b, '"')
}

// put sends the same records each time, signed anew each second: to write large ones down
// and to hash them costs as much as to take them, and is not what is to be measured.
func (w *worker) put(ctx context.Context) error {
	t := w.conn.target
	if !w.conn.repeat {
		w.conn.body = t.protocol.send(w.conn.body[:0], w.queueURL, w.messages, w.options.Batch > 1)
	}
	answer, ok, err := w.call(ctx, &t.send, &w.sends)
	w.conn.repeat = true
	if !ok {
		return err
	}
	refused := bytes.Count(answer, []byte(`"ErrorCode":"`))
	if refused > 0 {
		w.errors[t.send.name+" records"] += refused
	}
	w.done += len(w.messages) - refused
	return nil
}

// Members of the answers of a stream.
var (
	memberShard        = memberOf("ShardId", "")
	memberIterator     = memberOf("ShardIterator", "")
	memberNextIterator = memberOf("NextShardIterator", "")
	memberSequence     = memberOf("SequenceNumber", "")
)

var errNoShard = errors.New("the stream has no shard to read")

// get reads on in a shard, each connection in one of its own as far as there are as many,
// and from its beginning again when it has read it to the end.
func (w *worker) get(ctx context.Context) error {
	if len(w.iterator) == 0 {
		if err := w.begin(ctx); err != nil {
			return err
		}
	}
	b := append(append(append(w.conn.body[:0], `{"ShardIterator":"`...), w.iterator...), `","Limit":`...)
	w.conn.body = append(strconv.AppendInt(b, int64(w.options.Batch), 10), '}')
	body, ok, err := w.call(ctx, &w.conn.target.receive, &w.receives)
	w.iterator = w.iterator[:0]
	if !ok {
		return err
	}
	n := memberSequence.count(body)
	w.done += n
	if next, _, ok := memberNextIterator.next(body); ok && n > 0 {
		w.iterator = append(w.iterator, next...)
	}
	return nil
}

// begin sets an iterator to the beginning of the worker's shard. It is not measured.
func (w *worker) begin(ctx context.Context) error {
	if w.shard == "" {
		list, err := w.ask(ctx, "ListShards", fmt.Sprintf(`{"StreamName":%q}`, w.options.Stream))
		if err != nil {
			return err
		}
		shards := memberShard.count(list)
		if shards == 0 {
			return errNoShard
		}
		for range w.index%shards + 1 {
			v, rest, _ := memberShard.next(list)
			w.shard, list = string(v), rest
		}
	}
	at, err := w.ask(ctx, "GetShardIterator", fmt.Sprintf(`{"StreamName":%q,"ShardId":%q,"ShardIteratorType":"TRIM_HORIZON"}`, w.options.Stream, w.shard))
	if err != nil {
		return err
	}
	v, _, _ := memberIterator.next(at)
	w.iterator = append(w.iterator[:0], v...)
	return nil
}

// ask makes a call that is not measured, and must succeed.
func (w *worker) ask(ctx context.Context, operation, body string) ([]byte, error) {
	op := w.conn.target.operation(operation, "/")
	w.conn.body = append(w.conn.body[:0], body...)
	status, answer, err := w.conn.call(ctx, &op)
	if err == nil && status != 200 {
		err = fmt.Errorf("%s: %d %s", operation, status, errorCode(answer))
	}
	return answer, err
}
