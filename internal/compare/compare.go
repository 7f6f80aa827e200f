package compare

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"sort"
	"strings"
	"text/tabwriter"

	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/termsafe"
	"github.com/pgsniff/pgsniff/internal/units"
)

// Row is one statement on both sides.
type Row struct {
	Fingerprint   uint64
	Normalized    string
	Before, After *Query // nil where it does not occur
	P             float64
	weight        float64
}

// Change is what a comparison found.
type Change struct {
	Before, After       *Side
	Rows                []Row // the largest change in time first
	NewErrors           []string
	NewFindings, Solved []findings.Finding
	Changed             []ChangedFinding
}

// Compare compares two sides.
func Compare(before, after *Side) *Change {
	c := &Change{Before: before, After: after}
	prints := make(map[uint64]bool)
	for p := range before.Queries {
		prints[p] = true
	}
	for p := range after.Queries {
		prints[p] = true
	}
	for p := range prints {
		r := Row{Fingerprint: p, Before: before.Queries[p], After: after.Queries[p], P: 1}
		for _, q := range []*Query{r.After, r.Before} {
			if q != nil {
				r.Normalized = q.Normalized
			}
		}
		if r.Before != nil && r.After != nil {
			r.P = mannWhitney(r.Before.durations, r.After.durations)
		}
		r.weight = math.Abs(total(r.After) - total(r.Before))
		c.Rows = append(c.Rows, r)
	}
	sort.Slice(c.Rows, func(i, j int) bool {
		a, b := &c.Rows[i], &c.Rows[j]
		return a.weight > b.weight || a.weight == b.weight && a.Fingerprint < b.Fingerprint
	})
	for state, n := range after.Errors {
		if n > before.Errors[state] && before.Errors[state] == 0 {
			c.NewErrors = append(c.NewErrors, state)
		}
	}
	slices.Sort(c.NewErrors)
	c.Changed, c.Solved, c.NewFindings = match(before.Findings, after.Findings)
	return c
}

func total(q *Query) float64 {
	if q == nil {
		return 0
	}
	return q.total
}

// Status is what became of a statement: both, new or vanished.
func (r *Row) Status() string {
	switch {
	case r.Before == nil:
		return "new"
	case r.After == nil:
		return "vanished"
	}
	return "both"
}

// Significant reports whether the change of its durations is no chance.
func (r *Row) Significant() bool { return r.P < significant }

type jsonQuery struct {
	Calls  uint64 `json:"calls"`
	Errors uint64 `json:"errors"`
	Rows   uint64 `json:"rows"`
	Bytes  uint64 `json:"bytes"`
	Mean   int64  `json:"mean_ns"`
	P50    int64  `json:"p50_ns"`
	P95    int64  `json:"p95_ns"`
	P99    int64  `json:"p99_ns"`
}

func jsonOf(q *Query) *jsonQuery {
	if q == nil {
		return nil
	}
	return &jsonQuery{q.Calls, q.Errors, q.Rows, q.Bytes, int64(q.Mean()), int64(q.Quantile(0.5)), int64(q.Quantile(0.95)), int64(q.Quantile(0.99))}
}

type jsonRow struct {
	Type        string     `json:"type"`
	Status      string     `json:"status"`
	Normalized  string     `json:"normalized"`
	Fingerprint string     `json:"fingerprint"`
	Before      *jsonQuery `json:"before,omitempty"`
	After       *jsonQuery `json:"after,omitempty"`
	Change      *float64   `json:"mean_change,omitempty"`
	Test        string     `json:"test,omitempty"`
	P           *float64   `json:"p,omitempty"`
	Significant bool       `json:"significant"`
}

type jsonFinding struct {
	Code     string `json:"code"`
	Severity string `json:"severity"`
	Title    string `json:"title"`
}

type jsonSummary struct {
	Type        string        `json:"type"`
	Before      uint64        `json:"queries_before"`
	After       uint64        `json:"queries_after"`
	NewErrors   []string      `json:"new_errors"`
	NewFindings []jsonFinding `json:"new_findings"`
	Solved      []jsonFinding `json:"solved_findings"`
	Changed     []jsonChanged `json:"changed_findings"`
}

