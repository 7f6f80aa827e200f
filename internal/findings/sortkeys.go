package findings

import (
	"cmp"
	"slices"
)

// sortedKeys returns the keys of a map in order, so that what is made of it does
// not depend on chance.
func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
