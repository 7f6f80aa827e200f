package order_test

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/order"
)

type value struct {
	key, at int
	_       [100]byte
}

// TestOrder wants what slices makes of the same list.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for n := range 50 {
		list := make([]value, n)
		for i := range list {
			list[i] = value{key: rng.IntN(10), at: i}
		}
		want, stable := slices.Clone(list), slices.Clone(list)
		slices.SortStableFunc(want, func(a, b value) int { return cmp.Compare(a.key, b.key) })
		order.StableBy(stable, func(a, b *value) int { return cmp.Compare(a.key, b.key) })
		order.By(list, func(a, b *value) int { return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.at, b.at)) })
		if !slices.Equal(stable, want) || !slices.Equal(list, want) {
			t.Fatal(list, stable, want)
		}
	}
}
