package bus

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/spillway/spillway/internal/pause"
)

// LogSpec is how a log is made.
type LogSpec struct {
	Name     string
	Replicas int
	Metadata map[string]string
}

// duplicateWindow is how long a log knows the ids of its messages: much longer than
// one is sent again.
const duplicateWindow = 2 * time.Minute

const (
	apiPrefix = "$JS.API."
	trimTime  = 10 * time.Second // removes files, on a disk that is busy
)

// makerKey is the metadata that tells who made a log. Without it JetStream takes a
// second creation with the same configuration for the first one repeated, and two
// nodes would both believe that they made the log; and a node whose answer was lost
// could not know that it did.
const makerKey = "spillway.maker"

// CreateLog makes a log, or finds the one that there is: the first to make it wins.
// It returns the log's metadata, and tries until ctx ends while JetStream has no
// leader.
func (b *Bus) CreateLog(ctx context.Context, s LogSpec) (metadata map[string]string, created bool, err error) {
	maker := rand.Text()
	for {
		metadata, err = b.metadata(ctx, s.Name)
		if err == nil {
			created = metadata[makerKey] == maker
			maps.DeleteFunc(metadata, func(key, _ string) bool { return key == makerKey || strings.HasPrefix(key, "_nats.") })
			return metadata, created, nil
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			// Creating one that exists with another configuration fails: the maker makes
			// every configuration another.
			if err = b.create(ctx, s, maker); err == nil {
				continue // and read what the log says
			}
		}
		if !pause.For(ctx, pollEvery) {
			return nil, false, fmt.Errorf("cluster: make log %s: %w", s.Name, err)
		}
	}
}

func (b *Bus) create(ctx context.Context, s LogSpec, maker string) error {
	ctx, cancel := context.WithTimeout(ctx, 2*apiTime)
	defer cancel()
	metadata := map[string]string{makerKey: maker}
	maps.Copy(metadata, s.Metadata)
	_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: s.Name, Subjects: []string{s.Name}, Description: "Spillway's log: do not change it by hand",
		Storage: jetstream.FileStorage, Replicas: s.Replicas, Discard: jetstream.DiscardNew,
		AllowDirect: true, DenyDelete: true, Duplicates: duplicateWindow, Metadata: metadata,
	})
	return err
}

func (b *Bus) metadata(ctx context.Context, name string) (map[string]string, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	stream, err := b.js.Stream(ctx, name)
	if err != nil {
		return nil, err
	}
	return stream.CachedInfo().Config.Metadata, nil
}

// Logs lists the logs that exist.
func (b *Bus) Logs(ctx context.Context) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	list := b.js.StreamNames(ctx)
	var names []string
	for name := range list.Name() {
		names = append(names, name)
	}
	return names, list.Err()
}

// Log is one log.
type Log struct {
	b    *Bus
	name string
}

// OpenLog returns a log that exists. It does not look.
func (b *Bus) OpenLog(name string) *Log { return &Log{b: b, name: name} }

// Read returns a message as the log's leader has it.
func (l *Log) Read(ctx context.Context, seq uint64) (data []byte, ok bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	var reply struct {
		Message *struct {
			Data []byte `json:"data"`
		} `json:"message"`
		Error *jetstream.APIError `json:"error"`
	}
	// Not the direct way, which any replica answers.
	if err := l.b.api(ctx, "STREAM.MSG.GET."+l.name, map[string]uint64{"seq": seq}, &reply); err != nil {
		return nil, false, err
	}
	switch {
	case reply.Error != nil && reply.Error.ErrorCode == jetstream.JSErrCodeMessageNotFound:
		return nil, false, nil
	case reply.Error != nil:
		return nil, false, reply.Error
	case reply.Message == nil:
		return nil, false, errors.New("cluster: an answer without a message")
	}
	return reply.Message.Data, true, nil
}

// Trim removes the messages up to a sequence. It never removes what is yet to come:
// JetStream would, by skipping the sequences.
func (l *Log) Trim(ctx context.Context, upTo uint64) error {
	info, err := l.Info(ctx)
	if err != nil {
		return err
	}
	if upTo = min(upTo, info.Last); upTo < info.First {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, trimTime)
	defer cancel()
	return l.b.order(ctx, "STREAM.PURGE."+l.name, map[string]uint64{"seq": upTo + 1}, false)
}

// api sends one request to JetStream's API.
func (b *Bus) api(ctx context.Context, subject string, request, reply any) error {
	return ask(ctx, b.conn, apiPrefix+subject, request, reply)
}

func ask(ctx context.Context, conn *nats.Conn, subject string, request, reply any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	m, err := conn.RequestWithContext(ctx, subject, body)
	if err != nil {
		return fmt.Errorf("cluster: %s: %w", subject, err)
	}
	return json.Unmarshal(m.Data, reply)
}
