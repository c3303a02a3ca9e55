package queue

import (
	"github.com/spillway/spillway/internal/partition"
	"github.com/spillway/spillway/internal/store"
)

// fence has a command that wrote nothing since the batch was so long wait for a
// batch all the same: an answer that is wrong if another node has taken over in
// silence must not be given before the log has taken something from this one. "The
// message is gone" is such an answer: the next owner may have it, sent after that.
// On a single machine it does nothing.
func (m *machine) fence(tx *partition.Tx, before int) {
	if tx.Fenced() && tx.Batch.Len() == before {
		// The smallest write that changes nothing: no queue has the number 0.
		tx.Batch.Delete(store.AppendKey(nil, m.p.ID(), store.SpaceSender, 0, 0))
	}
}
