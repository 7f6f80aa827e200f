package export

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// Columns of a server's csvlog.
const (
	colTime = iota
	colUser
	colDatabase
	colProcess
	colFrom
	colSession
	colLine
	colTag
	colSessionStart
	colVirtual
	colTransaction
	colSeverity
	colState
	colMessage
	colDetail
	numColumns = 26
)

func logRows(t *testing.T, out []byte) [][]string {
	t.Helper()
	r := csv.NewReader(bytes.NewReader(out))
	r.FieldsPerRecord = numColumns
	rows, err := r.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// logged is a line as far as a server and a capture can agree.
type logged struct{ message, detail, severity, state string }

// serverTruth is what the server of a capture logged itself.
type serverTruth struct {
	ServerLog []struct {
		Client string `json:"client"`
		Events []struct {
			Log      string `json:"log"`
			Detail   string `json:"detail"`
			Severity string `json:"severity"`
			SQLState string `json:"sqlstate"`
		} `json:"events"`
	} `json:"server_log"`
}

// Messages that both have; a server's "parse" and "bind" are not logged here.
var comparable = regexp.MustCompile(`^(connection received|connection authorized|statement|execute|disconnection)`)

// What the wire does not tell as the server has it.
var incomparable = regexp.MustCompile(` SSL enabled \(.*\)| port=\d+$|session time: \S+|identity=.*`)

func (l logged) comparable() (logged, bool) {
	l.message = incomparable.ReplaceAllString(l.message, "")
	if l.state != "" {
		l.message, l.detail = "", "" // the truth has none
	}
	return l, comparable.MatchString(l.message) || l.state != ""
}

// TestCSVLogIsTheServers holds -o csvlog against what the servers of the captures
// logged of the same connections.
func TestCSVLogIsTheServers(t *testing.T) {
	for _, name := range []string{"base_mix", "libpq_extended", "libpq_pipeline", "auth_md5", "auth_scram", "copy", "portal_suspend", "client_jdbc", "pgx_modes", "terminate_57P01"} {
		if !exists(filepath.Join(pcaps, name+".truth.json")) && !exists(filepath.Join(pcaps, name+".truth.json.gz")) {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var truth serverTruth
			if err := json.Unmarshal(file(t, name+".truth.json"), &truth); err != nil {
				t.Fatal(err)
			}
			got := make(map[string][]logged)
			for _, row := range logRows(t, read(t, name, "-o", "csvlog", "--csvlog-log", "statements")) {
				l := logged{row[colMessage], row[colDetail], row[colSeverity], row[colState]}
				if l.state == "00000" {
					l.severity, l.state = "", ""
				}
				if l, ok := l.comparable(); ok {
					got[row[colFrom]] = append(got[row[colFrom]], l)
				}
			}
			compared := 0
			for _, conn := range truth.ServerLog {
				var want []logged
				for _, e := range conn.Events {
					if l, ok := (logged{e.Log, e.Detail, e.Severity, e.SQLState}).comparable(); ok {
						want = append(want, l)
					}
				}
				compared += len(want)
				if got := got[conn.Client]; !slices.Equal(got, want) {
					for i := range max(len(got), len(want)) {
						if i >= len(got) || i >= len(want) || got[i] != want[i] && !unknownType(got[i], want[i]) {
							t.Errorf("%s, line %d:\ngot  %q\nwant %q", conn.Client, i, got[i:min(i+4, len(got))], want[i:min(i+4, len(want))])
							break
						}
					}
				}
			}
			if compared == 0 {
				t.Error("nothing was compared")
			}
		})
	}
}

