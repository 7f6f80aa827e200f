package export

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// TestSQL runs the script of a capture against a server with the same tables: each
// query returns as many rows as it did in the capture, and fails where it failed.
func TestSQL(t *testing.T) {
	server := pgtest.Start(t, pgtest.WithUser("app", "", ""))
	server.Exec(t, "create database appdb owner app")
	fill(t, server)
	script := string(read(t, "base_mix", "-o", "sql", "--conn", "2"))
	if n := strings.Count(script, "execute pgsniff_"); n < 20 {
		t.Fatalf("%d executions in\n%s", n, script)
	}
	file := filepath.Join(t.TempDir(), "script.sql")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	psql := exec.Command(pgtest.Tool(t, "psql"), "-X", "-q", "-A", "-t", "-F", "\t", "-f", file, server.DSN("app", "appdb"))
	var stderr strings.Builder
	psql.Stderr = &stderr
	out, err := psql.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	rows, failed := 0, 0
	for _, q := range records[struct {
		Rows     int              `json:"rows"`
		Error    *json.RawMessage `json:"error"`
		Protocol string           `json:"protocol"`
	}](t, read(t, "base_mix", "--json", "--view", "queries", "--conn", "2")) {
		if rows += q.Rows; q.Error != nil {
			failed++
		}
	}
	if got := strings.Count(string(out), "\n"); got != rows || rows < 1000 {
		t.Errorf("%d rows, the capture has %d\n%s", got, rows, stderr.String())
	}
	if got := strings.Count(stderr.String(), "ERROR:"); got != failed || failed == 0 {
		t.Errorf("%d errors, the capture has %d: %s", got, failed, stderr.String())
	}
}

// TestExplain runs the plans of a capture's queries, and holds that nothing stays.
func TestExplain(t *testing.T) {
	server := pgtest.Start(t, pgtest.WithUser("app", "", ""))
	server.Exec(t, "create database appdb owner app")
	fill(t, server)
	file := filepath.Join(t.TempDir(), "script.sql")
	if err := os.WriteFile(file, read(t, "libpq_extended", "-o", "sql", "--explain"), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command(pgtest.Tool(t, "psql"), "-X", "-q", "-A", "-t", "-f", file, server.DSN("app", "appdb")).Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "Execution Time:"); n < 5 {
		t.Errorf("%s plans in\n%s", strconv.Itoa(n), out)
	}
	if !strings.Contains(string(out), "Insert on orders") {
		t.Errorf("no plan of the insert in\n%s", out)
	}
	left, err := server.Connect(t, "app", "appdb").Exec(t.Context(), "select count(*) from orders").ReadAll()
	if err != nil || string(left[0].Rows[0][0]) != "0" {
		t.Errorf("%s rows stay (%v)", left[0].Rows[0][0], err)
	}
}

// TestScriptRunsNoShell holds that a statement cannot have psql do what is not SQL.
func TestScriptRunsNoShell(t *testing.T) {
	mark := filepath.Join(t.TempDir(), "mark")
	out := hostileScript(t, `select 1 \! touch `+mark, `select 'x`, "select 1\n\\! touch "+mark, `copy t from stdin`)
	file := filepath.Join(t.TempDir(), "script.sql")
	if err := os.WriteFile(file, out, 0o600); err != nil {
		t.Fatal(err)
	}
	server := pgtest.Start(t)
	got, err := exec.Command(pgtest.Tool(t, "psql"), "-X", "-q", "-A", "-t", "-f", file, server.DSN("postgres", "postgres")).CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	if exists(mark) {
		t.Error("the shell was run")
	}
	if !strings.Contains(string(got), "the end") || strings.Count(string(out), "-- left out") != 4 {
		t.Errorf("%s\n%s", got, out)
	}
}

// hostileScript returns the script of a session that sends these texts, and a
// statement after them that is run.
func hostileScript(t *testing.T, texts ...string) []byte {
	t.Helper()
	return pgsniff(t, "read", "-q", capture(t, append(texts, "select 'the end'")...), "-o", "sql")
}

// capture writes the capture of a session that sends these texts.
func capture(t *testing.T, texts ...string) string {
	t.Helper()
	var b pcapBuilder
	b.open()
	for _, text := range texts {
		b.request("Q", text+"\x00")
		b.reply("C", "SELECT 1\x00")
		b.reply("Z", "I")
	}
	path := filepath.Join(t.TempDir(), "hostile.pcap")
	if err := os.WriteFile(path, b.buf, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
