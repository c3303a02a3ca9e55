package bus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors of Pending.
var (
	// ErrConflict: the log did not end with the expected sequence.
	ErrConflict = errors.New("cluster: wrong last sequence")
	// ErrRefused: the log said no, for another reason.
	ErrRefused = errors.New("cluster: the log refused")
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

// Codes of JetStream's errors.
const (
	codeWrongLast     = 10071
	codeWrongLastSame = 10164
)

// CreateLog makes a log, or finds the one that there is: the first to make it wins.
// It returns the log's metadata, and tries until ctx ends while JetStream has no
// leader.
func (b *Bus) CreateLog(ctx context.Context, s LogSpec) (metadata map[string]string, created bool, err error) {
	for {
		if metadata, err = b.metadata(ctx, s.Name); err == nil {
			return metadata, false, nil
		}
		if errors.Is(err, jetstream.ErrStreamNotFound) {
			// Creating one that exists with another configuration fails. With the same it
			// succeeds, which differs in the metadata only for founders of other data.
			if err = b.create(ctx, s); err == nil {
				metadata, err = b.metadata(ctx, s.Name)
				if err == nil {
					return metadata, true, nil
				}
			}
		}
		if !pause(ctx, pollEvery) {
			return nil, false, fmt.Errorf("cluster: make log %s: %w", s.Name, err)
		}
	}
}

func (b *Bus) create(ctx context.Context, s LogSpec) error {
	ctx, cancel := context.WithTimeout(ctx, 2*apiTime)
	defer cancel()
	_, err := b.js.CreateStream(ctx, jetstream.StreamConfig{
		Name: s.Name, Subjects: []string{s.Name}, Description: "Spillway's log: do not change it by hand",
		Storage: jetstream.FileStorage, Replicas: s.Replicas, Discard: jetstream.DiscardNew,
		AllowDirect: true, DenyDelete: true, Duplicates: duplicateWindow, Metadata: s.Metadata,
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

// Append writes data after sequence expected, or not at all; see Pending for the
// result. The same message may be appended again under the same id.
func (l *Log) Append(expected uint64, id string, data []byte) (Pending, error) {
	m := nats.NewMsg(l.name)
	m.Data = data
	future, err := l.b.js.PublishMsgAsync(m, jetstream.WithExpectLastSequence(expected), jetstream.WithMsgID(id), jetstream.WithRetryAttempts(0))
	if err != nil {
		return nil, fmt.Errorf("cluster: append: %w", err)
	}
	return pending{future}, nil
}

// Pending is a message on its way.
type Pending interface {
	// Wait returns the sequence of the message, that of the first if it was appended
	// twice. ErrConflict and ErrRefused say that it is not in the log because of this
	// Append; after any other error that is unknown.
	Wait(ctx context.Context) (seq uint64, err error)
}

type pending struct{ future jetstream.PubAckFuture }

// Wait implements Pending.
func (p pending) Wait(ctx context.Context) (uint64, error) {
	select {
	case ack := <-p.future.Ok():
		return ack.Sequence, nil
	case err := <-p.future.Err():
		var api *jetstream.APIError
		if errors.As(err, &api) {
			if api.ErrorCode == codeWrongLast || api.ErrorCode == codeWrongLastSame {
				return 0, fmt.Errorf("%w: %s", ErrConflict, api.Description)
			}
			return 0, fmt.Errorf("%w: %s", ErrRefused, api.Description)
		}
		return 0, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

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

// Trim removes the messages up to a sequence.
func (l *Log) Trim(ctx context.Context, upTo uint64) error {
	var reply struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := l.b.api(ctx, "STREAM.PURGE."+l.name, map[string]uint64{"seq": upTo + 1}, &reply); err != nil {
		return err
	}
	if reply.Error != nil {
		return reply.Error
	}
	return nil
}

// api sends one request to JetStream's API.
func (b *Bus) api(ctx context.Context, subject string, request, reply any) error {
	return ask(ctx, b.conn, subject, request, reply)
}

func ask(ctx context.Context, conn *nats.Conn, subject string, request, reply any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return err
	}
	m, err := conn.RequestWithContext(ctx, "$JS.API."+subject, body)
	if err != nil {
		return fmt.Errorf("cluster: %s: %w", subject, err)
	}
	return json.Unmarshal(m.Data, reply)
}