// TestPgBadger has pgbadger count what stats counts.
func TestPgBadger(t *testing.T) {
	badger, err := exec.LookPath("pgbadger")
	if err != nil {
		missing(t, "needs pgbadger: apt-get install pgbadger")
	}
	dir := t.TempDir()
	log, report := filepath.Join(dir, "log.csv"), filepath.Join(dir, "report.json")
	if err := os.WriteFile(log, read(t, "base_mix", "-o", "csvlog"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(badger, "-q", "-f", "csv", "-x", "json", "-o", report, "--disable-checkpoint", log)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	b, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var badgered struct {
		Overall struct {
			Queries  int `json:"queries_number"`
			Errors   int `json:"errors_number"`
			Postgres struct {
				Select    int `json:"select"`
				Durations struct {
					Execute float64 `json:"execute"` // ms
				} `json:"queries_duration"`
				Histogram struct {
					Sessions int `json:"session_total"`
				} `json:"histogram"`
			} `json:"postgres"`
		} `json:"overall_stat"`
	}
	if err := json.Unmarshal(b, &badgered); err != nil {
		t.Fatal(err)
	}
	got := badgered.Overall
	// It counts queries that ended well, and errors beside them.
	var queries, errors, selects, conns int
	var ns int64
	for _, r := range records[struct {
		Type      string           `json:"type"`
		Operation string           `json:"operation"`
		Duration  int64            `json:"duration_ns"`
		Error     *json.RawMessage `json:"error"`
	}](t, read(t, "base_mix", "--json", "--view", "queries,connections")) {
		switch {
		case r.Type == "connection":
			conns++
		case r.Error != nil:
			errors++
		default:
			queries++
			ns += r.Duration / 1000 * 1000
			if r.Operation == "SELECT" {
				selects++
			}
		}
	}
	if got.Queries != queries || got.Errors != errors || got.Postgres.Select != selects || got.Postgres.Histogram.Sessions != conns || queries < 40 || errors == 0 {
		t.Errorf("pgbadger counts %+v, not %d queries, %d of them SELECT, %d errors, %d sessions", got, queries, selects, errors, conns)
	}
	if d := got.Postgres.Durations.Execute - float64(ns)/1e6; d > 0.001 || d < -0.001 {
		t.Errorf("pgbadger adds up %v ms, not %v", got.Postgres.Durations.Execute, float64(ns)/1e6)
	}
}

// TestPgreplay has pgreplay run a capture's statements again, against a server with
// the same tables, and holds what it ran against what the server then logged.
func TestPgreplay(t *testing.T) {
	replay, err := exec.LookPath("pgreplay")
	if err != nil {
		missing(t, "needs pgreplay: apt-get install pgreplay")
	}
	server := pgtest.Start(t, pgtest.WithUser("app", "", ""), pgtest.WithConf("log_statement", "all"))
	server.Exec(t, "create database appdb owner app")
	fill(t, server)
	log := filepath.Join(t.TempDir(), "log.csv")
	if err := os.WriteFile(log, read(t, "base_mix", "-o", "csvlog", "--csvlog-log", "statements"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(replay, "-c", "-j", "-h", server.Host, "-p", strconv.Itoa(server.Port), log)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", cmd, err, out)
	}
	logged, err := os.ReadFile(server.LogFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"select name from users where id = $1", "select 1 as n, 'simple query number 1' as txt", "select i, repeat('r', 120) from generate_series(1,$1::int) i"} {
		if !bytes.Contains(logged, []byte(want)) {
			t.Errorf("the server has not been asked: %s\n%s", want, out)
		}
	}
}

// fill makes the tables that the captures were made with.
func fill(t *testing.T, server *pgtest.Server) {
	conn := server.Connect(t, "app", "appdb")
	_, err := conn.Exec(context.Background(), `create table users (id int primary key, name text, email text, age int);
		insert into users values (1, 'ann', 'ann@x', 30), (2, 'bob', null, null), (3, 'żółć', 'z@x', 40);
		create table orders (id serial primary key, user_id int, amount numeric(10,2), note text)`).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
}

// unknownType reports whether two lines differ in a parameter in binary format only,
// whose type the wire does not tell.
//
// Long texts are cut in the truth.
func unknownType(got, want logged) bool {
	if head, _, cut := strings.Cut(want.message, "...<"); cut {
		return strings.HasPrefix(got.message, head) && got.detail == want.detail
	}
	return got.message == want.message && strings.Contains(got.detail, `= '\x`)
}
