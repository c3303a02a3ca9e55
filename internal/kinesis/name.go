package kinesis

import (
	"strconv"
	"strings"

	"github.com/spillway/spillway/internal/api/kinesisapi"
	"github.com/spillway/spillway/internal/arn"
	"github.com/spillway/spillway/internal/service"
)

// name names a stream.
type name struct{ region, account, stream string }

func (n name) key() string { return n.region + "/" + n.account + "/" + n.stream }
func (n name) arn() string {
	return arn.New("kinesis", n.region, n.account, "stream/"+n.stream).String()
}

func parseKey(key string) (name, bool) {
	region, rest, ok := strings.Cut(key, "/")
	account, stream, ok2 := strings.Cut(rest, "/")
	return name{region, account, stream}, ok && ok2
}

// consumerName names a consumer of a stream.
type consumerName struct {
	name
	consumer string
}

func (n consumerName) key() string { return n.name.key() + "/" + n.consumer }

func parseConsumerKey(key string) (consumerName, bool) {
	i := strings.LastIndexByte(key, '/')
	if i < 0 {
		return consumerName{}, false
	}
	n, ok := parseKey(key[:i])
	return consumerName{n, key[i+1:]}, ok && n.stream != ""
}

// resource is what an ARN names: a stream, or a consumer and when it was made.
type resource struct {
	name
	consumer string // "" for a stream
	created  int64  // unix s, of the consumer
}

func (r resource) String() string {
	if r.consumer == "" {
		return r.name.arn()
	}
	return consumerARN(consumerName{r.name, r.consumer}, r.created*1000)
}

// parseARN reads the ARN of a stream or consumer. A resource has one spelling, which
// policies can rely on: of another partition, or with zeros in front, it names nothing.
func parseARN(text string) (r resource, ok bool) {
	r, ok = splitARN(text)
	return r, ok && r.String() == text
}

func splitARN(text string) (r resource, ok bool) {
	a, err := arn.Parse(text)
	if err != nil || a.Service != "kinesis" || a.Region == "" || !arn.ValidAccount(a.Account) {
		return r, false
	}
	parts := strings.Split(a.Resource, "/")
	r.name = name{a.Region, a.Account, ""}
	switch {
	case len(parts) == 2 && parts[0] == "stream":
		r.stream = parts[1]
		return r, r.stream != ""
	case len(parts) == 4 && parts[0] == "stream" && parts[2] == "consumer":
		r.stream = parts[1]
		consumer, seconds, found := strings.Cut(parts[3], ":")
		r.consumer = consumer
		r.created, err = strconv.ParseInt(seconds, 10, 64)
		return r, found && err == nil
	}
	return r, false
}

// streamName is the stream that a call means, by its name, its ARN or both.
func streamName(c *service.Call, streamName, streamARN *string) (name, error) {
	if streamARN != nil {
		r, ok := parseARN(*streamARN)
		if !ok || r.consumer != "" {
			return name{}, invalid("Invalid StreamARN: %s", *streamARN)
		}
		if streamName != nil && *streamName != r.stream {
			return name{}, invalid("StreamName %s does not match the StreamARN %s.", *streamName, *streamARN)
		}
		return r.name, nil
	}
	if streamName == nil {
		return name{}, invalid("Either StreamName or StreamARN should be provided.")
	}
	return name{c.Region, c.Account(), *streamName}, nil
}

func invalid(format string, args ...any) error {
	return kinesisapi.InvalidArgumentException.Newf(format, args...)
}

func notFound(format string, args ...any) error {
	return kinesisapi.ResourceNotFoundException.Newf(format, args...)
}

func (n name) missing() error {
	return notFound("Stream %s under account %s not found.", n.stream, n.account)
}

func (n name) noShard(id string) error {
	return notFound("Could not find shard %s in stream %s under account %s.", id, n.stream, n.account)
}

// noShardToRead is noShard in the words of the reading operations.
func (n name) noShardToRead(id string) error {
	return notFound("Shard %s in stream %s under account %s does not exist", id, n.stream, n.account)
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func isTrue(b *bool) bool { return b != nil && *b }
