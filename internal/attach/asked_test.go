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
	r.seen(1) // while the backend is there to be looked up
	converse(t, conn)
	if err := conn.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	list := r.ended(1)
	if len(list) != 1 {
		t.Fatalf("%d connections, one of them of %d, another server's", len(list), elsewhere.PID())
	}
	sameBytes(t, list[0], c, way{unix: true}, asked.Version)
	if list[0].conn.Parent != postmaster(t, asked) {
		t.Errorf("a child of %d, not of %d", list[0].conn.Parent, postmaster(t, asked))
	}
}
