//go:build linux && (amd64 || arm64)

package app

import (
	"fmt"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// A backend that is killed takes all others of its server down: what they were at is told
// as not complete, all before it as it was, and so is what the server does when it is there
// again. When the server itself ends, that is told.
func TestAttachCrash(t *testing.T) {
	for version, packets := range map[int]bool{15: false, 18: true} {
		t.Run(strconv.Itoa(version), func(t *testing.T) { crashes(t, version, packets) })
	}
}

func crashes(t *testing.T, version int, packets bool) {
	s := attachServer(t, version)
	needAttach(t, s)
	connect := func(where string) (*pgconn.PgConn, error) {
		return pgconn.Connect(t.Context(), where+" dbname=postgres user="+s.SuperUser)
	}
	tcp, local := fmt.Sprintf("host=%s port=%d sslmode=require", s.Host, s.Port), fmt.Sprintf("host=%s port=%d", s.SocketDir, s.Port)
	before := len(logged(t, s))
	args := []string{"--attach=" + postmasterPID(t, s), "--view", "queries,connections"}
	if packets {
		args = append(args, "-i", "lo")
	}
	i := startInside(t, args...)
	if packets {
		i.stderr.waitFor(t, "capturing on lo")
	}
	var conns []*pgconn.PgConn
	for _, where := range []string{tcp, local, local} {
		c, err := connect(where)
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close(t.Context())
		if _, err := c.Exec(t.Context(), "select 'before'").ReadAll(); err != nil {
			t.Fatal(err)
		}
		conns = append(conns, c)
	}
	ended := make(chan error)
	for _, c := range conns[:2] {
		go func() {
			_, err := c.Exec(t.Context(), "select pg_sleep(600)").ReadAll()
			ended <- err
		}()
	}
	for working := ""; working != "2"; time.Sleep(5 * time.Millisecond) {
		r, err := conns[2].Exec(t.Context(), "select count(*) from pg_stat_activity where wait_event = 'PgSleep'").ReadAll()
		if err != nil {
			t.Fatal(err)
		}
		working = string(r[0].Rows[0][0])
	}
	if err := syscall.Kill(int(conns[0].PID()), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := <-ended; err == nil {
			t.Error("it went on")
		}
	}
	var after *pgconn.PgConn
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		var err error
		if after, err = connect(tcp); err == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	if _, err := after.Exec(t.Context(), "select 'after'").ReadAll(); err != nil {
		t.Fatal(err)
	}
	if err := after.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(postmasterPID(t, s))
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	i.stderr.waitFor(t, "has ended: nothing more comes of it")
	records, log := i.stop(t), logged(t, s)[before:]
	queries := ofType(records, "query", 0)
	left := make(map[string]int)
	for _, sql := range log {
		left[sql]++
	}
	for _, q := range queries {
		sql, _ := q["sql"].(string)
		left[sql]--
		if complete := !strings.Contains(sql, "pg_sleep(600)"); q["complete"] != complete && q["error"] == nil {
			t.Errorf("%v", q)
		}
	}
	for sql, n := range left {
		if n != 0 {
			t.Errorf("%d too few records of %s", n, sql)
		}
	}
	if len(log) < 7 {
		t.Errorf("%d statements in the log", len(log))
	}
}
