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

	"github.com/pgsniff/pgsniff/internal/pgtest"
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
			case *ServerError:
				events = append(events, e.SQLState)
			case *Ready:
				events = append(events, "|")
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
		want := "first SELECT 1 second SELECT 1 | 1 SELECT 1 | 2 SELECT 1 | 3 SELECT 1 | 42703 | 8 SELECT 1 | prepared t | 22012 | | last SELECT 1 |"
		if got := strings.Join(run(all, nil), " "); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		if !c.IsReady() || c.Queued() != 0 {
			t.Errorf("in the end: %v, %d queued", c.State(), c.Queued())
		}
		if got := run(c.DoSimpleQuery("SELECT 'again'")); !slices.Equal(got, []string{"again", "SELECT 1", "|"}) {
			t.Errorf("after it: %v", got)
		}
	})
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
	if !slices.Equal(got, []string{"57014", "|"}) {
		t.Errorf("%v", got)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
