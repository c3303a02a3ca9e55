package bus

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/spillway/spillway/internal/pause"
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
	Current bool   // it has what the leader has, or nearly
	Offline bool   // the leader has not heard from it for a while
	Lag     uint64 // messages
}

// Leads tells whether this node leads the log. It asks nobody.
func (l *Log) Leads() bool {
	return l.b.config.alone() || l.b.server.JetStreamIsStreamLeader(account, l.name)
}

// Kept tells whether this node is one of those that keep the log. It asks nobody.
func (l *Log) Kept() bool {
	return l.b.config.alone() || l.b.server.JetStreamIsStreamAssigned(account, l.name)
}

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
	if info.State.Msgs == 0 {
		out.First = out.Last + 1 // JetStream says 0 of a log that never had a message
	}
	if l.b.config.alone() {
		out.Leader, out.Peers = l.b.Node(), []Peer{{Node: l.b.Node(), Current: true}}
	} else if c := info.Cluster; c != nil {
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

// RemovePeer takes a node that is gone for good out of the cluster: what it kept
// moves to other nodes. It tries until ctx ends.
//
// The node is named by JetStream's id of it: servers that were started after its
// death never heard its name.
func (b *Bus) RemovePeer(ctx context.Context, node string) error {
	request := map[string]string{"peer": node, "peer_id": peerID(node)}
	for again := false; ; again = true { // a request that finds no leader has no answer
		asking, cancel := context.WithTimeout(ctx, apiTime)
		err := b.order(asking, "SERVER.REMOVE", request, true)
		cancel()
		if err == nil {
			return nil
		}
		var api *jetstream.APIError
		if errors.As(err, &api) {
			switch server.ErrorIdentifier(api.ErrorCode) {
			case server.JSClusterServerNotMemberErr:
				if again {
					return nil // an earlier attempt did it
				}
				return err
			case server.JSClusterNotAvailErr, server.JSClusterServerMemberChangeInflightErr:
			default:
				return err
			}
		}
		if !pause.For(ctx, pollEvery) {
			return err
		}
	}
}

// peerID is JetStream's name for a node in its Raft groups.
func peerID(node string) string {
	const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	sum := sha256.Sum256([]byte(node))
	id := sum[:8]
	for i, b := range id {
		id[i] = digits[int(b)%len(digits)]
	}
	return string(id)
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
	if err := ask(ctx, conn, apiPrefix+subject, request, &reply); err != nil {
		return err
	}
	if reply.Error != nil {
		return reply.Error
	}
	return nil
}
