//go:build linux

package live

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// expected is what has to be found of the programs in workloads: the first code is their
// illness, which is told at least as gravely; the others may be told beside it.
var expected = map[string]struct {
	severity string
	codes    []string
}{
	"list-page":    {"info", []string{"n_plus_one"}},
	"small-page":   {"info", []string{"n_plus_one"}},
	"importer":     {"info", []string{"single_row_inserts"}},
	"text-builder": {"warning", []string{"literal_sql"}},
	"idler":        {"critical", []string{"idle_in_transaction", "lock_wait"}},
	"idler-victim": {"warning", []string{"lock_wait", "idle_in_transaction"}},
	"lock-waiter":  {"warning", []string{"lock_wait"}},
	"crossing":     {"critical", []string{"deadlock", "lock_wait"}},
	"limited":      {"critical", []string{"statement_timeout"}},
	"cancelling":   {"critical", []string{"cancel_storm"}},
	"careless":     {"warning", []string{"aborted_transaction_use"}},
	"stubborn":     {"warning", []string{"retry_storm"}},
	"reconnecting": {"info", []string{"connection_churn"}},
	"leaking":      {"warning", []string{"statement_leak"}},
	"preparing":    {"info", []string{"reparse_churn"}},
	"pinging":      {"info", []string{"chatty_ping"}},
	"paging":       {"info", []string{"tiny_fetch_size"}},
	"gallery":      {"warning", []string{"wide_result"}},
	"wanting":      {"warning", []string{"unbounded_result", "slow_consumer"}},
	"locked-out":   {"warning", []string{"failed_logins"}},
	"naked":        {"critical", []string{"cleartext_password"}},
	"crowd":        {"critical", []string{"too_many_connections"}},
	"victim":       {"critical", []string{"backend_crash"}},
	"healthy":      {"", nil},
}

// hasty are the programs that ask again at once, which is a part of their illness.
var hasty = map[string]bool{
	"list-page": true, "small-page": true, "importer": true, "text-builder": true, "leaking": true, "preparing": true, "pinging": true, "paging": true,
}

var severities = []string{"", "info", "warning", "critical"}

// finding is what the tests look at of a finding.
type finding struct {
	Code, Severity, Confidence, Title, Advice string
	Connections                               []struct {
		Application string `json:"application_name"`
		User        string
	}
}

func (f *finding) about(application string) bool {
	for _, c := range f.Connections {
		if c.Application == application {
			return true
		}
	}
	return false
}

// diagnosed returns the findings of a capture.
func diagnosed(t *testing.T, file string, args ...string) (list []finding) {
	t.Helper()
	cmd := pgsniff("", append([]string{"read", file, "--view", "findings", "--json", "-q"}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.Bytes())
	}
	for line := range bytes.Lines(out) {
		var f finding
		if err := json.Unmarshal(line, &f); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, f)
	}
	return list
}

// TestFindings lets ill programs and a healthy one loose on a server, many at once, and
// wants each illness to be told of the program that has it.
func TestFindings(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	needCapture(t)
	s := pgtest.Start(t, pgtest.WithUser("guarded", "right", "scram-sha-256"), pgtest.WithUser("naked", "bare", "password"),
		pgtest.WithConf("deadlock_timeout", "200ms"), pgtest.WithConf("max_connections", "60"))
	s.Exec(t, workloadTables)
	s.Exec(t, "VACUUM ANALYZE")
	packets := filepath.Join(t.TempDir(), "all.pcapng")
	p := start(t, "", "live", "-i", "lo", "--port", portOf(s), "--view", "stats", "-w", packets)
	for name := range hasty {
		// A busy machine makes pauses where the program makes none: such a turn is none.
		for range 10 {
			c := &patient{t: t, s: s, name: name}
			if workloads[name](c); c.longest < 10*time.Millisecond {
				break
			}
		}
	}
	var running sync.WaitGroup
	for name, run := range workloads {
		if !hasty[name] {
			running.Go(func() { run(&patient{t: t, s: s, name: name}) })
		}
	}
	running.Wait()
	crash(t, s)
	time.Sleep(300 * time.Millisecond)
	if code := p.signal(syscall.SIGINT); code != 0 {
		t.Fatalf("exit code %d\n%s", code, p.stderr)
	}
	list := diagnosed(t, packets, "--port", portOf(s))
	for name, want := range expected {
		checkProgram(t, list, name, want.severity, want.codes)
	}
	if t.Failed() {
		for _, f := range list {
			t.Logf("%s %s: %s", f.Severity, f.Code, f.Title)
		}
	}
}

// checkProgram looks at what is told of one program.
func checkProgram(t *testing.T, list []finding, name, severity string, codes []string) {
	t.Helper()
	first := ""
	for _, f := range list {
		if !f.about(name) || f.Code == "slow_query" {
			continue
		}
		grave := slices.Index(severities, f.Severity)
		if first == "" && len(codes) > 0 {
			first = f.Code
			if f.Code == codes[0] && grave < slices.Index(severities, severity) {
				t.Errorf("%s: %s is told as %s", name, f.Code, f.Severity)
			}
		}
		// The crash ends all that is connected.
		if grave > 1 && !slices.Contains(codes, f.Code) && f.Code != "backend_crash" {
			t.Errorf("%s: %s %s: %s", name, f.Severity, f.Code, f.Title)
		}
		if f.Advice == "" {
			t.Errorf("%s: %s has no advice", name, f.Code)
		}
	}
	told := func(code string) bool {
		return slices.ContainsFunc(list, func(f finding) bool { return f.Code == code && f.about(name) })
	}
	if len(codes) > 0 && !told(codes[0]) {
		t.Errorf("%s: no %s", name, codes[0])
	}
}

// crash kills a server process, and waits until the server has recovered.
func crash(t *testing.T, s *pgtest.Server) {
	t.Helper()
	c := &patient{t: t, s: s, name: "victim"}
	conn := c.connect()
	for range 2 {
		other := &patient{t: t, s: s, name: "bystander"}
		other.simple(other.connect(), "SELECT name FROM authors WHERE id = 1")
	}
	rows, err := conn.Exec(t.Context(), "SELECT pg_backend_pid()").ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(string(rows[0].Rows[0][0]))
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		c.simple(conn, "SELECT count(*) FROM generate_series(1, 100000000) g")
		close(done)
	}()
	time.Sleep(200 * time.Millisecond)
	// It is still that server's process, which has an open connection.
	if name, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline"); err != nil || !strings.Contains(string(name), "postgres") {
		t.Fatalf("%q %v", name, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-done
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if again, err := (&patient{t: t, s: s, name: "monitor"}).dial(s.SuperUser); err == nil {
			_ = again.Close(t.Context())
			return
		}
	}
	t.Fatal("the server does not recover")
}
