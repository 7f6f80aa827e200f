//go:build linux && (amd64 || arm64)

package attach_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

func ask(t *testing.T, c *pgconn.PgConn, sql string) string {
	t.Helper()
	results, err := c.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if last := results[len(results)-1]; len(last.Rows) > 0 {
		return string(last.Rows[0][0])
	}
	return ""
}

// timed attaches to a server for the times of its work, whose probes may take a share of
// the processors.
func timed(t *testing.T, s *pgtest.Server, share float64) attach.Source {
	t.Helper()
	_ = record(t, s).stop() // skips the test where this system cannot attach
	source, err := attach.Open(attach.Options{
		Programs: []string{filepath.Join(s.BinDir, "postgres")}, Servers: []int{postmaster(t, s)}, Times: true, TimesShare: share,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = source.Close() })
	return source
}

// However the probes of the server's work come and go, what is told is of a whole request.
func TestProbesComeAndGo(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithVersion(15))
	source := timed(t, s, 0)
	conn, _ := way{unix: true}.connect(t, s)
	other, _ := way{unix: true}.connect(t, s)
	// of returns what was told since the last call of a backend, without requests that
	// were told to be mixed up.
	of := func(pid uint32) (list []attach.Work) {
		var e attach.Event
		for source.Next(&e) == nil {
			if e.Kind == attach.Worked && e.Conn.PID == int(pid) && !e.Work.Mixed {
				list = append(list, *e.Work)
			}
		}
		return list
	}
	told := func(name string, c *pgconn.PgConn) {
		t.Helper()
		if w := of(c.PID()); len(w) != 1 || w[0].Parse == 0 || w[0].Rewrite == 0 || w[0].Plan == 0 || w[0].Execute == 0 {
			t.Errorf("%s: %+v", name, w)
		}
	}
	ask(t, conn, "select 'at first'")
	told("at first", conn)

	ask(t, other, "select pg_advisory_lock(1)")
	of(conn.PID())
	done := make(chan error)
	go func() {
		_, err := conn.Exec(t.Context(), "select 1; select pg_advisory_lock(1); select 2").ReadAll()
		done <- err
	}()
	for ask(t, other, "select count(*) from pg_locks where not granted") != "1" {
		time.Sleep(time.Millisecond)
	}
	attach.TimesAway(source, true)
	attach.TimesAway(source, false)
	ask(t, other, "select pg_advisory_unlock(1)")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if w := of(conn.PID()); len(w) != 0 {
		t.Errorf("of a request that went on meanwhile: %+v", w)
	}
	ask(t, conn, "select 'afterwards'")
	told("afterwards", conn)

	attach.TimesAway(source, true)
	ask(t, conn, "select 'without'")
	if w := of(conn.PID()); len(w) != 0 {
		t.Errorf("without probes: %+v", w)
	}
	during, _ := way{unix: true}.connect(t, s)
	attach.TimesAway(source, false)
	fresh, _ := way{unix: true}.connect(t, s)
	ask(t, fresh, "select 'the first of a connection'")
	told("fresh", fresh)
	ask(t, during, "select 'which may have begun before'")
	of(during.PID())
	ask(t, during, "select 'afterwards, too'")
	told("during", during)

	// Errors, which end waits, are told as before.
	ask(t, other, "select pg_advisory_lock(2)")
	ask(t, conn, "set lock_timeout = '20ms'")
	of(conn.PID())
	if _, err := conn.Exec(t.Context(), "select pg_advisory_lock(2)").ReadAll(); err == nil || !strings.Contains(err.Error(), "lock timeout") {
		t.Fatal(err)
	}
	var waited int64
	for _, w := range of(conn.PID()) {
		waited += w.LockWait
	}
	if waited < (20 * time.Millisecond).Nanoseconds() {
		t.Errorf("waited for %v", time.Duration(waited))
	}
	ask(t, conn, "do $$ begin perform pg_advisory_lock(2); exception when others then end $$")
	waited = 0
	for _, w := range of(conn.PID()) {
		waited += w.LockWait
	}
	if waited < (20*time.Millisecond).Nanoseconds() || waited > (20*time.Second).Nanoseconds() {
		t.Errorf("caught: waited for %v", time.Duration(waited))
	}
}

// Where the probes of the server's work cost more than they may they are taken away, and
// put back when nothing is done.
func TestProbesGoverned(t *testing.T) {
	s := pgtest.Start(t, pgtest.WithVersion(15))
	defer attach.SetGoverned(5 * time.Millisecond)()
	source := timed(t, s, 1e-9) // any query is too much
	conn, _ := way{unix: true}.connect(t, s)
	for range 2 {
		for _, untimed := range []bool{true, false} {
			for deadline := time.Now().Add(30 * time.Second); source.Stats().Untimed != untimed; time.Sleep(time.Millisecond) {
				if untimed {
					ask(t, conn, "select 'much'")
				}
				if time.Now().After(deadline) {
					t.Fatalf("untimed is not %v", untimed)
				}
			}
		}
	}
}
