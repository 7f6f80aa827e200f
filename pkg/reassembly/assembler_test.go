package reassembly

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// script builds a script of generated lines.
func script(parts ...string) string { return strings.Join(parts, ";") }

func lines(n int, format string, args func(i int) []any) string {
	var l []string
	for i := range n {
		l = append(l, fmt.Sprintf(format, args(i)...))
	}
	return strings.Join(l, ";")
}

// An acknowledged hole is given up when enough segments wait behind it, and
// not one before.
func TestLossBySegments(t *testing.T) {
	after := func(n int) string {
		return play(t, script("HS; A 100 1000 PA a; B 1000 110 A",
			lines(n, "A %d 1000 PA x", func(i int) []any { return []any{104 + i} })), Config{}).String()
	}
	if got, want := after(31), "1open 1A:a | 1Agap3 1A:"+strings.Repeat("x", 31)+" 1end:end of capture"; got != want {
		t.Errorf("31 segments:\n got %s\nwant %s", got, want)
	}
	if got, want := after(32), "1open 1A:a 1Agap3 1A:"+strings.Repeat("x", 32)+" | 1end:end of capture"; got != want {
		t.Errorf("32 segments:\n got %s\nwant %s", got, want)
	}
}

// A lost request holds its reply and what follows, in both directions
// together, until there is enough of it; each gap then stands in its place.
func TestLossInConversation(t *testing.T) {
	s := script("HS", lines(40, "A %d %d PA q; B %d %d PA r", func(i int) []any {
		return []any{105 + i, 1000 + i, 1000 + i, 106 + i}
	}))
	got := play(t, s, Config{}).String()
	want := "1open 1Agap5" + strings.Repeat(" 1A:q 1B:r", 40) + " | 1end:end of capture"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

// Where the peer is not captured, or has not acknowledged, the bounds of the
// queue decide.
func TestLossByQueue(t *testing.T) {
	more := func(n int) string {
		return lines(n, "A %d 1000 PA x", func(i int) []any { return []any{104 + i} })
	}
	for name, c := range map[string]struct {
		script string
		cfg    Config
		at     int // segments queued when the hole is given up
	}{
		"one direction, segments": {"A 99 0 S; A 100 1000 PA a;" + more(300), Config{}, 257},
		"no acknowledgments seen": {"HS; A 100 1000 PA a;" + more(300), Config{}, 257},
		"the peer waits too":      {"HS; A 100 1000 PA a;A 103 1000 PA z; B 1000 101 A;" + more(3000), Config{}, 2048}, // and z
		"configured":              {"HS; A 100 1000 PA a;" + more(300), Config{MaxQueueSegments: 5}, 6},
		"bytes":                   {"HS; A 100 1000 PA a;" + more(300), Config{MaxQueueBytes: 99}, 100},
		"total":                   {"HS; A 100 1000 PA a;" + more(300), Config{MaxTotalBytes: waitCost + 10*(64+chunkCost)}, 11},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t)
			a := New(r, c.cfg)
			gap := 0
			for i, s := range parseScript(c.script) {
				a.Segment(&s.seg)
				if gap == 0 && slices.ContainsFunc(r.ev, func(e string) bool { return strings.HasPrefix(e, "1Agap") }) {
					gap = i
				}
			}
			first := strings.Count(c.script[:strings.Index(c.script, "PA x")], ";") // segments before the hole
			if strings.HasPrefix(c.script, "HS;") {
				first += 2
			}
			if queued := gap - first + 1; queued != c.at {
				t.Errorf("given up with %d segments queued, want %d: %v", queued, c.at, r)
			}
		})
	}
}

