package attach

import (
	"encoding/binary"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// made builds a record.
func made(kind recordKind, pid uint32, born, offset uint64, body string) record {
	r := make(record, headSize+len(body))
	binary.NativeEndian.PutUint32(r[headKind:], uint32(kind))
	binary.NativeEndian.PutUint32(r[headPID:], pid)
	binary.NativeEndian.PutUint64(r[headBorn:], born)
	binary.NativeEndian.PutUint64(r[headTime:], born+offset)
	binary.NativeEndian.PutUint64(r[headOffset:], offset)
	binary.NativeEndian.PutUint32(r[headLength:], uint32(len(body)))
	copy(r[headSize:], body)
	return r
}

func opened(pid uint32, born uint64, parent uint32) record {
	r := made(recordOpen, pid, born, 0, strings.Repeat("\x00", openSize-headSize))
	binary.NativeEndian.PutUint32(r[openParent:], parent)
	return r
}

func exited(pid uint32, born, in, out uint64) record {
	r := made(recordExit, pid, born, in, strings.Repeat("\x00", exitSize-headSize))
	binary.NativeEndian.PutUint64(r[exitBackend:], out)
	return r
}

func drain(s *stream) (list []Event) {
	for e := (Event{}); s.pop(&e); {
		list = append(list, e)
	}
	return list
}

func kinds(list []Event) (k []string) {
	for _, e := range list {
		k = append(k, e.Kind.String())
	}
	return k
}

// What is missing between two records, or before the end, is a gap of that length.
func TestGaps(t *testing.T) {
	s := newStream(nil)
	s.take(opened(7, 100, 1))
	s.take(made(recordFrontend, 7, 100, 0, "abc"))
	s.take(made(recordFrontend, 7, 100, 5, "fg"))
	s.take(made(recordBackend, 7, 100, 10, "x"))
	s.take(exited(7, 100, 7, 12))
	list := drain(s)
	want := []string{"opened", "data", "gap", "data", "gap", "data", "gap", "closed"}
	if got := kinds(list); !slices.Equal(got, want) {
		t.Fatalf("%v, want %v", got, want)
	}
	for i, n := range map[int]int64{2: 2, 4: 10, 6: 1} {
		if list[i].N != n {
			t.Errorf("gap %d of %d bytes, want %d", i, list[i].N, n)
		}
	}
	if list[6].Dir != messages.Backend {
		t.Errorf("the last gap is the %v's", list[6].Dir)
	}
	if len(s.conns) != 0 || len(s.latest) != 0 {
		t.Error("something is kept of a connection that is over")
	}
}

// A pid that comes again is another connection, even where its end was not told.
func TestPIDAgain(t *testing.T) {
	s := newStream(nil)
	s.take(opened(7, 100, 1))
	s.take(opened(7, 200, 1))
	s.take(made(recordFrontend, 7, 200, 0, "abc"))
	list := drain(s)
	if want := []string{"opened", "closed", "opened", "data"}; !slices.Equal(kinds(list), want) {
		t.Fatalf("%v, want %v", kinds(list), want)
	}
	if list[1].Conn == list[2].Conn || list[3].Conn.ID != 2 {
		t.Error("they are taken for one")
	}
}

// Only children of the servers asked for, and these themselves, are told of.
func TestServers(t *testing.T) {
	s := newStream([]int{1, 9})
	for _, r := range []record{opened(7, 100, 1), opened(8, 100, 2), opened(9, 100, 3), made(recordFrontend, 8, 100, 0, "no"), exited(8, 100, 2, 0)} {
		s.take(r)
	}
	for _, e := range drain(s) {
		if e.Conn.PID == 8 {
			t.Errorf("%v of another server's", e.Kind)
		}
	}
	if len(s.conns) != 2 {
		t.Errorf("%d connections are kept", len(s.conns))
	}
}

// What comes in is told in full or as gaps, whatever is lost on the way.
func TestAnyLoss(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		s := newStream(nil)
		var at, told [2]uint64
		lose := func() bool { return random.IntN(3) == 0 }
		if !lose() {
			s.take(opened(7, 100, 1))
		}
		for range random.IntN(20) {
			d := random.IntN(2)
			body := strings.Repeat("x", random.IntN(5))
			if !lose() {
				s.take(made(recordFrontend+recordKind(d), 7, 100, at[d], body))
			}
			at[d] += uint64(len(body))
		}
		s.take(exited(7, 100, at[0], at[1]))
		list := drain(s)
		for i, e := range list {
			switch e.Kind {
			case Data:
				told[e.Dir] += uint64(len(e.Data))
			case Gap:
				told[e.Dir] += uint64(e.N)
			case Opened:
				if i != 0 {
					t.Fatal("opened twice")
				}
			}
		}
		if len(list) > 0 && (told != at || list[len(list)-1].Kind != Closed) {
			t.Fatalf("%v were told of %v: %v", told, at, kinds(list))
		}
	}
}

