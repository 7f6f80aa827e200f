package findings_test

import (
	"bufio"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// maxCost is how much more work the view findings may be than the view queries.
const maxCost = 1.3

// listCost is that for an application that asks for nothing but lists: their values are
// compared with what is asked next, and the other view counts rows alone.
const listCost = 1.7

// TestCost counts the statements of the program's source that run for captures of
// applications, healthy and ill ones: with the view findings they are at most maxCost
// times those with the view queries. Unlike the time it is the same on each machine, and
// a loop that grows with what is kept shows at once.
func TestCost(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program with counters")
	}
	program := filepath.Join(t.TempDir(), "pgsniff")
	build := exec.Command("go", "build", "-pgo=off", "-cover", "-covermode=atomic", "-coverpkg=./...", "-o", program, "./cmd/pgsniff")
	build.Dir = "../.."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	var allQueries, allFindings uint64
	for _, name := range []string{
		"well_pgbench_simple", "well_hot_endpoint", "well_orm_eager_django", "mixed_three", "single_row_inserts_autocommit",
		"n_plus_one_django", "literal_sql_php", "connection_churn_php", "server_stall_once", "pooler_queue_transaction",
	} {
		file := filepath.Join("../../testdata/illness", name+".pcap.xz")
		queries, findings := executed(t, program, file, "queries"), executed(t, program, file, "findings")
		if queries < 100_000 {
			t.Errorf("%s: %d statements only", name, queries)
		}
		limit := maxCost
		if name == "well_orm_eager_django" {
			limit = listCost
		}
		if float64(findings) > limit*float64(queries) {
			t.Errorf("%s: %d statements, %d with --view queries", name, findings, queries)
		}
		t.Logf("%s: %.2f", name, float64(findings)/float64(queries))
		allQueries, allFindings = allQueries+queries, allFindings+findings
	}
	if float64(allFindings) > maxCost*float64(allQueries) {
		t.Errorf("%d statements in all, %d with --view queries", allFindings, allQueries)
	}
}

// executed returns how many statements of the program ran for a view of a capture.
func executed(t *testing.T, program, file, view string) (n uint64) {
	t.Helper()
	counters := t.TempDir()
	cmd := exec.Command(program, "read", file, "--view", view, "-q")
	cmd.Env = append(os.Environ(), "GOCOVERDIR="+counters)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	profile := filepath.Join(counters, "profile")
	if out, err := exec.Command("go", "tool", "covdata", "textfmt", "-i", counters, "-o", profile).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(profile)
	if err != nil {
		t.Fatal(err)
	}
	// A line is file:from,to statements times.
	lines := bufio.NewScanner(bytes.NewReader(b))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 3 {
			continue // mode: atomic
		}
		statements, err1 := strconv.ParseUint(f[1], 10, 64)
		times, err2 := strconv.ParseUint(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			t.Fatalf("%q", lines.Text())
		}
		n += statements * times
	}
	return n
}
