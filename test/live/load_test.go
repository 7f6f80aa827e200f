//go:build linux

package live

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// benchSQL is what pgbench -S sends for each transaction.
const benchSQL = "SELECT abalance FROM pgbench_accounts WHERE aid = $1;"

// benchTime is how long pgbench runs: a few seconds, on a build machine longer.
func benchTime() time.Duration {
	if os.Getenv("CI") == "true" {
		return 20 * time.Second
	}
	return 3 * time.Second
}

// pgbench makes the tables and returns a command for select-only transactions
// at full speed.
func pgbench(t *testing.T, s *pgtest.Server, d time.Duration) *exec.Cmd {
	t.Helper()
	path := pgtest.Tool(t, "pgbench")
	at := []string{"-h", s.Host, "-p", portOf(s), "-U", s.SuperUser}
	if out, err := exec.Command(path, append(at, "-i", "-q", "postgres")...).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return exec.Command(path, append(at, "-S", "-n", "-M", "prepared", "-c", "4", "-j", "1",
		"-T", strconv.Itoa(int(d/time.Second)), "postgres")...)
}

// transactions reads pgbench's own report.
func transactions(t *testing.T, report []byte) int {
	t.Helper()
	m := regexp.MustCompile(`transactions actually processed: (\d+)`).FindSubmatch(report)
	if m == nil {
		t.Fatalf("pgbench reports\n%s", report)
	}
	n, err := strconv.Atoi(string(m[1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// toFile runs pgsniff with its standard output in a file.
func toFile(t *testing.T, args ...string) (p *program, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "out.json")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	cmd := pgsniff("", args...)
	cmd.Stdout = f
	return startCommand(t, cmd), path
}

func recordsOf(t *testing.T, path string) []record {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	return records(t, f)
}

// untilNoneDropped runs what reports how many packets the kernel dropped until that is
// none: a machine that is busy with other things may leave pgsniff no time.
func untilNoneDropped(t *testing.T, run func() (dropped uint64)) {
	t.Helper()
	const tries = 4
	for n := 1; ; n++ {
		dropped := run()
		if dropped == 0 || t.Failed() {
			return
		}
		t.Logf("run %d: the kernel dropped %d packets", n, dropped)
		if n == tries {
			t.Fatalf("in %d runs the kernel dropped packets", tries)
		}
	}
}

// TestEveryTransaction finds every transaction of a loaded server.
func TestEveryTransaction(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	untilNoneDropped(t, func() uint64 { return everyTransaction(t, s) })
}

// everyTransaction loads the server once. Where the kernel dropped packets it says how
// many, and looks at nothing else.
func everyTransaction(t *testing.T, s *pgtest.Server) (dropped uint64) {
	t.Helper()
	bench := pgbench(t, s, benchTime())
	p, path := toFile(t, "live", "-i", "lo", "--port", portOf(s), "--view", "queries,stats", "--json", "--strict")
	report, err := bench.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, report)
	}
	time.Sleep(500 * time.Millisecond) // what is shown is to be shown promptly
	code := p.signal(syscall.SIGINT)
	want, got, told := transactions(t, report), 0, false
	for _, x := range recordsOf(t, path) {
		if x.Type == "stats" && x.Dropped != nil {
			told, dropped = true, *x.Dropped
		}
		if x.SQL == benchSQL && x.Complete {
			got++
		}
	}
	switch {
	case !told:
		t.Errorf("stats do not say what the kernel dropped\n%s", p.stderr)
	case dropped > 0:
		return dropped
	case code != 0:
		t.Errorf("exit code %d\n%s", code, p.stderr)
	case got != want:
		t.Errorf("%d transactions, pgbench reports %d\n%s", got, want, p.stderr)
	case strings.Contains(p.stderr.String(), "lost"):
		t.Error(p.stderr)
	}
	t.Logf("%d transactions; %v of CPU time; %s", want, p.cmd.ProcessState.UserTime()+p.cmd.ProcessState.SystemTime(), p.stderr)
	return 0
}

// TestJoinsAndEnds begins and ends by SIGTERM in the middle of the load: what is
// between is complete, and the files are whole.
func TestJoinsAndEnds(t *testing.T) {
	needCapture(t)
	s := pgtest.Start(t)
	bench := pgbench(t, s, time.Minute)
	if err := bench.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = bench.Process.Kill()
		_ = bench.Wait()
	})
	time.Sleep(time.Second)
	untilNoneDropped(t, func() uint64 { return joinsAndEnds(t, s) })
}

// joinsAndEnds captures for two seconds. Where the kernel dropped packets it says how
// many, and looks at nothing else.
func joinsAndEnds(t *testing.T, s *pgtest.Server) (dropped uint64) {
	t.Helper()
	packets := filepath.Join(t.TempDir(), "x.pcapng")
	p, path := toFile(t, "live", "-i", "lo", "--port", portOf(s), "--view", "queries,connections,stats", "--json", "-w", packets)
	time.Sleep(2 * time.Second)
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
	list := recordsOf(t, path)
	for _, x := range list {
		if x.Type == "stats" && x.Dropped != nil && *x.Dropped > 0 {
			return *x.Dropped
		}
	}
	perConn := map[uint64][]record{}
	connections, total := 0, 0
	for _, x := range list {
		switch x.Type {
		case "query":
			perConn[x.Conn] = append(perConn[x.Conn], x)
			total++
		case "connection":
			connections++
			if !x.MidWay || x.State != "open" || x.Lost != 0 {
				t.Errorf("connection: %+v", x)
			}
		case "stats":
			if x.Dropped == nil {
				t.Errorf("stats do not say what the kernel dropped\n%s", p.stderr)
			}
		}
	}
	if connections != 4 || total < 1000 {
		t.Errorf("%d connections, %d queries\n%s", connections, total, p.stderr)
	}
	for conn, q := range perConn {
		for i, x := range q {
			// The first may have begun before, the last may end after. Of the
			// others only the Parse is from before.
			if i > 0 && i < len(q)-1 && (x.Lost > 0 || !slices.Equal(x.Inferred, []string{"parse"})) {
				t.Errorf("connection %d: query %d of %d: %+v", conn, i, len(q), x)
			}
		}
	}
	out, err := pgsniff("", "read", packets, "--view", "queries", "--json", "--port", portOf(s)).Output()
	if err != nil {
		t.Fatal(err)
	}
	if n := strings.Count(string(out), "\n"); n != total {
		t.Errorf("the file of packets has %d queries, %d were shown", n, total)
	}
	return 0
}
