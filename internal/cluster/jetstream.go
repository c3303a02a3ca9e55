package cluster

import (
	"context"
	"errors"
	"fmt"

	"github.com/spillway/spillway/internal/cluster/bus"
)

// stream is a Log on JetStream.
type stream struct{ log *bus.Log }

var _ Log = stream{}

// Append implements Log, as do the methods below.
func (s stream) Append(expected uint64, id string, data []byte) (Pending, error) {
	p, err := s.log.Append(expected, id, data)
	if err != nil {
		return nil, err
	}
	return ack{p}, nil
}

type ack struct{ p bus.Pending }

// Wait implements Pending.
func (a ack) Wait(ctx context.Context) (uint64, error) {
	seq, err := a.p.Wait(ctx)
	if errors.Is(err, bus.ErrConflict) {
		return 0, fmt.Errorf("%w: %w", ErrConflict, err)
	}
	return seq, err
}

func (s stream) Tail(ctx context.Context, from uint64, begun func(last uint64), each func(seq uint64, data []byte) error) error {
	err := s.log.Tail(ctx, from, begun, each)
	var gap *bus.GapError
	if errors.As(err, &gap) {
		return fmt.Errorf("%w: %w", ErrTrimmed, err)
	}
	return err
}

func (s stream) Read(ctx context.Context, seq uint64) ([]byte, bool, error) {
	return s.log.Read(ctx, seq)
}

func (s stream) Trim(ctx context.Context, upTo uint64) error { return s.log.Trim(ctx, upTo) }

func (s stream) Leads() bool { return s.log.Leads() }

func (s stream) StepDown(ctx context.Context, preferred string) error {
	return s.log.StepDown(ctx, preferred)
}

func (s stream) Info(ctx context.Context) (Info, error) {
	in, err := s.log.Info(ctx)
	if err != nil {
		return Info{}, err
	}
	out := Info{First: in.First, Last: in.Last, Bytes: in.Bytes, Leader: in.Leader}
	for _, p := range in.Peers {
		out.Replicas = append(out.Replicas, p.Node)
	}
	return out, nil
}
