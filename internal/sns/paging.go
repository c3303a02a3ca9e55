package sns

import (
	"encoding/base64"
	"sort"
	"strings"
)

// pageSize is that of all lists of SNS but those with MaxResults.
const pageSize = 100

// page cuts a page out of items in order of key.
func page[T any](items []T, key func(T) string, size int, token *string) (cut []T, next *string, err error) {
	sort.Slice(items, func(i, j int) bool { return key(items[i]) < key(items[j]) })
	if t := deref(token); t != "" {
		after, err := base64.StdEncoding.DecodeString(t)
		if err != nil || !strings.HasPrefix(string(after), tokenMark) {
			return nil, nil, invalid("nextToken Reason: invalid nextToken")
		}
		items = items[sort.Search(len(items), func(i int) bool { return key(items[i]) > string(after[len(tokenMark):]) }):]
	}
	if len(items) > size {
		items = items[:size]
		next = new(base64.StdEncoding.EncodeToString([]byte(tokenMark + key(items[size-1]))))
	}
	return items, next, nil
}

// tokenMark begins what a token encodes.
const tokenMark = "after:"
