package sqlnorm

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// minStatements is how many statements the comparison is to hold at least.
const minStatements = 200

// schema is what the statements of the corpus run against.
const schema = `
create extension pg_stat_statements;
create table t (id int, a int, b text, c numeric, d date, ts timestamptz, flag bool, j jsonb, arr int[]);
create table u (id int, t_id int, v text);
create table k (id int primary key, v text);
create table "Camel" ("Id" int, "Name" text);
create procedure p(int) language sql as 'select 1';
insert into t (id) select generate_series(1, 20);`

// statement is one of the corpus, with the groups that it is put in.
type statement struct {
	name, sql string
	text      string // normalised
	queryid   string // by pg_stat_statements
}

// TestAgainstServer compares the grouping with that of pg_stat_statements. Where
// they differ, testdata/differences.txt says so and why; what it lists and does
// not happen fails as well.
func TestAgainstServer(t *testing.T) {
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			server := pgtest.Start(t, pgtest.WithVersion(major),
				pgtest.WithConf("shared_preload_libraries", "pg_stat_statements"))
			server.Exec(t, schema)
			conn := server.Connect(t, "postgres", "postgres")
			statements := readStatements(t)
			if len(statements) < minStatements {
				t.Fatalf("the corpus has %d statements", len(statements))
			}
			for i := range statements {
				s := &statements[i]
				s.text = string(Append(nil, []byte(s.sql)))
				s.queryid = queryID(t, conn, s)
			}
			compareDifferences(t, findDifferences(statements), readDifferences(t, major))
		})
	}
}

func readStatements(t *testing.T) []statement {
	var all []statement
	group, n := "", 0
	for _, line := range readLines(t, "testdata/statements.sql") {
		if name, ok := strings.CutPrefix(line, "# "); ok {
			group, n = name, 0
			continue
		}
		n++
		sql := strings.ReplaceAll(line, `\n`, "\n")
		all = append(all, statement{name: fmt.Sprintf("%s.%d", group, n), sql: sql})
	}
	return all
}

// queryID runs a statement, with NULL for its parameters, and returns the
// queryid under which the server recorded it.
func queryID(t *testing.T, conn *pgconn.PgConn, s *statement) string {
	ctx := context.Background()
	if err := conn.Exec(ctx, "select pg_stat_statements_reset()").Close(); err != nil {
		t.Fatal(err)
	}
	prepared, err := conn.Prepare(ctx, "", s.sql, nil)
	if err != nil {
		t.Fatalf("%s: %v", s.name, err)
	}
	result := conn.ExecPrepared(ctx, "", make([][]byte, len(prepared.ParamOIDs)), nil, nil).Read()
	if result.Err != nil {
		t.Fatalf("%s: %v", s.name, result.Err)
	}
	ids, err := conn.Exec(ctx, `select queryid from pg_stat_statements
		where calls > 0 and query not like '%pg_stat_statements%'`).ReadAll()
	if err != nil || len(ids) != 1 || len(ids[0].Rows) != 1 {
		t.Fatalf("%s: recorded as %v, %v", s.name, ids, err)
	}
	return string(ids[0].Rows[0][0])
}

// findDifferences returns the differences of the two groupings. "merged a b":
// the two have one text here and two queryids there; "split a b": the other way
// round. Each group is compared with its first member only, and each part of it
// is named once, by its first member.
func findDifferences(statements []statement) []string {
	text := func(s statement) string { return s.text }
	queryid := func(s statement) string { return s.queryid }
	found := partsOf(statements, "merged", text, queryid)
	found = append(found, partsOf(statements, "split", queryid, text)...)
	slices.Sort(found)
	return found
}

func partsOf(statements []statement, what string, group, part func(statement) string) []string {
	var found []string
	first := map[string]statement{}
	seen := map[[2]string]bool{}
	for _, s := range statements {
		g, p := group(s), part(s)
		f, ok := first[g]
		if !ok {
			first[g], f = s, s
		}
		if part(f) != p && !seen[[2]string{g, p}] {
			found = append(found, strings.Join([]string{what, f.name, s.name}, " "))
		}
		seen[[2]string{g, p}] = true
	}
	return found
}

// readDifferences returns the differences that are listed for a version, with
// their reasons. A line is: versions, merged or split, two names, reason.
func readDifferences(t *testing.T, major int) map[string]string {
	listed := map[string]string{}
	for _, line := range readLines(t, "testdata/differences.txt") {
		fields := strings.Fields(line)
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(fields) < 5 {
			t.Fatalf("differences.txt: %q gives no reason", line)
		}
		if slices.Contains(strings.Split(fields[0], ","), fmt.Sprint(major)) {
			listed[strings.Join(fields[1:4], " ")] = strings.Join(fields[4:], " ")
		}
	}
	return listed
}

func compareDifferences(t *testing.T, found []string, listed map[string]string) {
	for _, d := range found {
		if listed[d] == "" {
			t.Errorf("not listed: %s", d)
		}
		delete(listed, d)
	}
	for d, reason := range listed {
		t.Errorf("listed, but no difference any more: %s (%s)", d, reason)
	}
}

// readLines returns the lines of a file that are not empty.
func readLines(t *testing.T, name string) []string {
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var lines []string
	for s := bufio.NewScanner(f); s.Scan(); {
		if s.Text() != "" {
			lines = append(lines, s.Text())
		}
	}
	return lines
}
