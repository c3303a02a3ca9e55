package server

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/spillway/spillway/internal/cluster"
	"github.com/spillway/spillway/internal/cluster/bus"
	"github.com/spillway/spillway/internal/config"
	"github.com/spillway/spillway/internal/store"
)

// ClusterStatus asks a node for its view of the cluster.
func ClusterStatus(ctx context.Context, endpoint string) (*cluster.Status, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, strings.TrimSuffix(endpoint, "/")+"/_spillway/cluster", nil)
	if err != nil {
		return nil, err
	}
	// The certificate is for others' name of this machine; what is asked is public.
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 16<<20))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the node answers %s: %s", resp.Status, strings.TrimSpace(string(body)))
	}
	status := new(cluster.Status)
	return status, json.Unmarshal(body, status)
}

// InitCluster makes the data folder of a single machine the beginning of a
// cluster's. No server may run on it.
func InitCluster(dir string) error { return changeFolder(dir, cluster.Init) }

// LeaveCluster makes the data folder of a cluster's node a single machine's, with
// what the node had applied. The cluster is not told.
func LeaveCluster(dir string) error {
	if err := changeFolder(dir, cluster.Leave); err != nil {
		return err
	}
	return os.RemoveAll(filepath.Join(dir, logFolder))
}

func changeFolder(dir string, change func(*store.Store) error) error {
	if _, err := os.Stat(dir); err != nil {
		return err
	}
	st, err := store.Open(store.Options{Dir: dir})
	if err != nil {
		return err
	}
	return errors.Join(change(st), st.Close())
}

// RemoveNode has the node that runs on a data folder take another one, that will not
// come back, out of the cluster.
func RemoveNode(ctx context.Context, dataDir, node string) error {
	client := socketClient(filepath.Join(dataDir, adminSocket))
	defer client.CloseIdleConnections()
	body, err := json.Marshal(removeRequest{Node: node})
	if err != nil {
		return err
	}
	return post(ctx, client, "http://spillway/cluster/remove", body)
}

// removeRequest names a node.
type removeRequest struct {
	Node string `json:"node"`
}

func (s *Server) serveRemove(w http.ResponseWriter, r *http.Request) {
	var in removeRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil || in.Node == "" {
		http.Error(w, "need a node", http.StatusBadRequest)
		return
	}
	if s.node == nil {
		http.Error(w, errNoCluster.Error(), http.StatusConflict)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), handOverTime)
	defer cancel()
	if err := s.node.Remove(ctx, in.Node); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.logger.Info("took a node out of the cluster", "peer", in.Node)
}

// ClusterAuthority is the certificate of the cluster's authority, in PEM.
func ClusterAuthority(c *config.Config) ([]byte, error) {
	if !c.Cluster.On() {
		return nil, errNoCluster
	}
	return bus.Authority(clusterSecret(c), c.Cluster.Name)
}

// clusterSecret is never empty: without any it is known to all, which Validate
// allows on loopback only.
func clusterSecret(c *config.Config) string {
	if secret := c.ClusterSecret(); secret != "" {
		return string(secret)
	}
	return "no secret: " + c.Cluster.Name
}
