package attach

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// What sessions of OpenSSL say.
const (
	begins  = "\x00\x00\x00\x10\x00\x03\x00\x00user\x00u\x00\x00"
	asks    = "Q\x00\x00\x00\x0dselect 1\x00"
	readies = "Z\x00\x00\x00\x05I"
)

// session1 is the first record of the session 1 of the process 7, between 10.0.0.7:1007
// and 10.0.0.9:5432.
func session1(flags uint32) record {
	r := made(recordSession, 7, 1, 0, strings.Repeat("\x00", sessionRecord-headSize))
	binary.NativeEndian.PutUint32(r[headFlags:], flags)
	binary.NativeEndian.PutUint64(r[sessionSSL:], 0xabc)
	binary.NativeEndian.PutUint16(r[sessionFamily:], familyIP4)
	binary.NativeEndian.PutUint16(r[sessionLocal:], 1007)
	binary.BigEndian.PutUint16(r[sessionRemote:], 5432)
	copy(r[sessionLocalIP4:], "\x0a\x00\x00\x07")
	copy(r[sessionRemoteIP4:], "\x0a\x00\x00\x09")
	return r
}

func freed(in, out uint64) record {
	r := made(recordFreed, 7, 1, in, strings.Repeat("\x00", exitSize-headSize))
	binary.NativeEndian.PutUint64(r[exitBackend:], out)
	return r
}

// Which side a process is on is told by who begins, or, if that was not seen, by what is
// said.
func TestSides(t *testing.T) {
	const here, there = "10.0.0.7:1007", "10.0.0.9:5432"
	for name, c := range map[string]struct {
		flags         uint32
		first         record
		client, other string
		joined        bool
	}{
		"client":         {flagFresh, made(recordOutput, 7, 1, 0, begins), here, there, false},
		"server":         {flagFresh, made(recordInput, 7, 1, 0, begins), there, here, false},
		"client, joined": {0, made(recordOutput, 7, 1, 90, asks), here, there, true},
		"server, joined": {0, made(recordOutput, 7, 1, 90, readies), there, here, true},
		"begin lost":     {flagFresh, made(recordInput, 7, 1, 17, asks), there, here, true},
	} {
		s := newStream(nil)
		s.take(session1(c.flags))
		s.take(c.first)
		list := drain(s)
		if got := kinds(list); !slices.Equal(got, []string{"opened", "data"}) {
			t.Errorf("%s: %v", name, got)
			continue
		}
		x := list[0].Conn
		if x.Client.String() != c.client || x.Server.String() != c.other || x.Joined != c.joined || !x.Sealed || !x.TLS || x.OfClient != (c.client == here) {
			t.Errorf("%s: %+v", name, x)
		}
		if want := messages.Frontend; (list[1].Dir == want) != (string(list[1].Data) != readies) {
			t.Errorf("%s: %v of the %v", name, list[1].Data, list[1].Dir)
		}
	}
}

// What the kernel's side could not hand over is a gap, also before the end.
func TestSessionGaps(t *testing.T) {
	s := newStream(nil)
	s.take(session1(flagFresh))
	s.take(made(recordOutput, 7, 1, 0, begins))
	s.take(made(recordInput, 7, 1, 4, "xyz"))
	s.take(made(recordOutput, 7, 1, uint64(len(begins))+9, "Q"))
	s.take(freed(11, uint64(len(begins))+15))
	list := drain(s)
	if got := kinds(list); !slices.Equal(got, []string{"opened", "data", "gap", "data", "gap", "data", "gap", "gap", "closed"}) {
		t.Fatal(got)
	}
	for n, want := range map[int]struct {
		d messages.Direction
		n int64
	}{2: {messages.Backend, 4}, 4: {messages.Frontend, 9}, 6: {messages.Backend, 4}, 7: {messages.Frontend, 5}} {
		if e := list[n]; e.Dir != want.d || e.N != want.n {
			t.Errorf("%d: %d bytes of the %v, want %+v", n, e.N, e.Dir, want)
		}
	}
}

// What is not PostgreSQL's is not told, and the kernel's side is told so.
func TestRefused(t *testing.T) {
	for name, c := range map[string]struct {
		flags uint32
		tries int
	}{"from its begin": {flagFresh, 1}, "joined": {0, maxTries}} {
		s := newStream(nil)
		var refused []sessionKey
		s.refuse = func(k sessionKey) { refused = append(refused, k) }
		s.take(session1(c.flags))
		for n := range maxTries + 10 {
			if n < c.tries && len(refused) > 0 {
				t.Fatalf("%s: refused after %d", name, n)
			}
			s.take(made(recordOutput, 7, 1, uint64(16*n), "GET / HTTP/1.1\r\n"))
		}
		s.take(made(recordInput, 7, 1, 0, begins))
		s.take(freed(0, 0))
		var want sessionKey
		binary.NativeEndian.PutUint64(want[:], 7)
		binary.NativeEndian.PutUint64(want[8:], 0xabc)
		if list := drain(s); len(list) != 0 || !slices.Equal(refused, []sessionKey{want}) || len(s.sessions) != 0 {
			t.Errorf("%s: %v, refused %v", name, kinds(list), refused)
		}
	}
}

// With a process, what it had open is over, and the kernel's side may forget it.
func TestProcessGone(t *testing.T) {
	s := newStream(nil)
	n := 0
	s.forgotten = func(sessionKey) { n++ }
	for _, r := range []record{session1(flagFresh), made(recordOutput, 7, 1, 0, begins), made(recordGone, 8, 0, 0, "")} {
		s.take(r)
	}
	if got := kinds(drain(s)); n != 0 || !slices.Equal(got, []string{"opened", "data"}) {
		t.Errorf("%d forgotten, %v", n, got)
	}
	s.take(made(recordGone, 7, 0, 0, ""))
	if got := kinds(drain(s)); n != 1 || !slices.Equal(got, []string{"closed"}) || len(s.sessions)+len(s.conns) != 0 {
		t.Errorf("%d forgotten, %v", n, got)
	}
}

// Messages of one side, whole or cut off, are never taken for the other's.
func TestSpeaker(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	var of [2][][]byte
	for _, s := range samples.All() {
		if s.Kind.Tag() != 0 {
			of[s.Direction] = append(of[s.Direction], s.Wire)
		}
	}
	right := 0
	for range 20_000 {
		d := messages.Direction(random.IntN(2))
		var b []byte
		for range 1 + random.IntN(6) {
			b = append(b, of[d][random.IntN(len(of[d]))]...)
		}
		b = b[:1+random.IntN(len(b))]
		switch got, ok := speaker(b); {
		case !ok:
		case got == d:
			right++
		default:
			t.Fatalf("%q is taken for the %v's", b, got)
		}
	}
	if right < 1000 {
		t.Errorf("%d were known", right)
	}
}
