package app

import (
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/stats"
)

// statsFlags say what the view stats lists.
type statsFlags struct {
	Sort       string
	Top        int
	Every      time.Duration
	Histograms bool
}

func (f *statsFlags) add(cmd *cobra.Command) {
	s := cmd.Flags()
	s.StringVar(&f.Sort, "sort", "total", "stats: `ORDER` of the queries: "+strings.Join(stats.SortNames(), ", "))
	s.IntVar(&f.Top, "top", 10, "stats: list at most `N` queries (pretty: users, clients, … too); 0: all")
	s.DurationVar(&f.Every, "every", 0, "stats: in periods of `D` (10s) of the capture's time")
	s.BoolVar(&f.Histograms, "histograms", false, "stats: with histograms, for pgsniff merge; lists all queries, unless --top says otherwise")
}

func (f *statsFlags) notice(given func(string) bool) {
	if f.Histograms && !given("top") {
		f.Top = 0
	}
}

func (f *statsFlags) check() error {
	if err := oneOf("sort", f.Sort, stats.SortNames()...); err != nil {
		return err
	}
	if err := forward("every", f.Every); err != nil {
		return err
	}
	return natural("top", f.Top)
}
