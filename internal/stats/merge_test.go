package stats

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

// TestMergeableBuckets: each duration is in the bucket that ends at or after it, by less
// than one part in 64.
func TestMergeableBuckets(t *testing.T) {
	last := -1
	for ns := int64(0); ns >= 0 && ns < math.MaxInt64/2; ns += ns/100 + 1 {
		i := mergeableBucket(ns)
		if end := mergeableEnd(i); end < ns || end-ns > ns/histogramSteps || mergeableBucket(end) != i || mergeableBucket(end+1) != i+1 {
			t.Fatalf("%d is in bucket %d, which ends at %d", ns, i, end)
		}
		if i < last {
			t.Fatalf("bucket %d after %d", i, last)
		}
		last = i
	}
	if mergeableBucket(math.MaxInt64) != maxBucket {
		t.Errorf("the longest is in %d", mergeableBucket(math.MaxInt64))
	}
}

// TestMergeProperty: what is fed to several Stats at random, joined, is what one that
// was fed all says.
func TestMergeProperty(t *testing.T) {
	texts := []string{"", "select $1", "insert into t values ($1)", "commit", "select * from a where b = $1"}
	states := []string{"", "", "", "", "40001", "23505"}
	users := []string{"", "a", "b", "c"}
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		limits := Limits{Mergeable: true}
		all, parts := New(limits), []*Stats{New(limits), New(limits), New(limits)}
		for i := range random.IntN(600) {
			k := random.IntN(len(texts))
			q := QuerySample{
				Normalized: []byte(texts[k]), Fingerprint: uint64(k), Operation: texts[k][:min(3, len(texts[k]))],
				Duration: int64(random.ExpFloat64()*1e6) - 1, Rows: random.Uint64N(5), Bytes: random.Uint64N(500),
				SQLState: []byte(states[random.IntN(len(states))]), Message: []byte("m"), At: int64(i + 1), SQL: []byte("x"), SQLLen: 1,
				End: int64(i+1) * 1e9, // never two at once
			}
			q.Script = func() []byte { return []byte(texts[k] + ";") }
			c := ConnectionSample{User: users[random.IntN(len(users))], Queries: random.Uint64N(9), Bytes: 3, Encrypted: i%7 == 0}
			for _, s := range []*Stats{all, parts[random.IntN(len(parts))]} {
				s.Query(&q)
				s.Connection(&c)
			}
		}
		want := Merge([]*Report{all.Snapshot(SortP99, 0)}, SortP99, 0)
		var reports []*Report
		for _, p := range parts {
			reports = append(reports, p.Snapshot(SortTotal, 0))
		}
		if got := Merge(reports, SortP99, 0); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d:\n%+v\nis not\n%+v", seed, got, want)
		}
		one := all.Snapshot(SortP99, 0)
		for i := range one.Slowest {
			one.Slowest[i].Conn, one.Slowest[i].ID = 0, 0
		}
		for i := range one.Top {
			if w := one.Top[i].Worst; w != nil {
				w.Conn, w.ID = 0, 0
			}
		}
		if !reflect.DeepEqual(want.Top, one.Top) && len(one.Top) > 0 || !reflect.DeepEqual(want.All, one.All) || !reflect.DeepEqual(want.Durations, one.Durations) {
			t.Fatalf("seed %d: one report, merged:\n%+v\nis not\n%+v", seed, want, one)
		}
	}
}
