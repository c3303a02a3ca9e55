package iam

import "sync"

const recentGeneration = 1024

// recent is a bounded cache: the entries of the last one to two generations.
// When the young generation is full it becomes the old one; a hit in the old
// one makes the entry young again.
type recent[V any] struct {
	mu         sync.RWMutex // guards both
	young, old map[string]V
}

func (r *recent[V]) get(key string) (V, bool) {
	r.mu.RLock()
	v, ok := r.young[key]
	aged := false
	if !ok {
		v, ok = r.old[key]
		aged = ok
	}
	r.mu.RUnlock()
	if aged {
		r.put(key, v)
	}
	return v, ok
}

// put keeps the key: it must not alias a network buffer.
func (r *recent[V]) put(key string, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.young == nil || len(r.young) >= recentGeneration {
		r.old, r.young = r.young, map[string]V{}
	}
	r.young[key] = v
}
