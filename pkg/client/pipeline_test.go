package client

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// login logs in over TCP and returns the connection with a function that runs requests
// and writes down their events.
func login(t *testing.T, s *pgtest.Server, c *Client) (net.Conn, func(request []byte, err error) []string) {
	t.Helper()
	conn, err := net.Dial("tcp", net.JoinHostPort(s.Host, strconv.Itoa(s.Port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Minute))
	run := func(request []byte, err error) (events []string) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		for e, err := range c.Run(conn, request) {
			if err != nil {
				t.Fatal(err)
			}
			switch e := e.(type) {
			case *Row:
				values, _ := e.Values()
				events = append(events, fmt.Sprint(values...))
			case *CommandComplete:
				events = append(events, e.Tag)
			case *PreparedStatement:
				events = append(events, "prepared "+e.Name)
			case *RowDescription:
				events = append(events, fmt.Sprint(len(e.Columns), " columns"))
			case *CloseComplete:
				events = append(events, "closed")
			case *Suspended:
				events = append(events, "suspended")
			case *ServerError:
				events = append(events, e.SQLState)
			case *Ready:
				events = append(events, "|")
				if e.Skipped > 0 {
					events = append(events, fmt.Sprint("skipped ", e.Skipped))
				}
			}
		}
		return events
	}
	run(c.DoStartup())
	return conn, run
}

// Requests of all kinds, sent at once, are answered in their order, and the failure
// of one leaves the others alone.
func TestPipeline(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		c := New(Config{User: s.SuperUser, Database: "postgres", Pipeline: true})
		_, run := login(t, s, c)
		run(c.DoPrepare("s", "SELECT $1::int + 1"))
		statement := &PreparedStatement{Name: "s", SQL: "SELECT $1::int + 1", ParameterOIDs: []uint32{23}, Columns: []Column{{Name: "x", TypeOID: 23}}}
		var all []byte
		add := func(b []byte, err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, b...)
		}
		add(c.DoSimpleQuery("SELECT 'first'; SELECT 'second'"))
		for i := range 3 {
			add(c.DoBindExecute(statement, []any{i}, ExecuteOptions{}))
		}
		add(c.DoPrepare("broken", "SELECT nonsense"))
		add(c.DoBindExecute(statement, []any{7}, ExecuteOptions{}))
		add(c.DoPrepare("t", "SELECT 'x'"))
		add(c.DoSimpleQuery("SELECT 1/0"))
		add(c.DoCloseStatement("t"))
		add(c.DoSimpleQuery("SELECT 'last'"))
		if c.Queued() != 9 {
			t.Errorf("%d requests are queued", c.Queued())
		}
		limited, err := c.DoBindExecute(statement, []any{1}, ExecuteOptions{MaxRows: 1})
		var state *StateError
		if limited != nil || !errors.As(err, &state) {
			t.Errorf("a limit in a pipeline: %q, %v", limited, err)
		}
		want := "1 columns first SELECT 1 1 columns second SELECT 1 | 1 SELECT 1 | 2 SELECT 1 | 3 SELECT 1 | 42703 | 8 SELECT 1 | prepared t | 22012 | closed | 1 columns last SELECT 1 |"
		if got := strings.Join(run(all, nil), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !c.IsReady() || c.Queued() != 0 {
			t.Errorf("in the end: %v, %d queued", c.State(), c.Queued())
		}
		if got := run(c.DoSimpleQuery("SELECT 'again'")); !slices.Equal(got, []string{"1 columns", "again", "SELECT 1", "|"}) {
			t.Errorf("after it: %v", got)
		}
	})
}

