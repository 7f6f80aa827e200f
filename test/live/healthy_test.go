//go:build linux

package live

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// tools runs PostgreSQL's own programs against a server.
type tools struct {
	t   *testing.T
	s   *pgtest.Server
	dir string
}

func (x *tools) run(stdin, name string, args ...string) []byte {
	x.t.Helper()
	cmd := exec.Command(pgtest.Tool(x.t, name), args...)
	cmd.Env = append(os.Environ(), "PGHOST="+x.s.Host, "PGPORT="+portOf(x.s), "PGUSER="+x.s.SuperUser, "PGDATABASE=postgres")
	cmd.Stdin = strings.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		x.t.Fatalf("%s %v: %v\n%s", name, args, err, stderr.Bytes())
	}
	return out
}

// pgbenchModes are all of pgbench's scripts and protocols.
func (x *tools) pgbenchModes() {
	x.run("", "pgbench", "-i", "-q", "-s", "4")
	for _, mode := range []string{"simple", "extended", "prepared"} {
		for _, script := range []string{"tpcb-like", "simple-update", "select-only"} {
			x.run("", "pgbench", "-n", "-M", mode, "-b", script, "-c", "3", "-T", "1")
		}
	}
	x.run("", "pgbench", "-n", "-C", "-b", "select-only", "-c", "2", "-t", "40")
	file := filepath.Join(x.dir, "pipeline.sql")
	script := "\\startpipeline\nSELECT 1 FROM pgbench_branches WHERE bid = 1;\nSELECT 2 FROM pgbench_tellers WHERE tid = 3;\n\\endpipeline\n"
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		x.t.Fatal(err)
	}
	x.run("", "pgbench", "-n", "-M", "extended", "-f", file, "-c", "2", "-T", "1")
}

// psql is a person who looks around, loads and unloads data.
func (x *tools) psql() {
	var load strings.Builder
	load.WriteString("CREATE TABLE loaded (id int PRIMARY KEY, name text, at timestamptz DEFAULT now());\nCOPY loaded (id, name) FROM STDIN;\n")
	for i := range 20_000 {
		fmt.Fprintf(&load, "%d\tname of %d\n", i, i)
	}
	load.WriteString("\\.\n")
	x.run(load.String(), "psql", "-q", "-v", "ON_ERROR_STOP=1")
	x.run("\\d\n\\dt+\n\\d loaded\n\\di\n\\df\n\\du\n\\l\n\\dn\nSELECT count(*) FROM loaded;\nSELECT * FROM loaded WHERE id = 7;\n"+
		"BEGIN;\nUPDATE loaded SET name = 'x' WHERE id = 8;\nROLLBACK;\n\\copy loaded to /dev/null\n"+
		"SELECT pg_sleep(1.5);\nCREATE INDEX ON loaded (name);\nEXPLAIN ANALYZE SELECT * FROM loaded ORDER BY name LIMIT 5;\n", "psql", "-q")
	x.run("\\set FETCH_COUNT 1000\nSELECT * FROM loaded;\n", "psql", "-q", "-o", "/dev/null")
}

// dumps copy a database in each way.
func (x *tools) dumps() {
	plain := x.run("", "pg_dump")
	x.run("", "createdb", "again")
	x.run(string(plain), "psql", "-q", "-d", "again")
	custom := filepath.Join(x.dir, "custom")
	x.run("", "pg_dump", "-Fc", "-f", custom)
	x.run("", "createdb", "third")
	x.run("", "pg_restore", "-d", "third", "-j", "2", custom)
	directory := filepath.Join(x.dir, "directory")
	x.run("", "pg_dump", "-Fd", "-j", "2", "-f", directory)
	x.run("", "createdb", "fourth")
	inserts := x.run("", "pg_dump", "--inserts", "--rows-per-insert=500", "-t", "loaded")
	x.run(string(inserts), "psql", "-q", "-d", "fourth")
}

// upkeep is what administrators do, and standbys.
func (x *tools) upkeep() {
	x.run("", "vacuumdb", "--all", "--analyze", "-j", "2")
	x.run("", "reindexdb", "again")
	x.run("", "pg_isready")
	x.run("", "pg_basebackup", "-D", filepath.Join(x.dir, "backup"), "-c", "fast", "-X", "stream")
	x.run("", "pg_recvlogical", "-d", "postgres", "--slot", "s", "--create-slot", "-P", "test_decoding")
	x.run("UPDATE loaded SET name = 'y' WHERE id < 500;\nSELECT pg_current_wal_lsn() \\gset\n", "psql", "-q")
	end := strings.TrimSpace(string(x.run("SELECT pg_current_wal_lsn();", "psql", "-qAt")))
	x.run("", "pg_recvlogical", "-d", "postgres", "--slot", "s", "--start", "--endpos", end, "-f", filepath.Join(x.dir, "changes"))
	x.run("", "pg_recvlogical", "-d", "postgres", "--slot", "s", "--drop-slot")
}

// TestHealthyTools wants no warning about PostgreSQL's own programs: benchmarks of all
// kinds, a person at psql, dumps, loads, upkeep and replication.
func TestHealthyTools(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	needCapture(t)
	for _, c := range []struct {
		name string
		work []func(*tools)
	}{
		{"pgbench", []func(*tools){(*tools).pgbenchModes}},
		{"psql and dumps", []func(*tools){(*tools).psql, (*tools).dumps, (*tools).upkeep}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := pgtest.Start(t, pgtest.WithConf("wal_level", "logical"))
			packets := filepath.Join(t.TempDir(), "tools.pcapng")
			p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--view", "stats", "-w", packets)
			for _, work := range c.work {
				work(&tools{t, s, t.TempDir()})
			}
			time.Sleep(300 * time.Millisecond)
			if code := p.signal(syscall.SIGINT); code != 0 {
				t.Fatalf("exit code %d\n%s", code, p.stderr)
			}
			for _, f := range diagnosed(t, packets, "--port", portOf(s)) {
				if slices.Index(severities, f.Severity) > 1 {
					t.Errorf("%s %s: %s", f.Severity, f.Code, f.Title)
				} else {
					t.Logf("%s %s: %s", f.Severity, f.Code, f.Title)
				}
			}
		})
	}
}
