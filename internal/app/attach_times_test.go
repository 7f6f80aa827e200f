//go:build linux && (amd64 || arm64)

package app

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// logTimes are the server's own measures of the same: statistics of its stages, and its
// waits for locks.
var (
	logStage   = regexp.MustCompile(`^(PARSER|PLANNER|EXECUTOR|PARSE ANALYSIS|REWRITER) STATISTICS`)
	logElapsed = regexp.MustCompile(`([0-9.]+) s elapsed`)
	logWait    = regexp.MustCompile(`acquired (.*) after ([0-9.]+) ms`)
)

// loggedLines reads the messages and details of a server's log.
func loggedLines(t *testing.T, s *pgtest.Server) (list [][2]string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(s.DataDir, "log", "*.json"))
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(b)) {
			var r struct{ Message, Detail string }
			if json.Unmarshal([]byte(line), &r) == nil {
				list = append(list, [2]string{r.Message, r.Detail})
			}
		}
	}
	return list
}

// What a query record tells of the server's work is what the server measures itself.
func TestServerTimes(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithVersion(15), pgtest.WithSSL(), pgtest.WithConf("logging_collector", "on"),
		pgtest.WithConf("log_destination", "jsonlog"), pgtest.WithConf("log_lock_waits", "on"), pgtest.WithConf("deadlock_timeout", "50ms"))
	needAttach(t, s)
	connect := func(where string) *pgconn.PgConn {
		t.Helper()
		c, err := pgconn.Connect(t.Context(), where+" dbname=postgres user="+s.SuperUser)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close(t.Context()) })
		return c
	}
	tcp := fmt.Sprintf("host=%s port=%d sslmode=require", s.Host, s.Port)
	// One connection through TLS, one through a Unix socket; with packets and without.
	for _, packets := range []bool{false, true} {
		// Other servers that run the same program count in what the probes take of the host.
		args := []string{"--attach=" + postmasterPID(t, s), "--attach-times=100%", "--view", "queries"}
		if packets {
			args = append(args, "-i", "lo")
		}
		i := startInside(t, args...)
		one, two := connect(tcp), connect(fmt.Sprintf("host=%s port=%d", s.SocketDir, s.Port))
		before := len(loggedLines(t, s))
		timedWork(t, one, two)
		time.Sleep(200 * time.Millisecond) // the log has a process of its own
		checkTimes(t, i.stop(t), loggedLines(t, s)[before:])
	}
}

// timedWork has the server do what it measures.
func timedWork(t *testing.T, one, two *pgconn.PgConn) {
	t.Helper()
	exec := func(c *pgconn.PgConn, sql string) {
		t.Helper()
		if _, err := c.Exec(t.Context(), sql).ReadAll(); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
	}
	exec(one, "drop table if exists t; create table t as select i, i v from generate_series(1, 1000) i")
	exec(one, "select pg_sleep(0.2)")
	exec(one, "select pg_sleep(0.1); select pg_sleep(0.1)")
	for _, c := range []*pgconn.PgConn{one, two} {
		exec(c, "set log_parser_stats = on; set log_planner_stats = on; set log_executor_stats = on")
		exec(c, "select count(*) from t a join t b using (i) join t c using (i) join t d using (i) join t e using (i) join t f using (i) join t g using (i)")
		exec(c, "select 'extended'")
		if r := c.ExecParams(t.Context(), "select sum(i), pg_sleep(0.05) from t where v > $1::int", [][]byte{[]byte("7")}, nil, nil, nil).Read(); r.Err != nil {
			t.Fatal(r.Err)
		}
		exec(c, "set log_parser_stats = off; set log_planner_stats = off; set log_executor_stats = off")
	}
	exec(one, "begin; update t set v = 0 where i = 1")
	done := make(chan error)
	go func() {
		_, err := two.Exec(t.Context(), "update t set v = 2 where i = 1").ReadAll()
		done <- err
	}()
	time.Sleep(400 * time.Millisecond)
	exec(one, "commit")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	exec(two, "set lock_timeout = '100ms'")
	exec(one, "begin; lock table t")
	if _, err := two.Exec(t.Context(), "select 'waits', count(*) from t").ReadAll(); err == nil {
		t.Error("it did not wait")
	}
	exec(one, "rollback")
}

// within reports whether a time is at least what it has to be, less what was counted
// before its beginning, and no more than what contains it. Nothing else is certain where
// a process may be kept waiting anywhere.
func within(ns, least, most float64) bool {
	const early = 2e6
	return ns >= least-early && ns <= most
}

