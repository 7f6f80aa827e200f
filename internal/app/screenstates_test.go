package app

import (
	"bytes"
	"io"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// screenStates are packets of connections in five states, of the last of which some come every
// tenth of a second; each is called after these.
func screenStates(each func()) io.Reader {
	const fin, ack = 1, 16
	n := 0
	var busy *hostile.Conn
	return hostile.Stream(func(p *hostile.Packets) bool {
		if n == 0 {
			open := func(number int) *hostile.Conn {
				c := hostile.NewConn(uint32(number))
				p.Open(c)
				return c
			}
			login := func(number int) *hostile.Conn {
				c := open(number)
				p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
				p.Send(c, hostile.Server, hostile.Authenticated(number))
				return c
			}
			begin := func(c *hostile.Conn) {
				p.Send(c, hostile.Client, hostile.Query("begin"))
				p.Send(c, hostile.Server, join(hostile.Complete("BEGIN"), hostile.Message('Z', []byte{'T'})))
			}
			record := func(kind byte, n int) []byte {
				return join([]byte{kind, 3, 3, byte(n >> 8), byte(n)}, bytes.Repeat([]byte{7}, n))
			}
			dark := open(1)
			p.Send(dark, hostile.Client, join(hostile.Int32(8), hostile.Int32(80877103)))
			p.Send(dark, hostile.Server, []byte{'S'})
			p.Send(dark, hostile.Client, record(22, 200))
			p.Send(dark, hostile.Server, record(22, 900))
			p.Send(dark, hostile.Client, record(23, 80))
			killed := login(2)
			begin(killed)
			p.Send(killed, hostile.Server, hostile.Message('E', hostile.String("SFATAL"), hostile.String("C57P01"), hostile.String("Mterminating connection"), []byte{0}))
			p.Segment(killed, hostile.Server, fin|ack, killed.Seq[hostile.Server], killed.Seq[hostile.Client], nil)
			begin(login(3))
			waiting := login(4)
			p.Send(waiting, hostile.Client, hostile.Query("select 1 for update"))
			busy = login(5)
		}
		p.Now += int64(100 * time.Millisecond)
		p.Send(busy, hostile.Client, hostile.Query("select 2"))
		p.Send(busy, hostile.Server, join(hostile.Complete("SELECT 1"), hostile.Ready()))
		each()
		n++
		return n < 20_000 // more than is read at once
	})
}

// inStates are the states that the five are in.
var inStates = map[uint64]overview.State{1: overview.Encrypted, 2: overview.Ended, 3: overview.InTx, 4: overview.Waiting, 5: overview.Idle}

// TestScreenStates holds what top says of connections while they are open: one that is
// encrypted and has no keys, one that the server has ended and the client has not closed,
// one that waits in a transaction, and one whose query has no reply.
func TestScreenStates(t *testing.T) {
	var s *screenRun
	latest := map[uint64]overview.Conn{}
	s = screenRunOf(true, screenStates(func() {
		list, _, _, _ := s.data.Conns()
		for _, c := range list {
			latest[c.ID] = c
		}
	}))
	s.opt.Workers = 1
	if err := runRead(s.env, s.opt, []string{"-"}); err != nil {
		t.Fatal(err)
	}
	for id, want := range inStates {
		if c := latest[id]; c.State != want || c.ID != id || want == overview.Ended && c.How == "" {
			t.Errorf("connection %d is %s %s, want %s", id, c.State, c.How, want)
		}
	}
}

// TestScreenStatesAtEnd holds that browse says the same of connections that are open where the
// capture ends, and for how long they had been so then.
func TestScreenStatesAtEnd(t *testing.T) {
	for _, args := range [][]string{nil, {"--database", "d"}} {
		s := screenRunOf(false, screenStates(func() {}))
		s.opt.selection.databases = args[min(len(args), 1):]
		if err := runRead(s.env, s.opt, []string{"-"}); err != nil {
			t.Fatal(err)
		}
		_, _, list, _ := s.data.Conns()
		told := 0
		for _, c := range list {
			want, ok := inStates[c.ID]
			if !ok {
				continue
			}
			told++
			if c.State != want {
				t.Errorf("%v: connection %d is %s %s, want %s", args, c.ID, c.State, c.How, want)
			}
			if (want == overview.Waiting || want == overview.InTx) && c.For < int64(1000*time.Second) {
				t.Errorf("%v: connection %d is %s for %s", args, c.ID, c.State, time.Duration(c.For))
			}
			if want == overview.Waiting && c.SQL != "select 1 for update" {
				t.Errorf("%v: %q runs", args, c.SQL)
			}
		}
		if want := len(inStates) - len(args)/2; told != want {
			t.Errorf("%v: %d connections, want %d", args, told, want)
		}
	}
}
