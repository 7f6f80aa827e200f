package compare

import (
	"fmt"
	"io"
	"slices"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/termsafe"
)

const (
	// A finding of both sides has changed where its severity has, where it occurs
	// changedTimes as often or as seldom, or costs so many times as much time, and
	// leastCost nanoseconds more or less at least.
	changedTimes = 1.5
	leastCost    = 10e6
)

// ChangedFinding is an illness of both sides whose numbers differ.
type ChangedFinding struct{ Before, After findings.Finding }

// changed returns the findings of both sides that have changed.
func changed(before, after map[string]findings.Finding) (list []ChangedFinding) {
	keys := make([]string, 0, len(before))
	for k, b := range before {
		if a, both := after[k]; both && differs(&b, &a) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		list = append(list, ChangedFinding{before[k], after[k]})
	}
	return list
}

func differs(b, a *findings.Finding) bool {
	cost := float64(a.Cost.TimeNS - b.Cost.TimeNS)
	return a.Severity != b.Severity || times(float64(b.Count), float64(a.Count)) ||
		(cost >= leastCost || -cost >= leastCost) && times(float64(b.Cost.TimeNS), float64(a.Cost.TimeNS))
}

func times(b, a float64) bool { return a >= changedTimes*b && a > b || b >= changedTimes*a && b > a }

type jsonNumbers struct {
	Severity string `json:"severity"`
	Count    uint64 `json:"count"`
	TimeNS   int64  `json:"time_ns"`
	Title    string `json:"title"`
}

type jsonChanged struct {
	Code   string      `json:"code"`
	Before jsonNumbers `json:"before"`
	After  jsonNumbers `json:"after"`
}

func jsonChangedFindings(list []ChangedFinding) []jsonChanged {
	numbers := func(f *findings.Finding) jsonNumbers {
		return jsonNumbers{f.Severity.String(), f.Count, f.Cost.TimeNS, f.Title}
	}
	out := []jsonChanged{}
	for i := range list {
		out = append(out, jsonChanged{list[i].After.Code, numbers(&list[i].Before), numbers(&list[i].After)})
	}
	return out
}

func writeChanged(w io.Writer, list []ChangedFinding) {
	for i := range list {
		b, a := &list[i].Before, &list[i].After
		severity := a.Severity.String()
		if a.Severity != b.Severity {
			severity = b.Severity.String() + " → " + severity
		}
		fmt.Fprintf(w, "changed finding: %s %s: %d → %d times", severity, a.Code, b.Count, a.Count)
		if b.Cost.TimeNS > 0 || a.Cost.TimeNS > 0 {
			fmt.Fprintf(w, ", %s → %s", duration(float64(b.Cost.TimeNS)), duration(float64(a.Cost.TimeNS)))
		}
		fmt.Fprintf(w, ": %s\n", termsafe.Plain(a.Title))
	}
}
