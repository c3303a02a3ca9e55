package catalog

import (
	"context"
	"crypto/rand"
)

// secretSize is the length of secrets in bytes.
const secretSize = 32

// Secret returns the 32 random bytes kept under a key, made when it is first asked
// for: a data folder's own secret, the same as long as the folder lives. The
// caller must not change them.
func (c *Catalog) Secret(ctx context.Context, kind, key string) (secret []byte, err error) {
	if secret, ok := c.Get(kind, key); ok {
		return secret, nil
	}
	err = c.Ensure(ctx, func(tx *Tx) error {
		var ok bool
		if secret, ok = tx.Get(kind, key); !ok {
			secret = make([]byte, secretSize)
			rand.Read(secret) // never fails: the process ends if the system has no randomness
			tx.Put(kind, key, secret)
		}
		return nil
	})
	return secret, err
}