func checkTimes(t *testing.T, records []jsonLine, log [][2]string) {
	t.Helper()
	var sums [4]float64 // of the stages whose statistics the log has
	stages := map[string]int{"PARSER": 0, "PLANNER": 1, "EXECUTOR": 2, "PARSE ANALYSIS": 3, "REWRITER": 3}
	waits := make(map[string]float64)
	for _, l := range log {
		if m := logStage.FindStringSubmatch(l[0]); m != nil {
			if e := logElapsed.FindStringSubmatch(l[1]); e != nil {
				seconds, _ := strconv.ParseFloat(e[1], 64)
				sums[stages[m[1]]] += seconds * 1e9
			}
		}
		if m := logWait.FindStringSubmatch(l[0]); m != nil {
			waits[m[1]], _ = strconv.ParseFloat(m[2], 64)
		}
	}
	if sums[0] == 0 || sums[1] == 0 || sums[2] == 0 || sums[3] == 0 || len(waits) != 1 {
		t.Fatalf("the log has %v and %v", sums, waits)
	}
	var got [4]float64
	counted := make(map[any]bool) // by connection
	for _, q := range ofType(records, "query", 0) {
		sql, _ := q["sql"].(string)
		times, _ := q["server_times"].(map[string]any)
		if times == nil {
			t.Errorf("nothing of %s", sql)
			continue
		}
		of := func(key string) float64 { ns, _ := times[key].(float64); return ns }
		duration, _ := q["duration_ns"].(float64)
		if sum := of("parse_ns") + of("rewrite_ns") + of("plan_ns") + of("execute_ns"); sum == 0 || of("lock_wait_ns") > duration || sum > duration {
			t.Errorf("%s: %v in %v", sql, times, duration)
		}
		switch {
		case strings.HasPrefix(sql, "select pg_sleep(0."):
			if !within(of("execute_ns"), 2e8, duration) {
				t.Errorf("%s: %v", sql, times)
			}
		case strings.HasPrefix(sql, "update t set v = 2"):
			lock, _ := times["lock"].(string)
			if ms, ok := waits[lock]; !ok || !within(of("lock_wait_ns"), ms*1e6, of("execute_ns")) {
				t.Errorf("%s: %v, in the log %v", sql, times, waits)
			}
		case strings.HasPrefix(sql, "select 'waits'"):
			if lock, _ := times["lock"].(string); !strings.HasPrefix(lock, "AccessShareLock on relation ") || !within(of("lock_wait_ns"), 1e8, duration) {
				t.Errorf("%s: %v", sql, times)
			}
		}
		conn := q["conn"]
		if strings.HasPrefix(sql, "set log_parser_stats = off") {
			got[0] += of("parse_ns") // which comes before it is off
			got[3] += of("rewrite_ns")
			counted[conn] = false
		}
		if counted[conn] {
			got[0] += of("parse_ns")
			got[1] += of("plan_ns")
			got[2] += of("execute_ns")
			got[3] += of("rewrite_ns")
		}
		if strings.HasPrefix(sql, "set log_parser_stats = on") {
			got[3] += of("rewrite_ns") // of what follows in the same text
			counted[conn] = true
		}
	}
	for n, name := range []string{"PARSER", "PLANNER", "EXECUTOR", "PARSE ANALYSIS and REWRITER"} {
		if got[n] < sums[n] { // the probes are around the measure, which it is logged in
			t.Errorf("%s: %.0f ns, in the log %.0f", name, got[n], sums[n])
		}
	}
}

// The probes of the server's work go when they take more than they may, and come back
// though the privileges that attaching takes were given up.
func TestServerTimesShare(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithVersion(15))
	needAttach(t, s)
	args := []string{"--attach-only", "--attach=" + postmasterPID(t, s), "--attach-times=0.0001%", "--view", "queries"}
	if os.Geteuid() == 0 {
		args = append(args, "--user-drop", "nobody")
	}
	i := startInside(t, args...)
	conn, err := pgconn.Connect(t.Context(), fmt.Sprintf("host=%s port=%d dbname=postgres user=%s", s.SocketDir, s.Port, s.SuperUser))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	// The interval in which it is looked may be over between any two of them.
	for range 20 {
		if _, err := conn.Exec(t.Context(), "select pg_sleep(0.05)").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	i.stderr.waitFor(t, "server_times are left out while")
	i.stderr.waitFor(t, "server_times are told again")
}

func TestTimesShare(t *testing.T) {
	for text, want := range map[string]timesShare{"true": usualShare, "2%": 0.02, "100%": 1, "0.5%": 0.005, "false": 0} {
		s := timesShare(7)
		if err := s.Set(text); err != nil || s != want {
			t.Errorf("%s: %v %v", text, float64(s), err)
		}
	}
	for _, text := range []string{"", "2", "0%", "-1%", "101%", "NaN%", "%", "always"} {
		if s := timesShare(7); s.Set(text) == nil || s != 7 {
			t.Errorf("%q is taken for %v", text, float64(s))
		}
	}
	for share, want := range map[timesShare]string{0: "false", usualShare: "2%", 0.005: "0.5%"} {
		if got := share.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
}
