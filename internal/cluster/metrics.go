package cluster

import (
	"bytes"
	"fmt"
)

// WriteMetrics writes this node's part of the cluster in the Prometheus text format.
func (n *Node) WriteMetrics(b *bytes.Buffer) {
	all, alive := n.table.members()
	for name, m := range all {
		fmt.Fprintf(b, "spillway_cluster_node_up{peer=%q} %d\n", name, one(alive[name]))
		fmt.Fprintf(b, "spillway_cluster_disk_full{peer=%q} %d\n", name, one(m.Full))
		fmt.Fprintf(b, "spillway_cluster_clock_skew_seconds{peer=%q} %g\n", name, m.skew.Seconds())
	}
	for _, r := range n.all() {
		r.mu.Lock()
		fmt.Fprintf(b, "spillway_cluster_owner{partition=\"%d\"} %d\n", r.id, one(r.role == RoleOwner))
		fmt.Fprintf(b, "spillway_cluster_epoch{partition=\"%d\"} %d\n", r.id, r.at.epoch)
		fmt.Fprintf(b, "spillway_cluster_applied_sequence{partition=\"%d\"} %d\n", r.id, r.at.seq)
		fmt.Fprintf(b, "spillway_cluster_unflushed_messages{partition=\"%d\"} %d\n", r.id, r.at.seq-min(r.at.seq, r.flushed))
		fmt.Fprintf(b, "spillway_cluster_ownerships_total{partition=\"%d\"} %d\n", r.id, r.ownerships)
		fmt.Fprintf(b, "spillway_cluster_reseeds_total{partition=\"%d\"} %d\n", r.id, r.reseeds)
		if r.role == RoleOwner {
			fmt.Fprintf(b, "spillway_cluster_log_bytes{partition=\"%d\"} %d\n", r.id, r.size.bytes)
			fmt.Fprintf(b, "spillway_cluster_log_messages{partition=\"%d\"} %d\n", r.id, r.size.last+1-min(r.size.last+1, r.size.first))
		}
		r.mu.Unlock()
	}
	for id := range n.identity.Partitions + 1 {
		node, _, _ := n.table.owner(uint16(id))
		fmt.Fprintf(b, "spillway_cluster_owner_known{partition=\"%d\"} %d\n", id, one(node != ""))
	}
}

// one is 1 for yes and 0 for no.
func one(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
