//go:build linux && (amd64 || arm64)

package attach_test

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// A server that was not asked for takes no room from one that was and runs the same
// program, however much it says.
func TestOtherServerTakesNoRoom(t *testing.T) {
	asked, other := pgtest.Start(t), pgtest.Start(t)
	before, _ := way{unix: true}.connect(t, other)
	_ = record(t, asked).stop() // skips the test where this system cannot attach
	source, err := attach.Open(attach.Options{
		Programs: []string{filepath.Join(asked.BinDir, "postgres")}, Servers: []int{postmaster(t, asked)}, Times: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer source.Close()
	after, _ := way{unix: true}.connect(t, other)
	conn, c := way{unix: true}.connect(t, asked)
	// Nobody reads meanwhile, and the ring has room for 16 MB.
	for _, much := range []string{"select repeat('x', 1000) from generate_series(1, 30000)", "select 'and more'"} {
		if _, err := before.Exec(t.Context(), much).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if _, err := after.Exec(t.Context(), much).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Exec(t.Context(), "select 'asked for'").ReadAll(); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	var got [2][]byte
	for closed := false; !closed; {
		var e attach.Event
		if err := source.Next(&e); errors.Is(err, attach.ErrNoEvent) {
			_ = source.Wait(time.Second)
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		if e.Conn.PID != int(conn.PID()) {
			t.Fatalf("%v of backend %d, which is not of the server that was asked for", e.Kind, e.Conn.PID)
		}
		got[e.Dir] = append(got[e.Dir], e.Data...)
		closed = e.Kind == attach.Closed
	}
	if st := source.Stats(); st.Lost != 0 {
		t.Errorf("something was lost: %+v", st)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for d := range got {
		if want := c.data[d].Bytes(); !bytes.Equal(got[d], want) {
			t.Errorf("direction %d: %s", d, difference(got[d], want))
		}
	}
}

// Where the kernel does not describe its types, a server's backends are told all the
// same, and those of another are not.
func TestWithoutTypes(t *testing.T) {
	attach.SetNoTypes(true)
	defer attach.SetNoTypes(false)
	asked, other := pgtest.Start(t), pgtest.Start(t)
	r := record(t, asked)
	elsewhere, _ := way{unix: true}.connect(t, other)
	conn, c := way{unix: true}.connect(t, asked)
	pid := int(conn.PID())
	r.wait("the backend is heard of while it is there to be looked up", func(c *seen) bool { return c.conn.PID == pid })
	converse(t, conn)
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.wait("its connection is over", func(c *seen) bool { return c.conn.PID == pid && c.closed })
	for _, got := range r.stop() {
		switch {
		case got.conn.PID == pid:
			sameBytes(t, got, c, way{unix: true}, asked.Version)
			if got.conn.Parent != postmaster(t, asked) {
				t.Errorf("a child of %d, not of %d", got.conn.Parent, postmaster(t, asked))
			}
		case got.conn.PID == int(elsewhere.PID()):
			t.Error("another server's backend, which is there to be looked up, was told")
		case got.conn.Parent != 0:
			t.Errorf("backend %d of %d was told, which is not the server asked for", got.conn.PID, got.conn.Parent)
		}
		// Backends of other tests' servers that were gone before they could be looked up
		// may be the server's own: they are told.
	}
}
