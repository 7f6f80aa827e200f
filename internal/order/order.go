// Package order sorts lists of large values.
package order

import "sort"

// By sorts a list by what compare returns: negative where a comes before b. Unlike
// slices.SortFunc it does not hand values around, and does not add 15 kB of code to the
// program for each type of them.
func By[T any](list []T, compare func(a, b *T) int) {
	sort.Slice(list, func(i, j int) bool { return compare(&list[i], &list[j]) < 0 })
}

// StableBy is By that keeps the order of equal values.
func StableBy[T any](list []T, compare func(a, b *T) int) {
	sort.SliceStable(list, func(i, j int) bool { return compare(&list[i], &list[j]) < 0 })
}
