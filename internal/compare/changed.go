package compare

import (
	"cmp"
	"fmt"
	"io"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/order"
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

// kinship says how surely two findings are one illness, 0 not at all.
func kinship(b, a *findings.Finding) int {
	if b.Code != a.Code {
		return 0
	}
	app, query := application(b) == application(a), mainQuery(b) == mainQuery(a)
	switch findings.SubjectOf(b.Code) {
	case findings.OfStatement:
		if app && query {
			return 3
		}
	case findings.OfServer: // whose first victim is another one each time
		switch {
		case query && app:
			return 3
		case query:
			return 2
		}
		return 1
	default:
		switch {
		case app && query:
			return 3
		case app:
			return 2
		}
	}
	return 0
}

func application(f *findings.Finding) string {
	if len(f.Connections) == 0 {
		return ""
	}
	return f.Connections[0].Application
}

// mainQuery is the fingerprint of the statement that a finding is about most.
func mainQuery(f *findings.Finding) uint64 {
	if len(f.Queries) == 0 {
		return 0
	}
	return f.Queries[0].Fingerprint
}

// match pairs the findings of both sides, the surest pairs first, and returns the pairs that
// differ, and those of one side alone.
func match(before, after []findings.Finding) (changed []ChangedFinding, solved, added []findings.Finding) {
	partner, taken := make([]int, len(before)), make([]bool, len(after))
	for i := range partner {
		partner[i] = -1
	}
	for least := 3; least > 0; least-- {
		for i := range before {
			for k := range after {
				if partner[i] < 0 && !taken[k] && kinship(&before[i], &after[k]) >= least {
					partner[i], taken[k] = k, true
				}
			}
		}
	}
	for i, k := range partner {
		switch {
		case k < 0:
			solved = append(solved, before[i])
		case differs(&before[i], &after[k]):
			changed = append(changed, ChangedFinding{before[i], after[k]})
		}
	}
	for k := range after {
		if !taken[k] {
			added = append(added, after[k])
		}
	}
	byCode := func(a, b *findings.Finding) int { return cmp.Compare(a.Code, b.Code) }
	order.StableBy(solved, byCode)
	order.StableBy(added, byCode)
	order.StableBy(changed, func(a, b *ChangedFinding) int { return byCode(&a.After, &b.After) })
	return changed, solved, added
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