// WriteJSON writes a line for each statement, and one at the end for the rest.
func (c *Change) WriteJSON(w io.Writer) error {
	e := json.NewEncoder(termsafe.NewJSONWriter(w))
	e.SetEscapeHTML(false)
	for i := range c.Rows {
		r := &c.Rows[i]
		j := jsonRow{
			Type: "comparison", Status: r.Status(), Normalized: r.Normalized,
			Fingerprint: string(sqlnorm.AppendFingerprint(nil, r.Fingerprint)), Before: jsonOf(r.Before), After: jsonOf(r.After),
			Significant: r.Significant(),
		}
		if r.Before.Mean() > 0 && r.After.Mean() > 0 {
			change := math.Round(1e4*(r.After.Mean()/r.Before.Mean()-1)) / 1e4
			j.Change, j.Test, j.P = &change, Test, &r.P
		}
		if err := e.Encode(j); err != nil {
			return err
		}
	}
	s := jsonSummary{
		Type: "comparison_summary", Before: c.Before.Count, After: c.After.Count, NewErrors: append([]string{}, c.NewErrors...),
		NewFindings: jsonFindings(c.NewFindings), Solved: jsonFindings(c.Solved),
		Changed: jsonChangedFindings(c.Changed),
	}
	return e.Encode(s)
}

func jsonFindings(list []findings.Finding) []jsonFinding {
	out := []jsonFinding{}
	for i := range list {
		out = append(out, jsonFinding{list[i].Code, list[i].Severity.String(), list[i].Title})
	}
	return out
}

// WriteText writes a table of the statements with the largest change in time, top at
// most, and what is new or gone.
func (c *Change) WriteText(w io.Writer, top int) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%d queries before, %d after. Whether a change of the durations is chance: %s, p < %v is none.\n\n", c.Before.Count, c.After.Count, Test, significant)
	t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "calls\t\trows\t\tmean\t\tp95\t\tchange\tp\t")
	n := len(c.Rows)
	if top > 0 {
		n = min(n, top)
	}
	texts := make([]string, 0, n)
	for i := range c.Rows[:n] {
		r := &c.Rows[i]
		fmt.Fprintf(t, "%s\t→ %s\t%s\t→ %s\t%s\t→ %s\t%s\t→ %s\t%s\t%s\t\n",
			number(r.Before, func(q *Query) uint64 { return q.Calls }), number(r.After, func(q *Query) uint64 { return q.Calls }),
			number(r.Before, func(q *Query) uint64 { return q.Rows }), number(r.After, func(q *Query) uint64 { return q.Rows }),
			duration(r.Before.Mean()), duration(r.After.Mean()), duration(r.Before.Quantile(0.95)), duration(r.After.Quantile(0.95)),
			r.changeText(), r.chance())
		texts = append(texts, termsafe.Plain(r.Normalized))
	}
	t.Flush()
	lines := strings.SplitAfter(b.String(), "\n")
	var out strings.Builder
	for i, line := range lines {
		out.WriteString(line)
		if k := i - 3; k >= 0 && k < len(texts) {
			fmt.Fprintf(&out, "    %s\n", texts[k])
		}
	}
	if n < len(c.Rows) {
		fmt.Fprintf(&out, "and %d more (--top 0 shows all)\n", len(c.Rows)-n)
	}
	for _, state := range c.NewErrors {
		fmt.Fprintf(&out, "new error %s, %d times\n", termsafe.Plain(state), c.After.Errors[state])
	}
	for i := range c.NewFindings {
		fmt.Fprintf(&out, "new finding: %s %s: %s\n", c.NewFindings[i].Severity, c.NewFindings[i].Code, termsafe.Plain(c.NewFindings[i].Title))
	}
	writeChanged(&out, c.Changed)
	for i := range c.Solved {
		fmt.Fprintf(&out, "no longer: %s %s: %s\n", c.Solved[i].Severity, c.Solved[i].Code, termsafe.Plain(c.Solved[i].Title))
	}
	_, err := io.WriteString(w, out.String())
	return err
}

func number(q *Query, of func(*Query) uint64) string {
	if q == nil {
		return "-"
	}
	return fmt.Sprint(of(q))
}

// duration writes nanoseconds for people, and "-" where none are known.
func duration(ns float64) string {
	if ns <= 0 {
		return "-"
	}
	return units.Duration(int64(math.Round(ns)))
}

func (r *Row) changeText() string {
	if s := r.Status(); s != "both" {
		return s
	}
	if r.Before.Mean() == 0 || r.After.Mean() == 0 {
		return "-"
	}
	return fmt.Sprintf("%+.0f %%", 100*(r.After.Mean()/r.Before.Mean()-1))
}

func (r *Row) chance() string {
	switch {
	case r.Status() != "both":
		return ""
	case len(r.Before.durations) < minSample || len(r.After.durations) < minSample:
		return "too few"
	case r.P < 0.0001:
		return "<0.0001"
	}
	return fmt.Sprintf("%.4f", r.P)
}
