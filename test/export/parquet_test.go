package export

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// duckdb runs a query and returns its rows.
func duckdb(t *testing.T, query string) []map[string]any {
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil || os.Getenv("PGSNIFF_NODE_MODULES") == "" {
		missing(t, "needs Node.js and DuckDB: npm install @duckdb/node-api, and PGSNIFF_NODE_MODULES=its node_modules")
	}
	cmd := exec.Command(node, "../../internal/parquet/testdata/rows.mjs", query)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return records[map[string]any](t, out)
}

// TestParquetIsTheJSON holds that DuckDB reads from Parquet files what the same records
// are as JSON, each field of each record.
func TestParquetIsTheJSON(t *testing.T) {
	for _, name := range []string{"base_mix", "libpq_extended", "pgx_types", "client_jdbc", "cancel_pg18_proto32"} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			const views = "queries,messages,connections"
			read(t, name, "-o", "parquet", "--view", views, "--to", dir, "--parquet-host", "h1")
			want := make(map[string][]map[string]any)
			for _, r := range records[map[string]any](t, read(t, name, "--json", "--view", views, "--max-value-bytes", "0")) {
				kind := r["type"].(string)
				want[kind] = append(want[kind], r)
			}
			for view, kind := range map[string]string{"queries": "query", "messages": "message", "connections": "connection"} {
				rows := duckdb(t, fmt.Sprintf("select * from read_parquet('%s/view=%s/**/*.parquet', hive_partitioning=true, file_row_number=true) order by file_row_number", dir, view))
				if len(rows) != len(want[kind]) || len(rows) == 0 {
					t.Fatalf("%d rows of %s, want %d", len(rows), view, len(want[kind]))
				}
				for i, row := range rows {
					compareRow(t, row, want[kind][i])
				}
			}
		})
	}
}

// compareRow holds a row against a record of JSON.
func compareRow(t *testing.T, row, want map[string]any) {
	t.Helper()
	if row["host"] != "h1" {
		t.Errorf("the host is %v", row["host"])
	}
	for key, v := range want {
		got := row[key]
		switch key {
		case "type", "ts", "end", "truncated", "cut": // JSON's own, and times, which are less precise
			continue
		case "params":
			v = hexTexts(v)
		}
		switch w := v.(type) {
		case map[string]any:
			got = parsed(t, got)
		case []any:
			if s, ok := got.(string); ok {
				got = parsed(t, s)
			}
		case float64:
			v = fmt.Sprintf("%.0f", w) // DuckDB's 64-bit numbers come as strings
		}
		if key == "body" || key == "results" {
			v, got = plain(v), plain(got)
		}
		if !reflect.DeepEqual(got, v) {
			t.Errorf("%s is %v, in JSON %v", key, got, v)
			return
		}
	}
	for key, v := range row {
		if _, ok := want[key]; !ok && v != nil && !strings.Contains(" ts_ns file_row_number date host view ", " "+key+" ") {
			t.Errorf("%s is %v, and JSON has none", key, v)
		}
	}
}

func parsed(t *testing.T, v any) (out any) {
	s, ok := v.(string)
	if !ok {
		return v
	}
	if err := json.Unmarshal([]byte(s), &out); err != nil {
		t.Errorf("%q: %v", s, err)
	}
	return out
}

// hexTexts writes JSON's values that are no text as Parquet files have them.
func hexTexts(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = hexTexts(v[i])
		}
		return out
	case map[string]any:
		if h, ok := v["hex"].(string); ok && len(v) == 1 {
			return `\x` + h
		}
	}
	return v
}

// plain makes values comparable that are in both forms within objects.
func plain(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = plain(v[i])
		}
		return out
	case map[string]any:
		if h, ok := hexTexts(v).(string); ok {
			return h
		}
		out := make(map[string]any, len(v))
		for k := range v {
			out[k] = plain(v[k])
		}
		return out
	}
	return v
}

// TestParquetRotates holds that files end by size and by time, that each is whole, and
// that together they have every record once.
func TestParquetRotates(t *testing.T) {
	dir := t.TempDir()
	read(t, "base_mix", "-o", "parquet", "--to", dir, "--parquet-every", "10ms")
	files, err := filepath.Glob(dir + "/view=queries/date=*/host=*/*.parquet")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	if left, _ := filepath.Glob(dir + "/view=queries/date=*/host=*/*.unfinished"); len(left) > 0 {
		t.Error(left)
	}
	var queries int
	for _, q := range records[map[string]any](t, read(t, "base_mix", "--json", "--view", "queries")) {
		if q["type"] == "query" {
			queries++
		}
	}
	rows := duckdb(t, fmt.Sprintf("select count(*)::int as n, count(distinct (conn, id))::int as d from read_parquet('%s/view=queries/**/*.parquet')", dir))
	if rows[0]["n"] != float64(queries) || rows[0]["d"] != float64(queries) {
		t.Errorf("%v, want %d", rows[0], queries)
	}
}
