package server

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/spillway/spillway/internal/cluster"
	"github.com/spillway/spillway/internal/cluster/bus"
)

// logFolder is where in the data folder the log's files are.
const logFolder = "log"

const (
	// handOverTime bounds how long a node that stops waits for others to own what it
	// owned.
	handOverTime = 3 * time.Second
	// ownerless is how long a partition may be without an owner before this node says
	// that it is not healthy: longer than a fail-over, or a load balancer would take
	// all nodes out at every one.
	ownerless = 15 * time.Second
)

// clusterNode is a server's node, with what the server itself has to do in a cluster.
type clusterNode struct {
	*cluster.Node
	leads  chan bool // 1 slot, the latest: this node owns the catalog
	quit   chan struct{}
	ended  sync.WaitGroup
	closed sync.Once

	mu     sync.Mutex // guards wholly
	wholly time.Time  // when every partition last had an owner
}

// checkFolder makes sure that the data folder is of the kind that was asked for: one
// that belongs to a cluster must not be written without the others.
func (s *Server) checkFolder() error {
	member, err := cluster.Member(s.store)
	if err != nil {
		return err
	}
	if member && !s.config.Cluster.On() {
		return fmt.Errorf("data folder %s belongs to a node of a cluster: start it with --cluster, or make it one machine's with `spillway cluster leave %[1]s`", s.config.DataDir)
	}
	return nil
}

// joinCluster returns when the cluster has a majority.
func (s *Server) joinCluster(ctx context.Context) (*clusterNode, error) {
	c := s.config.Cluster
	if s.config.ClusterSecret() == "" {
		s.logger.Warn("the cluster has no secret: whoever reaches the nodes' addresses can be a node", "set", "SPILLWAY_CLUSTER_SECRET")
	}
	n, err := cluster.Join(ctx, cluster.Config{
		Config: bus.Config{
			Cluster: c.Name, Node: c.Node, Listen: c.Listen, Peers: c.Peers, ClientListen: c.NATSListen,
			Secret: clusterSecret(s.config),
			Dir:    filepath.Join(s.config.DataDir, logFolder), Logger: s.logger,
		},
		Partitions: s.config.Partitions, Size: c.Size(), Store: s.store,
	})
	if err != nil {
		return nil, err
	}
	return &clusterNode{Node: n, leads: make(chan bool, 1), quit: make(chan struct{}), wholly: time.Now()}, nil
}

func (s *Server) serveCatalog(ctx context.Context, partition uint16, request []byte) ([]byte, error) {
	return s.catalog.Serve(ctx, partition, request)
}

func (s *Server) serveQueue(ctx context.Context, partition uint16, request []byte) ([]byte, error) {
	return s.engine.Serve(ctx, partition, request)
}

func (s *Server) serveStream(ctx context.Context, partition uint16, request []byte) ([]byte, error) {
	return s.streams.Serve(ctx, partition, request)
}

// start begins to replicate, and to lead what only one node does.
func (n *clusterNode) start(s *Server) error {
	n.ended.Go(func() {
		for {
			select {
			case leads := <-n.leads:
				s.sqs.Lead(leads)
			case <-n.quit:
				return
			}
		}
	})
	return n.Run(s.set, cluster.Hooks{
		Refresh: s.catalog.Refresh,
		Owned: func(partition uint16, owned bool) {
			if partition != 0 {
				return
			}
			select {
			case <-n.leads: // not heeded yet, and out of date
			default:
			}
			n.leads <- owned // only this goroutine sends
		},
	})
}

// close ends both.
func (n *clusterNode) close() {
	n.closed.Do(func() {
		n.Close()
		close(n.quit)
		n.ended.Wait()
	})
}

// whole tells whether every partition has an owner, or had one a moment ago.
func (n *clusterNode) whole() bool {
	missing := n.Serving()
	n.mu.Lock()
	defer n.mu.Unlock()
	if len(missing) == 0 {
		n.wholly = time.Now()
	}
	return time.Since(n.wholly) < ownerless
}

// statusTime bounds how long the state of the logs is waited for.
const statusTime = 3 * time.Second

var errNoCluster = errors.New("this server is not part of a cluster")

func (s *Server) clusterStatus(ctx context.Context) (cluster.Status, error) {
	if s.node == nil {
		return cluster.Status{}, errNoCluster
	}
	ctx, cancel := context.WithTimeout(ctx, statusTime)
	defer cancel()
	return s.node.Status(ctx), nil
}
