package stats

import (
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestSnapshot(t *testing.T) {
	s := New(Limits{})
	s.SetTraffic(Traffic{Packets: 9, Bytes: 900, LostBytes: 3, KernelDropped: 1})
	clock := int64(1e18)
	add := func(text string, duration int64, rows uint64, state string) {
		clock += 10e6 // longer than each takes
		s.Query(&QuerySample{
			Normalized: []byte(text), Fingerprint: uint64(text[0]), Operation: "SELECT",
			Duration: duration, Rows: rows, Bytes: rows * 10, SQLState: []byte(state),
			Message: []byte("message of " + text), At: duration, Conn: 3, ID: rows, SQL: []byte("SELECT " + text), SQLLen: 99, End: clock,
		})
	}
	add("b", 30_000, 1, "")
	add("a", 10_000, 1, "")
	add("b", 10_000, 2, "23505")
	add("b", -1, 0, "")
	add("c", 5_000_000, 0, "42P01")
	s.Error(&ErrorSample{SQLState: []byte("28P01")})
	s.Error(&ErrorSample{SQLState: []byte("23505")})
	s.Message(messages.KindQuery, 4)
	s.Message(messages.KindDataRow, 7)
	s.Message(messages.Kind(255), 1)
	s.Connection(&ConnectionSample{User: "u1", Database: "d", Client: "10.0.0.1", Queries: 4, Errors: 1, Bytes: 50, Lifetime: time.Second})
	s.Connection(&ConnectionSample{User: "u2", Database: "d", Client: "10.0.0.2", Queries: 1, Errors: 1, Lifetime: time.Second})
	s.Connection(&ConnectionSample{User: "u2", Database: "d", Client: "10.0.0.2"})

	got := s.Snapshot(SortTotal, 0)
	want := &Report{
		Traffic:     Traffic{Packets: 9, Bytes: 900, LostBytes: 3, KernelDropped: 1},
		Connections: 3, Lifetime: 2 * time.Second, Active: 5_050_000, MaxActive: 1, Messages: 12, Queries: 5, Errors: 4, Distinct: 3,
		Top: []Query{
			{
				Normalized: "c", TextLen: 1, Fingerprint: 'c', Operation: "SELECT", Calls: 1, Errors: 1, Timed: 1,
				Total: 5e6, Mean: 5e6, Min: 5e6, P50: 5e6, P95: 5e6, P99: 5e6, Max: 5e6,
			},
			{
				Normalized: "b", TextLen: 1, Fingerprint: 'b', Operation: "SELECT", Calls: 3, Errors: 1, Rows: 3, Bytes: 30, Timed: 2,
				Total: 40_000, Mean: 20_000, Min: 10_000, P50: 10_000, P95: 30_000, P99: 30_000, Max: 30_000,
			},
			{
				Normalized: "a", TextLen: 1, Fingerprint: 'a', Operation: "SELECT", Calls: 1, Rows: 1, Bytes: 10, Timed: 1,
				Total: 10_000, Mean: 10_000, Min: 10_000, P50: 10_000, P95: 10_000, P99: 10_000, Max: 10_000,
			},
		},
		All: Query{
			Calls: 5, Errors: 2, Rows: 4, Bytes: 40, Timed: 4, Total: 5_050_000, Mean: 1_262_500,
			Min: 10_000, P50: 10_000, P95: 5e6, P99: 5e6, Max: 5e6,
		},
		Durations: []Bucket{
			{10_000, 20_000, 2},
			{20_000, 50_000, 1},
			{50_000, 100_000, 0},
			{100_000, 200_000, 0},
			{200_000, 500_000, 0},
			{500_000, 1e6, 0},
			{1e6, 2e6, 0},
			{2e6, 5e6, 0},
			{5e6, 10e6, 1},
		},
		Users:        Groups{Groups: []Group{{"u2", 2, 1, 1, 0}, {"u1", 1, 4, 1, 50}}},
		Databases:    Groups{Groups: []Group{{"d", 3, 5, 2, 50}}},
		Applications: Groups{Groups: []Group{{"", 3, 5, 2, 50}}},
		Clients:      Groups{Groups: []Group{{"10.0.0.2", 2, 1, 1, 0}, {"10.0.0.1", 1, 4, 1, 50}}},
		Slowest: []Call{
			{At: 5e6, Conn: 3, Duration: 5e6, SQL: "SELECT c", TextLen: 99},
			{At: 30_000, Conn: 3, ID: 1, Duration: 30_000, SQL: "SELECT b", TextLen: 99},
			{At: 10_000, Conn: 3, ID: 1, Duration: 10_000, SQL: "SELECT a", TextLen: 99},
			{At: 10_000, Conn: 3, ID: 2, Duration: 10_000, SQL: "SELECT b", TextLen: 99},
		},
		Failures: []Failure{
			{SQLState: "23505", Count: 1},
			{SQLState: "23505", Fingerprint: 'b', Normalized: "b", Operation: "SELECT", Count: 1, At: 10_000, Conn: 3, ID: 2, Message: "message of b"},
			{SQLState: "28P01", Count: 1},
			{SQLState: "42P01", Fingerprint: 'c', Normalized: "c", Operation: "SELECT", Count: 1, At: 5e6, Conn: 3, Message: "message of c"},
		},
		SQLStates: []Count{{"23505", 2}, {"28P01", 1}, {"42P01", 1}},
		ByMessage: []Count{{"DataRow", 7}, {"Query", 4}, {"Unknown", 1}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
}

func TestSort(t *testing.T) {
	s := New(Limits{})
	add := func(id uint64, n int, duration int64, rows, bytes uint64, state string) {
		for range n {
			s.Query(&QuerySample{
				Normalized: fmt.Append(nil, id), Fingerprint: id,
				Duration: duration, Rows: rows, Bytes: bytes, SQLState: []byte(state),
			})
		}
	}
	add(1, 10, 100, 0, 0, "")
	add(2, 1, 900, 50, 7, "")
	add(3, 2, 800, 1, 99, "")
	add(4, 1, 1, 0, 0, "57014")
	add(5, 1, 5000, 0, 0, "")
	add(5, 8, 10, 0, 0, "")
	wants := map[Sort][]uint64{
		SortTotal: {5, 3, 1, 2, 4}, SortCalls: {1, 5, 3, 2, 4}, SortErrors: {4, 1, 5, 3, 2},
		SortRows: {2, 3, 1, 5, 4}, SortBytes: {3, 2, 1, 5, 4}, SortMean: {2, 3, 5, 1, 4},
		SortP50: {2, 3, 1, 5, 4}, SortP95: {5, 2, 3, 1, 4}, SortP99: {5, 2, 3, 1, 4}, SortMax: {5, 2, 3, 1, 4},
	}
	for _, name := range SortNames() {
		by, err := ParseSort(name)
		if err != nil || by.String() != name {
			t.Fatalf("ParseSort(%q) = %v, %v", name, by, err)
		}
		var got []uint64
		for _, q := range s.Snapshot(by, 0).Top {
			got = append(got, q.Fingerprint)
		}
		if !slices.Equal(got, wants[by]) {
			t.Errorf("by %s: %v, want %v", name, got, wants[by])
		}
		if first := s.Snapshot(by, 2).Top; len(first) != 2 || first[1].Fingerprint != wants[by][1] {
			t.Errorf("first two by %s: %v", name, first)
		}
	}
	if _, err := ParseSort("speed"); err == nil || !strings.Contains(err.Error(), "p99") {
		t.Errorf("ParseSort(speed): %v", err)
	}
}

// TestLimits goes beyond each limit and looks for everything in the totals.
func TestLimits(t *testing.T) {
	s := New(Limits{Queries: 2, Text: 4, Groups: 1, SQLStates: 1})
	for i := range 5 {
		s.Query(&QuerySample{
			Normalized: []byte("select " + string(rune('a'+i))), Fingerprint: uint64(i),
			Duration: 1000, Rows: 1, SQLState: fmt.Appendf(nil, "0000%d", i),
		})
		s.Connection(&ConnectionSample{User: string(rune('a' + i)), Queries: 1})
	}
	s.Query(&QuerySample{Normalized: []byte("select a"), Fingerprint: 0, Duration: 3000})
	r := s.Snapshot(SortCalls, 0)
	if r.Distinct != 2 || len(r.Top) != 2 || r.Top[0].Calls != 2 || r.Top[0].Normalized != "sele" || r.Top[0].TextLen != 8 {
		t.Errorf("queries: %+v", r.Top)
	}
	if r.Other == nil || r.Other.Calls != 3 || r.Other.Rows != 3 || r.Other.Errors != 3 || r.Other.Total != 3000 {
		t.Errorf("other queries: %+v", r.Other)
	}
	if r.Queries != 6 || r.Errors != 5 || r.All.Rows != 5 {
		t.Errorf("totals: %+v", r)
	}
	if len(r.SQLStates) != 1 || r.OtherSQLStates != 4 {
		t.Errorf("errors: %+v and %d", r.SQLStates, r.OtherSQLStates)
	}
	if u := r.Users; len(u.Groups) != 1 || u.Groups[0].Name != "a" || u.Other == nil || u.Other.Connections != 4 || u.Other.Queries != 4 {
		t.Errorf("users: %+v", u)
	}
	if d := r.Databases; len(d.Groups) != 1 || d.Groups[0].Connections != 5 || d.Other != nil {
		t.Errorf("databases: %+v", d)
	}
}

// TestTurns adds queries and connections that take turns, as often as they repeat.
func TestTurns(t *testing.T) {
	s := New(Limits{Queries: 2, Groups: 2})
	for _, i := range []int{0, 0, 1, 0, 2, 2, 3, 2, 1, 1, 0, 2} {
		name := string(rune('a' + i))
		s.Query(&QuerySample{Normalized: []byte(name), Fingerprint: uint64(i), Duration: int64(15e3 << (i % 3))})
		s.Connection(&ConnectionSample{User: name})
	}
	r := s.Snapshot(SortCalls, 0)
	if len(r.Top) != 2 || r.Top[0].Calls != 4 || r.Top[1].Calls != 3 || r.Other.Calls != 5 {
		t.Errorf("queries: %+v, others %+v", r.Top, r.Other)
	}
	if u := r.Users; len(u.Groups) != 2 || u.Groups[0].Connections != 4 || u.Groups[1].Connections != 3 || u.Other.Connections != 5 {
		t.Errorf("users: %+v", u)
	}
	var got []string
	for _, b := range r.Durations {
		got = append(got, fmt.Sprintf("%d: %d", b.From, b.Count))
	}
	if want := "10000: 5 20000: 3 50000: 4"; strings.Join(got, " ") != want {
		t.Errorf("durations: %v, want %s", got, want)
	}
}

// TestPercentiles compares with the durations themselves, for distributions that
// a histogram must follow.
func TestPercentiles(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	shapes := map[string]func(i int) int64{
		"same":          func(int) int64 { return 12_345 },
		"zero":          func(int) int64 { return 0 },
		"uniform":       func(int) int64 { return 1e6 + rng.Int64N(1e6) },
		"exponential":   func(int) int64 { return int64(rng.ExpFloat64() * 2e6) },
		"slow at first": func(i int) int64 { return max(2e9/int64(i+1), 1e5+rng.Int64N(1e5)) },
		"slower":        func(i int) int64 { return int64(i+1) * 1e6 },
		"two peaks":     func(i int) int64 { return []int64{2e5, 3e9}[i%2] + rng.Int64N(1e4) },
	}
	for name, shape := range shapes {
		for _, n := range []int{1, 2, maxExact, maxExact + 1, 5000} {
			for _, fine := range []bool{true, false} {
				var d durations
				var all []int64
				for i := range n {
					ns := shape(i)
					d.add(ns, fine)
					all = append(all, ns)
				}
				checkPercentiles(t, fmt.Sprintf("%s, %d, fine %v", name, n, fine), &d, all, fine)
			}
		}
	}
}

func checkPercentiles(t *testing.T, name string, d *durations, all []int64, fine bool) {
	t.Helper()
	slices.Sort(all)
	tolerance, unit := 0.0, 0.0 // relative and absolute
	switch {
	case len(all) > maxExact && fine:
		tolerance, unit = 0.01, minUnit2
	case len(all) > maxExact:
		tolerance, unit = 0.0625, minUnit1
	}
	percents := []float64{50, 95, 99}
	for i, got := range d.percentiles(percents...) {
		want := all[int(math.Ceil(percents[i]/100*float64(len(all))))-1]
		if diff := math.Abs(float64(got - want)); diff > max(tolerance*float64(want), unit) {
			t.Errorf("%s: p%v is %d, want %d", name, percents[i], got, want)
		}
	}
	var total int64
	for _, ns := range all {
		total += ns
	}
	if d.min != all[0] || d.max != all[len(all)-1] || d.total != total || d.mean() != total/int64(len(all)) {
		t.Errorf("%s: min %d max %d total %d mean %d", name, d.min, d.max, d.total, d.mean())
	}
}

func TestLongDurations(t *testing.T) {
	var d durations
	for range 3 * maxExact {
		d.add(math.MaxInt64/4, true)
	}
	if d.total != math.MaxInt64 || d.max != math.MaxInt64/4 {
		t.Errorf("total %d, max %d", d.total, d.max)
	}
	if p := d.percentiles(50); p[0] < maxTracked {
		t.Errorf("p50 %d", p[0])
	}
}

func TestBuckets(t *testing.T) {
	for i, bound := range bucketBounds {
		if got := [...]int{bucketOf(bound - 1), bucketOf(bound)}; got != [...]int{i, i + 1} {
			t.Errorf("around %d: %v", bound, got)
		}
	}
	s := New(Limits{})
	s.Query(&QuerySample{Duration: 1 << 62})
	if got := s.Snapshot(SortCalls, 0).Durations; !slices.Equal(got, []Bucket{{100e9, 0, 1}}) {
		t.Errorf("%+v", got)
	}
	if got := New(Limits{}).Snapshot(SortCalls, 0).Durations; got != nil {
		t.Errorf("nothing: %+v", got)
	}
}

// TestMemory holds the limit that the package's documentation gives for 10,000
// queries of many calls each.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("adds a million queries")
	}
	before := heap()
	s := New(Limits{})
	text := []byte(strings.Repeat("select ", 30))
	rng := rand.New(rand.NewPCG(1, 2))
	for range 100 {
		for q := range 10_000 {
			s.Query(&QuerySample{Normalized: text, Fingerprint: uint64(q), Duration: int64(rng.ExpFloat64() * 1e6)})
		}
	}
	const limit = 24 << 20
	if used := heap() - before; used > limit {
		t.Errorf("%d MiB", used>>20)
	} else {
		t.Logf("%.1f MiB", float64(used)/(1<<20))
	}
	runtime.KeepAlive(s)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func TestQueryAllocates(t *testing.T) {
	s := New(Limits{})
	sample := &QuerySample{Normalized: []byte("select $1"), Fingerprint: 1, Duration: 1e6, SQLState: []byte("23505")}
	for range 2 * maxExact {
		s.Query(sample)
	}
	if n := testing.AllocsPerRun(100, func() {
		s.Query(sample)
		s.Message(messages.KindDataRow, 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkQuery(b *testing.B) {
	s := New(Limits{})
	sample := &QuerySample{Normalized: []byte("select $1"), Duration: 1e6}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		sample.Fingerprint = uint64(i % 100)
		sample.Duration = int64(i%1000) * 1000
		s.Query(sample)
	}
}

// TestSlowest keeps the slowest of many calls, in whatever order they come, without
// memory for each.
func TestSlowest(t *testing.T) {
	for name, order := range map[string]func(i int) int64{
		"rising": func(i int) int64 { return int64(i) }, "falling": func(i int) int64 { return int64(1000 - i) },
		"mixed": func(i int) int64 { return int64(i * 8 % 1001) },
	} {
		s := New(Limits{})
		q := &QuerySample{SQL: []byte(strings.Repeat("x", 3000)), SQLLen: 3000}
		for i := range 1001 {
			q.Duration, q.At = order(i), order(i)
			s.Query(q)
		}
		calls := s.Snapshot(SortTotal, 0).Slowest
		if len(calls) != maxSlow || len(calls[0].SQL) != maxSlowText || calls[0].TextLen != 3000 {
			t.Fatalf("%s: %d calls", name, len(calls))
		}
		for i, c := range calls {
			if want := int64(1000 - i); c.Duration != want || c.At != want {
				t.Errorf("%s: call %d took %d, want %d", name, i, c.Duration, want)
			}
		}
		if n := testing.AllocsPerRun(100, func() { q.Duration++; s.Query(q) }); n != 0 {
			t.Errorf("%s: %v allocations for a call", name, n)
		}
	}
}