// Requests that share a Sync succeed or fail together, and what the server passed over
// is counted. Sent one by one and flushed, each is answered before the Sync.
func TestHold(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		for _, pipeline := range []bool{false, true} {
			c := New(Config{User: s.SuperUser, Database: "postgres", Pipeline: pipeline})
			_, run := login(t, s, c)
			var all []byte
			add := func(b []byte, err error) {
				t.Helper()
				if err != nil {
					t.Fatal(err)
				}
				all = append(all, b...)
			}
			check := func(want string) {
				t.Helper()
				got := strings.Join(run(all, nil), ", ")
				if all = nil; got != want {
					t.Errorf("got  %s\nwant %s", got, want)
				}
			}
			hold := func() {
				t.Helper()
				add(nil, c.Hold())
			}
			insert := &PreparedStatement{Name: "i", SQL: "INSERT INTO held VALUES ($1)", ParameterOIDs: []uint32{23}}
			count := &PreparedStatement{Name: "n", SQL: "SELECT count(*) FROM held"}
			add(c.DoSimpleQuery("CREATE TEMP TABLE held (a int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, CHECK (a > 0))"))
			check("CREATE TABLE, |")

			// All at once.
			hold()
			add(c.DoPrepare("i", insert.SQL))
			add(c.DoPrepare("n", count.SQL))
			for i := range 3 {
				add(c.DoBindExecute(insert, []any{i + 1}, ExecuteOptions{Describe: i == 1}))
			}
			add(c.DoBindExecute(count, nil, ExecuteOptions{Describe: true}))
			add(c.DoSync())
			check("prepared i, prepared n, INSERT 0 1, 0 columns, INSERT 0 1, INSERT 0 1, 1 columns, 3, SELECT 1, |")

			// An error in the middle undoes what came before it, too.
			hold()
			add(c.DoBindExecute(insert, []any{4}, ExecuteOptions{}))
			add(c.DoBindExecute(insert, []any{-1}, ExecuteOptions{}))
			add(c.DoBindExecute(insert, []any{5}, ExecuteOptions{}))
			add(c.DoCloseStatement("i"))
			add(c.DoSync())
			check("INSERT 0 1, 23514, |, skipped 2")

			// One that comes when the transaction ends, at the Sync.
			hold()
			add(c.DoBindExecute(insert, []any{1}, ExecuteOptions{}))
			add(c.DoSync())
			check("INSERT 0 1, 23505, |")

			// Flushed: answers come before the Sync, and the program looks at them.
			hold()
			add(c.DoBindExecute(count, nil, ExecuteOptions{Describe: true}))
			add(c.DoFlush())
			check("1 columns, 3, SELECT 1")
			if !c.IsWaiting() || c.IsReady() {
				t.Errorf("waiting %v, ready %v", c.IsWaiting(), c.IsReady())
			}
			series := &PreparedStatement{Name: "g", SQL: "SELECT generate_series(1, 3)", Columns: make([]Column, 1)}
			add(c.DoPrepare("g", series.SQL))
			add(c.DoBindExecute(series, nil, ExecuteOptions{Portal: "p", MaxRows: 2}))
			add(c.DoContinue(&Portal{Name: "p", Columns: series.Columns}, 0))
			add(c.DoFlush())
			check("prepared g, 1, 2, suspended, 3, SELECT 1")
			add(c.DoBindExecute(insert, []any{-1}, ExecuteOptions{}))
			add(c.DoFlush())
			check("23514")
			if !c.IsWaiting() {
				t.Error("it does not wait for DoSync")
			}
			add(c.DoBindExecute(count, nil, ExecuteOptions{Describe: true}))
			add(c.DoSync())
			check("|, skipped 1")

			// What does not go before a Sync that is held back.
			hold()
			var state *StateError
			for name, do := range map[string]func() ([]byte, error){
				"Hold":           func() ([]byte, error) { return nil, c.Hold() },
				"DoSimpleQuery":  func() ([]byte, error) { return c.DoSimpleQuery("SELECT 1") },
				"DoFunctionCall": func() ([]byte, error) { return c.DoFunctionCall(1, false) },
				"DoBindExecute": func() ([]byte, error) {
					return c.DoBindExecute(&PreparedStatement{SQL: "COPY held FROM STDIN"}, nil, ExecuteOptions{})
				},
			} {
				if b, err := do(); b != nil || !errors.As(err, &state) || state.Op != name {
					t.Errorf("%s: %q, %v", name, b, err)
				}
			}
			add(c.DoSync())
			check("|")
			if b, err := c.DoFlush(); b != nil || !errors.As(err, &state) {
				t.Errorf("DoFlush: %q, %v", b, err)
			}
			if !pipeline {
				continue
			}
			// Groups and requests with a Sync of their own, all at once.
			add(c.DoSimpleQuery("SELECT 'a'"))
			hold()
			add(c.DoBindExecute(insert, []any{-1}, ExecuteOptions{}))
			add(c.DoBindExecute(insert, []any{-2}, ExecuteOptions{}))
			add(c.DoSync())
			hold()
			add(c.DoBindExecute(insert, []any{7}, ExecuteOptions{}))
			add(c.DoCloseStatement("g"))
			add(c.DoSync())
			add(c.DoSimpleQuery("SELECT count(*) FROM held"))
			check("1 columns, a, SELECT 1, |, 23514, |, skipped 1, INSERT 0 1, closed, |, 1 columns, 4, SELECT 1, |")
		}
	})
}

// A program that never reads cannot fill the queue without end, and can still end it.
func TestHoldIsBounded(t *testing.T) {
	d := newDriver(t, New(Config{User: "alice"}), newBackend(AuthTrust), 1000)
	d.must(d.DoStartup())
	if err := d.Hold(); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; n <= 2*maxQueued; n++ {
		if _, err := d.DoCloseStatement(""); err != nil {
			break
		}
	}
	if _, err := d.DoSync(); err != nil || n != maxQueued+1 {
		t.Errorf("%d requests, then %v", n, err)
	}
}

// Without Pipeline a second request is refused, as it always was.
func TestNoPipeline(t *testing.T) {
	s := pgtest.Start(t)
	c := New(Config{User: s.SuperUser, Database: "postgres"})
	login(t, s, c)
	if _, err := c.DoSimpleQuery("SELECT 1"); err != nil {
		t.Fatal(err)
	}
	var state *StateError
	if b, err := c.DoSimpleQuery("SELECT 2"); b != nil || !errors.As(err, &state) {
		t.Errorf("%q, %v", b, err)
	}
}

// A query is cancelled from another goroutine while this one waits for it.
func TestCancelFromAnotherGoroutine(t *testing.T) {
	s := pgtest.Start(t)
	c := New(Config{User: s.SuperUser, Database: "postgres"})
	if _, err := c.DoCancel(); !errors.Is(err, ErrNoBackendKey) {
		t.Errorf("before the key is known: %v", err)
	}
	conn, run := login(t, s, c)
	over, done := make(chan struct{}), make(chan error, 1)
	go func() { // again and again: the server forgets a request that comes before the query
		for {
			request, err := c.DoCancel()
			if err == nil {
				var other net.Conn
				if other, err = net.Dial("tcp", conn.RemoteAddr().String()); err == nil {
					_, err = other.Write(request)
					_, _ = other.Read(make([]byte, 1)) // it has been read when the server hangs up
					_ = other.Close()
				}
			}
			select {
			case <-over:
				done <- err
				return
			default:
			}
		}
	}()
	got := run(c.DoSimpleQuery("SELECT pg_sleep(50)"))
	close(over)
	got = slices.DeleteFunc(got, func(e string) bool { return e == "1 columns" }) // if it had begun
	if !slices.Equal(got, []string{"57014", "|"}) {
		t.Errorf("%v", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