func TestAddresses(t *testing.T) {
	port := make([]byte, portSize)
	put := func(at int, family uint16, n uint32, rest ...byte) {
		binary.NativeEndian.PutUint16(port[at:], family)
		copy(port[at+2:], rest)
		binary.NativeEndian.PutUint32(port[at+addressSize:], n)
	}
	var c Conn
	put(portServer, familyIP4, 16, 0x15, 0x38, 127, 0, 0, 1)
	put(portClient, familyIP6, 28, 0x80, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1)
	c.addresses(port)
	if c.Server != netip.MustParseAddrPort("127.0.0.1:5432") || c.Client != netip.MustParseAddrPort("[2001:db8::1]:32768") || c.Socket != "" {
		t.Errorf("%+v", c)
	}
	c = Conn{}
	put(portServer, familyUnix, 12, []byte("/tmp/\x1b.s\x00junk")...)
	put(portClient, familyUnix, 2)
	c.addresses(port)
	if c.Socket != "/tmp/?.s" || c.Server.IsValid() || c.Client.IsValid() {
		t.Errorf("%+v", c)
	}
	for _, n := range []uint32{0, 1, 129, 1 << 31} {
		c = Conn{}
		put(portServer, familyIP4, n)
		put(portClient, familyIP6, n)
		c.addresses(port)
		if c.Server.IsValid() || c.Client.IsValid() || c.Socket != "" {
			t.Errorf("length %d: %+v", n, c)
		}
	}
}

// FuzzStream: whatever is in the ring, nothing is told twice, and nothing is kept
// for ever.
func FuzzStream(f *testing.F) {
	var seed []byte
	for _, r := range []record{opened(7, 1, 2), made(recordFrontend, 7, 1, 0, "Q"), made(recordVersion, 7, 1, 0, "TLSv1.3\x00"), made(recordTimes, 7, 1, 1, strings.Repeat("\x05", timesRecord-headSize)), exited(7, 1, 1, 0)} {
		seed = append(binary.LittleEndian.AppendUint16(seed, uint16(len(r))), r...)
	}
	f.Add(seed)
	for _, r := range []record{session1(flagFresh), made(recordOutput, 7, 1, 0, begins), made(recordInput, 7, 1, 0, readies), made(recordFreed, 7, 1, 9, "12345678"), made(recordGone, 7, 0, 0, "")} {
		seed = append(binary.LittleEndian.AppendUint16(seed, uint16(len(r))), r...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		s := newStream(nil)
		for len(b) >= 2 {
			n := min(int(binary.LittleEndian.Uint16(b)), len(b)-2)
			s.take(record(b[2 : 2+n]))
			b = b[2+n:]
		}
		s.end(1)
		open := make(map[*Conn]bool)
		for _, e := range drain(s) {
			if open[e.Conn] == (e.Kind == Opened) {
				t.Fatalf("%v of a connection that is open: %v", e.Kind, open[e.Conn])
			}
			open[e.Conn] = e.Kind != Closed
			if strings.ContainsFunc(e.Conn.Socket+e.Conn.Peer.Program+e.Conn.Cipher, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("%+v", *e.Conn)
			}
		}
		for c, is := range open {
			if is {
				t.Fatalf("connection %d is never over", c.ID)
			}
		}
	})
}

