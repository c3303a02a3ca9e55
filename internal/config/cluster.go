package config

import (
	"net"
	"regexp"
	"slices"
	"strconv"
)

// On reports whether this node is part of a cluster.
func (c *Cluster) On() bool { return c.Name != "" }

// clusterName is the form of the names of clusters and nodes: they become parts of
// subjects and files.
var clusterName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9-]{0,62}$`)

func (c *Config) validateCluster(v *validation) {
	k := &c.Cluster
	if !k.On() {
		if k.Node != "" || k.Listen != "" || len(k.Peers) > 0 {
			v.add("cluster.name", "must be set when other settings of the cluster are")
		}
		return
	}
	if !clusterName.MatchString(k.Name) {
		v.add("cluster.name", "must be 1 to 63 letters, digits and -, not %q", k.Name)
	}
	if !clusterName.MatchString(k.Node) {
		v.add("cluster.node", "must be 1 to 63 letters, digits and -, not %q", k.Node)
	}
	if c.Storage != StorageDisk {
		v.add("storage", "must be disk in a cluster")
	}
	local := v.address("cluster.listen", k.Listen)
	for _, peer := range k.Peers {
		local = v.address("cluster.peers", peer) && local
	}
	if k.Size() < 3 {
		v.add("cluster.peers", "must name at least three nodes, this one included: two cannot go on when one is lost")
	}
	if k.NATSListen != "" {
		v.address("cluster.nats_listen", k.NATSListen)
	}
	if c.ClusterSecret() == "" && !local && !c.InsecureDev {
		v.add("cluster.secret", "must be set (SPILLWAY_CLUSTER_SECRET), since others reach the nodes' addresses and there is no root key to make it from")
	}
	if s := k.Secret; s != "" && len(s) < 16 {
		v.add("cluster.secret", "must have at least 16 characters")
	}
}

// Size is how many nodes there are. One that listens on all its addresses is among
// the peers under one of them.
func (k *Cluster) Size() int {
	names := slices.Clone(k.Peers)
	if host, _, err := net.SplitHostPort(k.Listen); err == nil {
		if ip := net.ParseIP(host); ip == nil || !ip.IsUnspecified() {
			names = append(names, k.Listen)
		}
	}
	slices.Sort(names)
	return len(slices.Compact(names))
}

// address checks HOST:PORT, and reports whether it is on loopback.
func (v *validation) address(key, text string) (local bool) {
	host, port, err := net.SplitHostPort(text)
	if err == nil {
		_, err = strconv.ParseUint(port, 10, 16)
	}
	if err != nil || host == "" {
		v.add(key, "must be HOST:PORT such as 10.0.0.1:6222, not %q", text)
		return true
	}
	return loopback(host)
}

// ClusterSecret is what the nodes share: the configured one, or what they share
// anyway, the root key. "" if there is neither.
func (c *Config) ClusterSecret() Secret {
	if c.Cluster.Secret != "" {
		return c.Cluster.Secret
	}
	if c.Root.SecretAccessKey != "" {
		return "root key: " + c.Root.SecretAccessKey
	}
	return ""
}