func TestStamps(t *testing.T) {
	k := &stampRecorder{}
	a := New(k, Config{})
	for _, s := range parseScript("HS; B 1000 103 PA XYZ; A 100 1000 PA abc; A 110 1003 PA def; B 1003 113 A; tick 9000; B 1003 113 FA; A 113 1004 FA") {
		if s.tick {
			a.Advance(s.seg.At.Time)
		} else {
			a.Segment(&s.seg)
		}
	}
	want := "open@1 0data@5 1data@4 0gap@6 0data@6 1fin@8 0fin@9 close@9"
	if got := strings.Join(k.ev, " "); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

type stampRecorder struct{ ev []string }

func (k *stampRecorder) add(format string, args ...any) {
	k.ev = append(k.ev, fmt.Sprintf(format, args...))
}
func (k *stampRecorder) Open(_ *Conn, at Stamp)                  { k.add("open@%d", at.Frame) }
func (k *stampRecorder) Data(_ *Conn, d Dir, _ []byte, at Stamp) { k.add("%ddata@%d", d, at.Frame) }
func (k *stampRecorder) Gap(_ *Conn, d Dir, _ int64, at Stamp)   { k.add("%dgap@%d", d, at.Frame) }
func (k *stampRecorder) HalfClose(_ *Conn, d Dir, at Stamp)      { k.add("%dfin@%d", d, at.Frame) }
func (k *stampRecorder) Close(_ *Conn, _ Reason, at Stamp)       { k.add("close@%d", at.Frame) }

func TestConnFields(t *testing.T) {
	for _, c := range []struct {
		script string
		a      string
		mid    bool
		first  uint64
		last   uint64
		statsA Stats
		statsB Stats
	}{
		{"A 99 0 S; B 999 100 SA; A 100 1000 PA abc", "10.0.0.1:40000", false, 1, 3, Stats{Bytes: 3}, Stats{}},
		{"B 999 100 SA; A 100 1000 PA abc", "10.0.0.1:40000", false, 1, 2, Stats{Bytes: 3}, Stats{}},
		{"B 1000 100 PA XYZ; A 100 1003 PA abc", "10.0.0.2:5432", true, 1, 2, Stats{Bytes: 3}, Stats{Bytes: 3}},
		{
			"HS; A 100 1000 PA abc; A 100 1000 PA abc; A 101 1000 PA bcd; A 106 1000 PA g; B 1000 107 A; tick 5000; A 104 1000 PA ef; A 102 1000 PA cdefg; A 103 1000 PA d",
			"10.0.0.1:40000", false, 1, 11,
			Stats{Bytes: 5, Lost: 2, Retransmitted: 3 + 2 + 3 + 1, Late: 4},
			Stats{},
		},
		{
			"HS; A 103 1000 PA def; A 103 1000 PA def; A 102 1000 PA cd; A 100 1000 PA abc", "10.0.0.1:40000", false, 1, 7,
			Stats{Bytes: 6, Retransmitted: 5},
			Stats{},
		},
		{"HS; B 1000 100 PA abc +9; A 100 1000 A; A 99 1000 A #", "10.0.0.1:40000", false, 1, 6, Stats{}, Stats{Bytes: 3, Lost: 9}},
	} {
		r := play(t, c.script, Config{})
		if len(r.conns) != 1 {
			t.Fatalf("%s: %d connections", c.script, len(r.conns))
		}
		k := r.conns[0]
		if k.A.String() != c.a || k.MidStream != c.mid || k.First.Frame != c.first || k.Last.Frame != c.last {
			t.Errorf("%s:\n got A %v, mid-stream %v, frames %d to %d", c.script, k.A, k.MidStream, k.First.Frame, k.Last.Frame)
		}
		if k.Stats != [2]Stats{c.statsA, c.statsB} {
			t.Errorf("%s:\n got %+v\nwant %+v", c.script, k.Stats, [2]Stats{c.statsA, c.statsB})
		}
	}
}

func TestIgnore(t *testing.T) {
	for _, c := range []struct{ script, want string }{
		{
			"HS; A 100 1000 PA abc; A 103 1000 PA stop; A 107 1000 PA def; B 1000 110 PA XYZ; END 110 1003",
			"1open 1A:abcstop 1end:FIN",
		},
		{"HS; A 100 1000 PA stop; A 109 1000 PA out; A 104 1000 PA def; A 112 1000 RA", "1open 1A:stop 1end:RST"},
		{"HS; A 106 1000 PA later; A 104 1000 PA yy; A 100 1000 PA stop; A 50000 0 S", "1open 1A:stop 1end:reuse 2open | 2end:end of capture"},
		{"HS; A 104 1000 FA; A 100 1000 PA stop; B 1000 105 FA; A 105 1001 A", "1open 1A:stop | 1end:end of capture"},
	} {
		r := newRecorder(t)
		r.ignore = func(_ *Conn, _ Dir, s string) bool { return s == "stop" }
		run(New(r, Config{}), r, c.script)
		if r.String() != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.script, r, c.want)
		}
	}
}

