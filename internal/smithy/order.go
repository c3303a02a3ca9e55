package smithy

import "slices"

// SortedKeys appends the keys of m to dst in byte order, so that the same value
// is always written as the same bytes.
func SortedKeys[V any](dst []string, m map[string]V) []string {
	for k := range m {
		dst = append(dst, k)
	}
	if len(dst) > 1 {
		slices.Sort(dst)
	}
	return dst
}
