//go:build linux && (amd64 || arm64)

package app

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// Every statement that the server logged is a record, complete, where GSSAPI encrypts the
// connections of clients that Kerberos knows, with packets and without.
func TestAttachGSS(t *testing.T) {
	k := pgtest.StartKerberos(t)
	s := pgtest.Start(t, pgtest.WithUser("alice", "", ""),
		pgtest.WithConf("krb_server_keyfile", k.Keytab),
		pgtest.WithHBA("hostgssenc all alice all gss include_realm=0", "host all alice all reject"),
		pgtest.WithConf("logging_collector", "on"), pgtest.WithConf("log_destination", "jsonlog"),
		pgtest.WithConf("log_statement", "all"))
	needAttach(t, s)
	k.Login(t, "alice")
	for _, args := range [][]string{
		{"--attach-only", "--attach=" + postmasterPID(t, s)},
		{"--attach=" + postmasterPID(t, s), "-i", "lo"},
	} {
		t.Run(strings.Join(args[1:], " "), func(t *testing.T) {
			before := len(logged(t, s))
			i := startInside(t, append(args, "--view", "queries,connections", "--max-value-bytes", "0")...)
			if args[1] == "-i" {
				i.stderr.waitFor(t, "capturing on lo")
			}
			sent := gssWork(t, s)
			records := i.stop(t)
			everyStatement(t, records, loggedAll(t, s, before+sent), before)
			connections := ofType(records, "connection", 0)
			if len(connections) < 1+2*5+2 {
				t.Errorf("%d connections", len(connections))
			}
			for _, c := range connections {
				if c["encryption"] != "gss" || c["decrypted_by"] != "attach" ||
					c["user"] != "alice" || c["state"] != "terminated" || c["lost_bytes"] != 0.0 || c["started_mid_stream"] != false {
					t.Errorf("%v", c)
				}
			}
		})
	}
}

// gssWork has clients work that want GSSAPI's encryption. It returns how many statements
// they sent.
func gssWork(t *testing.T, s *pgtest.Server) int {
	t.Helper()
	where := fmt.Sprintf("host=localhost hostaddr=%s port=%d user=alice dbname=postgres gssencmode=require", s.Host, s.Port)
	run := func(name, input string, args ...string) {
		t.Helper()
		cmd := exec.Command(pgtest.Tool(t, name), args...)
		cmd.Stdin = strings.NewReader(input)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v\n%s", name, err, out)
		}
	}
	statements := []string{
		"select gss_authenticated, encrypted from pg_stat_gssapi where pid = pg_backend_pid();",
		"create temporary table t (id int, v text);",
		"insert into t select i, repeat('x', 200) from generate_series(1, 3000) i;",
		"copy t to stdout;",
		"copy t from stdin;\n1\tcopied\n\\.",
		"select repeat('y', 2000000);",
		"select length('" + strings.Repeat("z", 50_000) + "');",
		"select 1/0;",
	}
	run("psql", strings.Join(statements, "\n"), where, "-X", "-q")
	script := filepath.Join(t.TempDir(), "script")
	if err := os.WriteFile(script, []byte("select 1 as short;\nselect :client_id;\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	run("pgbench", "", "-n", "-C", "-c", "2", "-t", "5", "-M", "simple", "-f", script, where)
	run("pgbench", "", "-n", "-c", "2", "-t", "20", "-M", "prepared", "-f", script, where)
	return len(statements) + 2*(5+20)*2
}
