package reassembly

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"testing"
)

// A script is a capture in text, one segment a line or between semicolons:
//
//	A 100 1000 PA abc +3 @50 p7 ; B 1000 103 A
//
// is: from A, sequence number 100, acknowledgment number 1000, flags, then
// the text, 3 bytes cut by the snap length, at 50 ms, from A's port 40007. A
// number like w+3 counts from 2^32-3. Without a time, each segment comes a
// millisecond after the one before. HS is a handshake that leaves A at 100 and
// B at 1000; WHS leaves A at w and B at 1000. END a b closes from A at a and
// B at b. "tick 5000" lets time go on to 5 s without a packet.

const shorthand = "A 99 0 S; B 999 100 SA; A 100 1000 A;"

func expand(script string) []string {
	script = strings.ReplaceAll(script, "WHS;", "A w-1 0 S; B 999 w SA; A w 1000 A;")
	script = strings.ReplaceAll(script, "HS;", shorthand)
	var lines []string
	for _, l := range strings.FieldsFunc(script, func(r rune) bool { return r == ';' || r == '\n' }) {
		l = strings.TrimSpace(l)
		if rest, ok := strings.CutPrefix(l, "END "); ok {
			f := strings.Fields(rest)
			a, b := number(f[0]), number(f[1])
			lines = append(lines,
				fmt.Sprintf("A %d %d FA", a, b),
				fmt.Sprintf("B %d %d FA", b, a+1),
				fmt.Sprintf("A %d %d A", a+1, b+1))
			continue
		}
		if l != "" {
			lines = append(lines, l)
		}
	}
	return lines
}

func number(s string) uint32 {
	base := uint32(0)
	if rest, ok := strings.CutPrefix(s, "w"); ok {
		base = 0xfffffffd
		if rest == "" {
			return base
		}
		s = rest
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		panic(err)
	}
	return base + uint32(n)
}

var (
	testA = netip.MustParseAddr("10.0.0.1")
	testB = netip.MustParseAddr("10.0.0.2")
)

const testStart = int64(1_700_000_000_000_000_000)

// step is one line of a script.
type step struct {
	seg  Segment
	tick bool
}

func parseScript(script string) []step {
	var steps []step
	ms, frame := int64(0), uint64(0)
	for _, line := range expand(script) {
		f := strings.Fields(line)
		ms++
		if f[0] == "tick" {
			ms = int64(number(f[1]))
			steps = append(steps, step{tick: true, seg: Segment{At: Stamp{Time: testStart + ms*1e6}}})
			continue
		}
		a, b := Endpoint{AddrFrom(testA), 40000}, Endpoint{AddrFrom(testB), 5432}
		s := Segment{Seq: number(f[1]), Ack: number(f[2]), Window: 8192}
		for _, x := range f[3] {
			s.Flags |= map[rune]uint8{'F': FIN, 'S': SYN, 'R': RST, 'P': PSH, 'A': ACK}[x]
		}
		for _, x := range f[4:] {
			switch x[0] {
			case '+':
				s.Missing = int(number(x[1:]))
			case '@':
				ms = int64(number(x[1:]))
			case 'p':
				if len(x) == 2 {
					a.Port += uint16(x[1] - '0')
					continue
				}
				fallthrough
			default:
				s.Payload = append(s.Payload, x...)
			}
		}
		s.Src, s.Dst = a, b
		if f[0] == "B" {
			s.Src, s.Dst = b, a
		}
		frame++
		s.At = Stamp{Time: testStart + ms*1e6, Frame: frame}
		steps = append(steps, step{seg: s})
	}
	return steps
}

// recorder writes down what it is told, joining data that follow each other.
type recorder struct {
	ev       []string
	conns    []*Conn // copies made at Close
	open     map[*Conn]uint64
	ignore   func(c *Conn, d Dir, data string) bool
	t        testing.TB
	joinable bool
}

func newRecorder(t testing.TB) *recorder { return &recorder{t: t, open: map[*Conn]uint64{}} }

func (r *recorder) add(format string, args ...any) {
	r.ev = append(r.ev, fmt.Sprintf(format, args...))
	r.joinable = false
}

func (r *recorder) check(c *Conn) {
	if id, ok := r.open[c]; !ok || id != c.ID {
		r.t.Fatalf("event of connection %d, which is not open", c.ID)
	}
}

func (r *recorder) Open(c *Conn, _ Stamp) {
	if _, ok := r.open[c]; ok {
		r.t.Fatalf("connection %d opened over an open one", c.ID)
	}
	r.open[c] = c.ID
	m := ""
	if c.MidStream {
		m = "mid"
	}
	r.add("%dopen%s", c.ID, m)
}

func (r *recorder) Data(c *Conn, d Dir, b []byte, _ Stamp) {
	r.check(c)
	if len(b) == 0 {
		r.t.Fatal("empty Data")
	}
	p := fmt.Sprintf("%d%c:", c.ID, "AB"[d])
	if n := len(r.ev); r.joinable && strings.HasPrefix(r.ev[n-1], p) {
		r.ev[n-1] += string(b)
	} else {
		r.add("%s%s", p, b)
	}
	r.joinable = true
	if r.ignore != nil && r.ignore(c, d, string(b)) {
		c.Ignore()
	}
}

func (r *recorder) Gap(c *Conn, d Dir, n int64, _ Stamp) {
	r.check(c)
	if n == 0 {
		r.t.Fatal("empty Gap")
	}
	r.add("%d%cgap%d", c.ID, "AB"[d], n)
}

func (r *recorder) HalfClose(c *Conn, d Dir, _ Stamp) {
	r.check(c)
	r.add("%d%cfin", c.ID, "AB"[d])
}

func (r *recorder) Anomaly(c *Conn, d Dir, _ Anomaly, _ Stamp) {
	r.check(c)
	r.add("%d%cconflict", c.ID, "AB"[d])
}

func (r *recorder) Close(c *Conn, why Reason, _ Stamp) {
	r.check(c)
	delete(r.open, c)
	cp := *c
	r.conns = append(r.conns, &cp)
	r.add("%dend:%v", c.ID, why)
}

func (r *recorder) String() string { return strings.Join(r.ev, " ") }

// play runs a script to its end and returns the record, with "|" where Flush
// was called if something came after it.
func play(t testing.TB, script string, cfg Config) *recorder {
	r := newRecorder(t)
	a := New(r, cfg)
	run(a, r, script)
	return r
}

func run(a *Assembler, r *recorder, script string) {
	for _, s := range parseScript(script) {
		if s.tick {
			a.Advance(s.seg.At.Time)
			continue
		}
		buf := append([]byte(nil), s.seg.Payload...)
		s.seg.Payload = buf
		a.Segment(&s.seg)
		clear(buf) // nothing may be kept of it
	}
	n := len(r.ev)
	a.Flush()
	if len(r.ev) > n {
		r.ev = append(r.ev[:n], append([]string{"|"}, r.ev[n:]...)...)
	}
	if len(r.open) > 0 {
		r.t.Fatalf("%d connections not closed by Flush", len(r.open))
	}
	if a.Open() != 0 || a.Queued() != 0 {
		r.t.Fatalf("after Flush: %d open, %d bytes queued", a.Open(), a.Queued())
	}
}
