package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestTelling chooses among connections at random: what is chosen keeps its order, and has
// those that tell most, whichever way one looks.
func TestTelling(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	states := []string{"terminated", "terminated", "terminated", "failed", "reset", "open"}
	for round := range 200 {
		n, most := 1+r.IntN(300), 1+r.IntN(100)
		some := func(of int64) int64 { // equal ones among them, and none
			if r.IntN(3) > 0 {
				return 0
			}
			return r.Int64N(of)
		}
		var list []*connection
		for i := range n {
			start := r.Int64N(1000) - 100
			list = append(list, &connection{
				ID: uint64(i), Start: start, End: max(start, 0) + some(50), State: states[r.IntN(len(states))],
				Queries: uint64(some(100)), Errors: uint64(some(4)), IdleTime: some(1000), Findings: int(some(3)),
			})
		}
		got := telling(list, most)
		if len(got) != min(n, most) || !slices.IsSortedFunc(got, func(a, b *connection) int { return int(a.ID) - int(b.ID) }) {
			t.Fatalf("round %d: %d of %d, %d at most", round, len(got), n, most)
		}
		for way, much := range tellings {
			each := most / len(tellings)
			for _, c := range ranked(list, much)[:min(each, len(ranked(list, much)))] {
				if !slices.Contains(got, c) {
					t.Fatalf("round %d: connection %d is among the first %d in way %d, and is not chosen", round, c.ID, each, way)
				}
			}
		}
		if again := telling(list, most); !slices.Equal(got, again) {
			t.Fatalf("round %d: another choice the second time", round)
		}
	}
}

// TestForgets holds that connections that are open, and the most telling others, are still
// known when there were too many to keep.
func TestForgets(t *testing.T) {
	o := &output{}
	for i := range maxKept {
		o.conns = append(o.conns, &connection{ID: uint64(i), over: i%10 > 0, Errors: uint64(i % 5000 / 4999), Queries: 1})
	}
	open, failed := 0, 0
	o.forget()
	for _, c := range o.conns {
		if !c.over {
			open++
		} else if c.Errors > 0 {
			failed++
		}
	}
	if open != maxKept/10 || failed != maxKept/5000 || len(o.conns) != maxKept/10+maxKept/2 {
		t.Errorf("%d are left, %d open, %d with errors", len(o.conns), open, failed)
	}
}

// TestIdle holds that the longest pauses of a connection are kept, in order, and all counted.
func TestIdle(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100 {
		c := &connection{}
		var all [][2]int64
		now, sum := int64(0), int64(0)
		for range r.IntN(60) {
			from := now + r.Int64N(1e9)
			now = from + 1 + r.Int64N(5*shortPause)
			if c.idle(from, now); now-from >= shortPause {
				all, sum = append(all, [2]int64{from, now}), sum+now-from
			}
		}
		longest := func(a, b [2]int64) int { return int(b[1] - b[0] - a[1] + a[0]) }
		slices.SortStableFunc(all, longest)
		want := all[:min(len(all), maxPauses)]
		slices.SortFunc(want, func(a, b [2]int64) int { return int(a[0] - b[0]) })
		if c.IdleTime != sum || !slices.Equal(c.Idle, want) {
			t.Fatalf("%d ns, %v; want %d, %v", c.IdleTime, c.Idle, sum, want)
		}
	}
}

// TestFits fills a page with as much of all as it may hold, in characters that take six
// each: it fits, is JSON, and what was left out is counted.
func TestFits(t *testing.T) {
	long := func(n, i int) string { return fmt.Sprint(i) + strings.Repeat("<", n) }
	d := &data{}
	for i := range maxConns {
		d.Connections = append(d.Connections, &connection{ID: uint64(i), User: long(120, i), Database: long(120, i), App: long(120, i), Client: "10.0.0.1:65535", Server: "10.0.0.2:5432"})
	}
	for i := range maxClasses {
		c := &class{Fingerprint: "0123456789abcdef", SQL: long(maxSQL, i), Spark: slices.Repeat(spark{1000000}, sparkBins)}
		for range min(maxSlowest, max(0, 2*maxDetailed-i)) {
			c.Slowest = append(c.Slowest, &call{SQL: long(maxCallSQL, i), Params: long(maxParams, i), Steps: slices.Repeat([]step{{Name: "CopyBothResponse"}}, maxSteps)})
		}
		d.Classes = append(d.Classes, c)
	}
	for _, g := range []*[]*group{&d.Users, &d.Databases, &d.Apps, &d.Clients} {
		for i := range maxGroups {
			*g = append(*g, &group{Name: long(120, i)})
		}
	}
	for i := range maxErrors {
		d.Errors = append(d.Errors, &failure{State: "XX000", Message: long(maxParams, i), Example: &call{SQL: long(maxExampleSQL, i), Params: long(maxParams, i)}})
	}
	for i := range maxFindings {
		f, err := json.Marshal(map[string]any{"code": "x", "title": long(1000, i), "advice": long(300, i), "evidence": slices.Repeat([]any{map[string]any{"text": long(200, i)}}, maxShown), "queries": slices.Repeat([]any{map[string]any{"normalized": long(maxSQL, i)}}, maxShown)})
		if err != nil {
			t.Fatal(err)
		}
		d.Findings = append(d.Findings, f)
	}
	for i := range maxSlots * numBuckets / 2 {
		d.Heat = append(d.Heat, [3]int{i % maxSlots, i / maxSlots, 1000})
	}
	text, err := fitting(d)
	if err != nil || len(text) > maxData || !json.Valid(text) {
		t.Fatalf("%v, %d bytes, valid: %v", err, len(text), json.Valid(text))
	}
	var got struct {
		Connections []connection
		MoreConns   int `json:"more_connections"`
		Classes     []class
	}
	if err := json.Unmarshal(text, &got); err != nil || len(got.Connections)+got.MoreConns != maxConns || len(got.Classes) != maxClasses || !strings.HasPrefix(got.Classes[7].SQL, "7<") {
		t.Errorf("%v: %d connections and %d more, %d classes", err, len(got.Connections), got.MoreConns, len(got.Classes))
	}
}
