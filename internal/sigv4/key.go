package sigv4

import (
	"crypto/sha256"
	"hash/maphash"
	"strings"
	"sync"
)

var zeroBlock [sha256.BlockSize]byte // never written

// hmacInPlace is HMAC-SHA256 of buf[BlockSize:]; it overwrites buf[:BlockSize]
// with the inner pad. Written out because crypto/hmac allocates its state on
// every call, and this runs on every request. The key is at most a block long.
func hmacInPlace(key, buf []byte) [sha256.Size]byte {
	for i := range sha256.BlockSize {
		buf[i] = 0x36
	}
	for i, k := range key {
		buf[i] ^= k
	}
	inner := sha256.Sum256(buf)
	var outer [sha256.BlockSize + sha256.Size]byte
	for i := range sha256.BlockSize {
		outer[i] = 0x5c
	}
	for i, k := range key {
		outer[i] ^= k
	}
	copy(outer[sha256.BlockSize:], inner[:])
	return sha256.Sum256(outer[:])
}

// keyID is what a signing key is derived for.
type keyID struct{ accessKeyID, date, region, service string }

// signingKey is a derived key with the secret that it came from, so that a
// changed secret is not verified with the old key. It is immutable.
type signingKey struct {
	id     keyID
	secret string
	key    [sha256.Size]byte
}

// newSigningKey derives a key. Its strings are its own.
func newSigningKey(id keyID, secret string) *signingKey {
	id = keyID{strings.Clone(id.accessKeyID), strings.Clone(id.date), strings.Clone(id.region), strings.Clone(id.service)}
	k := &signingKey{id: id, secret: secret}
	var buf []byte
	step := func(key []byte, message string) []byte {
		if len(key) > sha256.BlockSize {
			sum := sha256.Sum256(key)
			key = sum[:]
		}
		buf = append(append(buf[:0], zeroBlock[:]...), message...)
		mac := hmacInPlace(key, buf)
		return mac[:]
	}
	key := step([]byte("AWS4"+secret), id.date)
	key = step(key, id.region)
	key = step(key, id.service)
	copy(k.key[:], step(key, terminator))
	return k
}

const (
	cacheShards     = 16
	cacheGeneration = 256 // keys a shard and generation: 8192 keys, about 3 MB, at most
)

// keyCache keeps derived keys. A shard has two generations: when the young one
// is full it becomes the old one, and the old one is dropped; a hit in the old
// one moves the key back. So the keys in use stay, and the size is bounded.
type keyCache struct {
	seed   maphash.Seed
	shards [cacheShards]cacheShard
}

type cacheShard struct {
	mu         sync.RWMutex // guards both
	young, old map[keyID]*signingKey
}

func newKeyCache() *keyCache {
	c := &keyCache{seed: maphash.MakeSeed()}
	for i := range c.shards {
		c.shards[i].young = map[keyID]*signingKey{}
	}
	return c
}

func (c *keyCache) shard(id keyID) *cacheShard {
	return &c.shards[maphash.String(c.seed, id.accessKeyID)%cacheShards]
}

func (c *keyCache) get(id keyID, secret string) (*signingKey, bool) {
	shard := c.shard(id)
	shard.mu.RLock()
	k, young := shard.young[id]
	if !young {
		k = shard.old[id]
	}
	shard.mu.RUnlock()
	if k == nil || k.secret != secret {
		return nil, false
	}
	if !young {
		c.put(k)
	}
	return k, true
}

func (c *keyCache) put(k *signingKey) {
	shard := c.shard(k.id)
	shard.mu.Lock()
	defer shard.mu.Unlock()
	if len(shard.young) >= cacheGeneration {
		shard.old, shard.young = shard.young, make(map[keyID]*signingKey, cacheGeneration)
	}
	shard.young[k.id] = k
}
