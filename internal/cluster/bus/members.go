package bus

import (
	"context"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"
)

// LogInfo is a log as its leader sees it.
type LogInfo struct {
	First, Last uint64 // sequences; First is Last+1 when it is empty
	Bytes       uint64
	Leader      string
	Peers       []Peer // that keep it, the leader included
}

// Peer is a node that keeps a log.
type Peer struct {
	Node    string
	Current bool
	Offline bool
	Lag     uint64 // messages
}

// Leads tells whether this node leads the log. It asks nobody.
func (l *Log) Leads() bool { return l.b.server.JetStreamIsStreamLeader(account, l.name) }

// Kept tells whether this node is one of those that keep the log. It asks nobody.
func (l *Log) Kept() bool { return l.b.server.JetStreamIsStreamAssigned(account, l.name) }

// Info asks the leader.
func (l *Log) Info(ctx context.Context) (LogInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	stream, err := l.b.js.Stream(ctx, l.name)
	if err != nil {
		return LogInfo{}, fmt.Errorf("cluster: info of %s: %w", l.name, err)
	}
	info := stream.CachedInfo()
	out := LogInfo{First: info.State.FirstSeq, Last: info.State.LastSeq, Bytes: info.State.Bytes}
	if c := info.Cluster; c != nil {
		out.Leader = c.Leader
		if c.Leader != "" {
			out.Peers = append(out.Peers, Peer{Node: c.Leader, Current: true})
		}
		for _, r := range c.Replicas {
			out.Peers = append(out.Peers, Peer{Node: r.Name, Current: r.Current, Offline: r.Offline, Lag: r.Lag})
		}
	}
	return out, nil
}

// StepDown gives up the lead, to the preferred node if there is one and it can.
func (l *Log) StepDown(ctx context.Context, preferred string) error {
	ctx, cancel := context.WithTimeout(ctx, apiTime)
	defer cancel()
	request := map[string]any{}
	if preferred != "" {
		request["placement"] = map[string]string{"preferred": preferred}
	}
	return l.b.order(ctx, "STREAM.LEADER.STEPDOWN."+l.name, request, false)
}

// ReplacePeer has another node keep the log instead of one.
func (b *Bus) ReplacePeer(ctx context.Context, log, node string) error {
	return b.order(ctx, "STREAM.PEER.REMOVE."+log, map[string]string{"peer": node}, false)
}

// RemovePeer takes a node that is gone for good out of the cluster: what it kept
// moves to other nodes.
func (b *Bus) RemovePeer(ctx context.Context, node string) error {
	return b.order(ctx, "SERVER.REMOVE", map[string]string{"peer": node}, true)
}

// order is a request that is answered by yes or no.
func (b *Bus) order(ctx context.Context, subject string, request any, system bool) error {
	conn := b.conn
	if system {
		conn = b.admin
	}
	var reply struct {
		Error *jetstream.APIError `json:"error"`
	}
	if err := ask(ctx, conn, subject, request, &reply); err != nil {
		return err
	}
	if reply.Error != nil {
		return reply.Error
	}
	return nil
}