// Nothing is allocated for the data of a connection that is known.
func TestDataAllocatesNothing(t *testing.T) {
	s := newStream(nil)
	s.take(opened(7, 100, 1))
	drain(s)
	var e Event
	r := made(recordFrontend, 7, 100, 0, "select")
	offset := uint64(0)
	if n := testing.AllocsPerRun(1000, func() {
		binary.NativeEndian.PutUint64(r[headOffset:], offset)
		offset += 6
		s.take(r)
		for s.pop(&e) {
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestCipherName(t *testing.T) {
	for openssl, want := range map[string]string{
		"TLS_AES_256_GCM_SHA384":        "TLS_AES_256_GCM_SHA384",
		"ECDHE-RSA-AES256-GCM-SHA384":   "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
		"ECDHE-ECDSA-CHACHA20-POLY1305": "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
		"AES128-SHA":                    "TLS_RSA_WITH_AES_128_CBC_SHA",
		"GOST2001-GOST89-GOST89":        "",
		"":                              "",
	} {
		if got := CipherName(openssl); got != want {
			t.Errorf("%s: %s, want %s", openssl, got, want)
		}
	}
}

// What a server waited for is said as its log does.
func TestLockTag(t *testing.T) {
	tag := func(kind, mode byte, one, two, three uint32, four uint16) (t LockTag) {
		binary.NativeEndian.PutUint32(t[:], one)
		binary.NativeEndian.PutUint32(t[4:], two)
		binary.NativeEndian.PutUint32(t[8:], three)
		binary.NativeEndian.PutUint16(t[tagFourth:], four)
		t[tagType], t[tagMode] = kind, mode
		return t
	}
	for want, got := range map[string]LockTag{
		"ShareLock on transaction 753":                                 tag(5, 5, 753, 0, 0, 0),
		"AccessExclusiveLock on relation 16384 of database 5":          tag(0, 8, 5, 16384, 0, 0),
		"ExclusiveLock on tuple (0,7) of relation 16384 of database 5": tag(4, 7, 5, 16384, 0, 7),
		"ExclusiveLock on extension of relation 16384 of database 5":   tag(1, 7, 5, 16384, 0, 0),
		"ShareLock on virtual transaction -1/9":                        tag(6, 5, 1<<32-1, 9, 0, 0),
		"ExclusiveLock on advisory lock [5,0,42,1]":                    tag(10, 7, 5, 0, 42, 1),
		"AccessExclusiveLock on object 3 of class 2 of database 1":     tag(8, 8, 1, 2, 3, 0),
		"RowExclusiveLock on page 3 of relation 2 of database 1":       tag(3, 3, 1, 2, 3, 0),
		"ShareLock on speculative token 2 of transaction 1":            tag(7, 5, 1, 2, 0, 0),
		"ExclusiveLock on pg_database.datfrozenxid of database 1":      tag(2, 7, 1, 0, 0, 0),
	} {
		if got.String() != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	for _, unknown := range []LockTag{{}, tag(5, 0, 1, 0, 0, 0), tag(5, 9, 1, 0, 0, 0), tag(99, 1, 1, 0, 0, 0)} {
		if s := unknown.String(); s != "" {
			t.Errorf("%q of %v", s, unknown)
		}
	}
}

// The times of a record come as they are written.
func TestWork(t *testing.T) {
	body := make([]byte, timesRecord-headSize)
	for i := range 5 {
		binary.NativeEndian.PutUint64(body[8*i:], uint64(i+1))
	}
	body[timesTag-headSize+tagType], body[timesTag-headSize+tagMode] = 5, 5
	r := made(recordTimes, 7, 100, 42, string(body))
	binary.NativeEndian.PutUint32(r[headFlags:], workAnchored|workMixed|workFailed)
	s := newStream(nil)
	s.take(opened(7, 100, 1))
	s.take(r)
	s.take(r[:len(r)-1]) // cut
	list := drain(s)
	if len(list) != 2 || list[1].Kind != Worked {
		t.Fatalf("%v", kinds(list))
	}
	want := Work{After: 42, Mixed: true, Failed: true, Parse: 1, Rewrite: 2, Plan: 3, Execute: 4, LockWait: 5, Lock: LockTag{tagType: 5, tagMode: 5}}
	if *list[1].Work != want {
		t.Errorf("%+v", *list[1].Work)
	}
}

// The quick way of data says what the other one does, whatever comes before: losses, ends,
// pids that are used again, and such that share a place.
func TestTakeData(t *testing.T) {
	quick := 0
	for seed := range uint64(100) {
		rnd := rand.New(rand.NewPCG(seed, 1))
		fast, slow := newStream([]int{1}), newStream([]int{1})
		offsets := make(map[key]*[2]uint64)
		var got, want []Event
		for range 300 {
			pid := uint32(7 + numRecent*rnd.IntN(3) + rnd.IntN(2))
			k := key{pid: pid, born: uint64(1 + rnd.IntN(2))}
			at := offsets[k]
			if at == nil {
				at = new([2]uint64)
				offsets[k] = at
			}
			r := opened(pid, k.born, uint32(1+rnd.IntN(5)/4))
			switch n := rnd.IntN(40); {
			case n == 0:
				r = exited(pid, k.born, at[0], at[1])
				delete(offsets, k)
			case n == 1:
				r = made(recordEOF, pid, k.born, 0, "")
			case n == 2:
				at[0] += 5 // it will be missed
			case n == 3:
				r = made(recordFrontend, pid, k.born, at[0], "")[:rnd.IntN(headSize)]
			case n > 4:
				body := strings.Repeat("x", rnd.IntN(9))
				r = made(recordFrontend+recordKind(n&1), pid, k.born, at[n&1], body)
				at[n&1] += uint64(len(body))
			}
			var e Event
			if fast.takeData(r, &e) {
				got = append(got, e)
				quick++
			} else {
				fast.take(r)
				got = append(got, drain(fast)...)
			}
			slow.take(r)
			want = append(want, drain(slow)...)
		}
		if fast.reads.Load() != slow.reads.Load() || fast.bytes != slow.bytes {
			t.Fatalf("seed %d: %d reads, %d bytes, not %d, %d", seed, fast.reads.Load(), fast.bytes, slow.reads.Load(), slow.bytes)
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d:\n%v\nnot\n%v", seed, kinds(got), kinds(want))
		}
	}
	if quick == 0 {
		t.Error("nothing went the quick way")
	}
}

func BenchmarkStream(b *testing.B) {
	const backends = 4
	var records [2 * backends]record
	for _, way := range []string{"quick", "other"} {
		b.Run(way, func(b *testing.B) {
			s := newStream(nil)
			for i := range records {
				pid := uint32(1000 + i/2)
				s.take(opened(pid, 1, 1))
				records[i] = made(recordFrontend+recordKind(i&1), pid, 1, 0, strings.Repeat("x", 64))
				s.take(records[i])
			}
			var e Event
			for s.pop(&e) {
			}
			b.ReportAllocs()
			n := uint64(1)
			for b.Loop() {
				for _, r := range records {
					binary.NativeEndian.PutUint64(r[headOffset:], 64*n)
					if way == "other" || !s.takeData(r, &e) {
						s.take(r)
						s.pop(&e)
						if s.pop(&e) {
							b.Fatal("more than one event")
						}
					}
				}
				n++
			}
		})
	}
}