func TestIgnoredIsCounted(t *testing.T) {
	r := newRecorder(t)
	r.ignore = func(_ *Conn, _ Dir, s string) bool { return true }
	run(New(r, Config{}), r, "HS; A 100 1000 PA abc; A 103 1000 PA de; A 103 1000 PA def; A 110 1000 PA g +4; B 1000 111 PA XYZ; END 115 1003")
	if got, want := r.conns[0].Stats, ([2]Stats{{Bytes: 7, Lost: 8, Retransmitted: 2}, {Bytes: 3}}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if !strings.Contains(r.String(), "1end:FIN") {
		t.Errorf("got %s", r)
	}
}

// The least recently used connection gives way, not the oldest.
func TestEviction(t *testing.T) {
	got := play(t, `A 99 0 S p1; A 99 0 S p2; A 99 0 S p3
		A 100 0 PA abc p1; A 99 0 S p4; A 103 0 PA d p1; A 105 0 PA g p2; A 99 0 S p5`, Config{MaxConns: 3}).String()
	want := "1open 2open 3open 1A:abc 2end:limit 4open 1A:d 3end:limit 5openmid 5A:g 4end:limit 6open" +
		" | 1end:end of capture 5end:end of capture 6end:end of capture"
	if got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
}

func TestFlushInOrderOfNumbers(t *testing.T) {
	var s []string
	for i := range 9 {
		s = append(s, fmt.Sprintf("A 99 0 S p%d", i))
	}
	for i := 8; i >= 0; i-- {
		s = append(s, fmt.Sprintf("A 100 0 PA x p%d", i))
	}
	r := play(t, script(s...), Config{MaxConns: 9})
	for i, c := range r.conns {
		if c.ID != uint64(i+1) {
			t.Fatalf("connection %d closed at place %d", c.ID, i+1)
		}
	}
}

func TestDeterministic(t *testing.T) {
	var all []string
	for _, s := range scenarios {
		all = append(all, s.script)
	}
	want := play(t, script(all...), Config{MaxConns: 2}).String()
	for range 3 {
		if got := play(t, script(all...), Config{MaxConns: 2}).String(); got != want {
			t.Fatalf("\n got %s\nwant %s", got, want)
		}
	}
}

// The server's side is captured during the handshake only. At first its
// replies are taken for lost, one by one; then it is no more waited for.
func TestDirectionFallsSilent(t *testing.T) {
	k := &counter{}
	a := New(k, Config{})
	steps := parseScript(script("HS", lines(5000, "A %d %d PA q", func(i int) []any { return []any{100 + i, 1000 + 10*i} })))
	waiting := 0
	for i, s := range steps {
		a.Segment(&s.seg)
		if i > 1000 && a.Queued() > 0 {
			waiting++
		}
	}
	if waiting > 0 {
		t.Errorf("something waits after %d of the last segments", waiting)
	}
	if k.data != 5000 || k.gaps != silentLosses {
		t.Errorf("%d pieces of data, %d gaps", k.data, k.gaps)
	}
}

// A hole of a direction that was silent has its size known when it is back.
func TestDirectionIsBack(t *testing.T) {
	s := script("HS", lines(50, "A %d %d PA q", func(i int) []any { return []any{100 + i, 1000 + 10*i} }),
		"B 1490 150 PA XYZ; B 1493 150 PA UVW; A 150 1496 A; tick 9000")
	got := play(t, s, Config{LossSegments: 1}).String()
	if !strings.HasSuffix(got, "1Bgap410 1B:XYZUVW | 1end:end of capture") {
		t.Errorf("got %s", got)
	}
}

// More connections than are remembered after their end, each used again.
func TestManyTuples(t *testing.T) {
	k := &counter{}
	a := New(k, Config{})
	const n = 3 * maxLinger
	for round := range 2 {
		for i := range n {
			s := Segment{Src: stranger(i), Dst: stranger(-1), Seq: uint32(i + round), Flags: SYN}
			a.Segment(&s)
			s.Seq, s.Flags, s.Payload = s.Seq+1, ACK, []byte("x")
			a.Segment(&s)
			s.Seq, s.Flags, s.Payload = s.Seq+1, FIN|ACK, nil
			a.Segment(&s)
		}
	}
	if k.opened != 2*n || k.closed != 2*n || k.bytes != 2*n || a.linger.n != maxLinger || a.table.n != 0 {
		t.Errorf("%d opened, %d closed, %d bytes, %d linger", k.opened, k.closed, k.bytes, a.linger.n)
	}
	a.verify(t)
}

// Segments that cannot be are refused before they do harm.
func TestImpossibleSegments(t *testing.T) {
	r := newRecorder(t)
	a := New(r, Config{})
	for _, missing := range []int{-1, 1<<30 + 1, 1 << 62} {
		s := Segment{Src: Endpoint{Port: 1}, Dst: Endpoint{Port: 2}, Flags: ACK, Payload: []byte("x"), Missing: missing}
		a.Segment(&s)
	}
	if len(r.ev) != 0 {
		t.Errorf("got %v", r)
	}
}

// A connection from an endpoint to itself has but one direction for us.
func TestSameEndpoints(t *testing.T) {
	r := newRecorder(t)
	a := New(r, Config{})
	e := Endpoint{AddrFrom(testA), 5432}
	for i, s := range []Segment{
		{Seq: 99, Flags: SYN},
		{Seq: 99, Ack: 100, Flags: SYN | ACK},
		{Seq: 100, Ack: 100, Flags: ACK, Payload: []byte("abc")},
		{Seq: 103, Ack: 103, Flags: ACK, Payload: []byte("def")},
	} {
		s.Src, s.Dst, s.At.Frame = e, e, uint64(i+1)
		a.Segment(&s)
	}
	a.Flush()
	if !strings.Contains(r.String(), ":abcdef") || len(r.conns) != 1 {
		t.Errorf("got %v", r)
	}
}

func TestAddr(t *testing.T) {
	for _, s := range []string{"1.2.3.4:5432", "[::1]:5432", "[2001:db8::a:b]:1", "0.0.0.0:0", "[::]:65535"} {
		ap := netip.MustParseAddrPort(s)
		e := EndpointFrom(ap)
		if e.String() != s || e.AddrPort() != ap || e.Addr.Is4() != ap.Addr().Is4() {
			t.Errorf("%s became %s, %s", s, e, e.AddrPort())
		}
	}
	mapped := EndpointFrom(netip.MustParseAddrPort("[::ffff:1.2.3.4]:5432"))
	if mapped.String() != "1.2.3.4:5432" {
		t.Errorf("mapped address became %s", mapped)
	}
	if (AddrFrom(netip.Addr{}) != Addr{}) {
		t.Error("the invalid address is not ::")
	}
}

func TestNames(t *testing.T) {
	seen := map[string]bool{}
	const numReasons = ByEnd + 1
	for r := range numReasons {
		seen[r.String()] = true
	}
	if len(seen) != int(numReasons) || seen[""] || numReasons.String() != "unknown" {
		t.Errorf("reasons are %v", seen)
	}
	if ConflictingRetransmission.String() == Anomaly(0).String() {
		t.Error("anomalies have no names")
	}
	if Dir(0).Opposite() != 1 || Dir(1).Opposite() != 0 {
		t.Error("directions are not opposite")
	}
}

func TestClock(t *testing.T) {
	const s = int64(time.Second)
	var k clock
	for _, x := range []int64{100 * s, 101 * s, 101 * s} {
		k.packet(x)
	}
	start := k.now
	k.packet(9000 * s) // one from the future
	k.packet(102 * s)
	k.packet(102 * s)
	if got := k.now - start; got != 1*s {
		t.Errorf("one packet from the future: %v passed", time.Duration(got))
	}
	k.packet(50 * s) // one from the past
	k.packet(103 * s)
	k.packet(103 * s)
	if got := k.now - start; got != 2*s {
		t.Errorf("one packet from the past: %v passed", time.Duration(got))
	}
	for i := range int64(200) { // the past for good
		k.packet(10*s + i*s)
	}
	if got := k.now - start; got < 2*s+130*s || got > 2*s+140*s {
		t.Errorf("a step back for good: %v passed", time.Duration(got))
	}
	k.set(1000 * s)
	if k.stamp() != k.now {
		t.Error("a time that is certain leaves the clock behind")
	}
}

// What an Assembler cannot do without is asked for when it is made.
func TestNewWithoutHandler(t *testing.T) {
	defer func() {
		if r := recover(); r != "reassembly: New needs a Handler" {
			t.Error(r)
		}
	}()
	New(nil, Config{})
}
