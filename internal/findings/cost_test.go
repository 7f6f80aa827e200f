package findings_test

import (
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/steptest"
)

// maxCost is how much more work the view findings may be than the view queries.
const maxCost = 1.3

// TestCost counts the statements of the program's source that run for captures of
// applications, healthy and ill ones: with the view findings they are at most maxCost
// times those with the view queries. Unlike the time it is the same on each machine, and
// a loop that grows with what is kept shows at once.
func TestCost(t *testing.T) {
	if testing.Short() {
		t.Skip("builds the program with counters")
	}
	program := steptest.Build(t, "../..")
	var allQueries, allFindings uint64
	for _, name := range []string{
		"well_pgbench_simple", "well_hot_endpoint", "well_orm_eager_django", "mixed_three", "single_row_inserts_autocommit",
		"n_plus_one_django", "n_plus_one_sqlalchemy_tx", "literal_sql_php", "tiny_fetch_size_jdbc", "reparse_churn_perl",
		"statement_leak_node", "wide_result_activerecord", "well_pg_dump", "connection_churn_php", "server_stall_once", "pooler_queue_transaction",
	} {
		file := filepath.Join("../../testdata/illness", name+".pcap.xz")
		queries := program.Run(t, nil, "read", file, "--view", "queries", "-o", "json", "-q")
		findings := program.Run(t, nil, "read", file, "--view", "findings", "-o", "json", "-q")
		if queries < 100_000 {
			t.Errorf("%s: %d statements only", name, queries)
		}
		if float64(findings) > maxCost*float64(queries) {
			t.Errorf("%s: %d statements, %d with --view queries", name, findings, queries)
		}
		t.Logf("%s: %.4f", name, float64(findings)/float64(queries))
		allQueries, allFindings = allQueries+queries, allFindings+findings
	}
	if float64(allFindings) > maxCost*float64(allQueries) {
		t.Errorf("%d statements in all, %d with --view queries", allFindings, allQueries)
	}
}
