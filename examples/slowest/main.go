// Command slowest tells which queries of captures took the most time, with their
// constants left out.
//
//	slowest FILE...
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/pgsniff/pgsniff/pkg/capture"
)

func main() {
	if err := run(os.Stdout, os.Args[1:]...); err != nil {
		log.Fatal(err)
	}
}

// group is the queries that differ in constants only.
type group struct {
	sql           string
	calls, errors int
	rows          uint64
	total, worst  time.Duration
}

func run(w io.Writer, files ...string) error {
	groups := map[uint64]*group{}
	for r, err := range capture.Files(capture.Options{}, files...) {
		if w := new(capture.Warning); errors.As(err, &w) {
			log.Print(w)
			continue
		}
		if err != nil {
			return err
		}
		q, ok := r.(*capture.Query)
		if !ok || q.Normalized == "" {
			continue
		}
		g := groups[q.Fingerprint]
		if g == nil {
			g = &group{sql: q.Normalized}
			groups[q.Fingerprint] = g
		}
		g.calls++
		g.rows += q.Rows
		if q.Duration >= 0 { // its end was captured
			g.total += q.Duration
			g.worst = max(g.worst, q.Duration)
		}
		if q.Err != nil {
			g.errors++
		}
	}
	slowest := slices.SortedFunc(maps.Values(groups), func(a, b *group) int {
		return cmp.Or(cmp.Compare(b.total, a.total), cmp.Compare(a.sql, b.sql))
	})
	_, err := fmt.Fprintf(w, "%10s %10s %6s %6s %8s  query\n", "total", "worst", "calls", "errors", "rows")
	for _, g := range slowest[:min(10, len(slowest))] {
		if err == nil {
			_, err = fmt.Fprintf(w, "%10v %10v %6d %6d %8d  %s\n",
				g.total.Round(time.Microsecond), g.worst.Round(time.Microsecond), g.calls, g.errors, g.rows, g.sql)
		}
	}
	return err
}
