package cluster

import (
	"time"

	"github.com/spillway/spillway/internal/store"
)

// Damage makes a replica's position one that no log continues, as a replica has that
// applied what its log then lost.
func Damage(st *store.Store, partition uint16) error {
	p, _, err := readPosition(st, partition)
	if err != nil {
		return err
	}
	p.hash[0] ^= 1
	b := st.NewBatch()
	b.Set(positionKey(partition), p.encode())
	return b.Commit(false)
}

// TrimWithout trims the logs as if a node had been away for very long.
func (n *Node) TrimWithout(node string) {
	n.flush()
	n.tell()
	n.table.mu.Lock()
	if m := n.table.nodes[node]; m != nil {
		m.heard = time.Time{}
	}
	n.table.mu.Unlock()
	n.trim()
}
