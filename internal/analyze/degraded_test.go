package analyze_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// degraded is a capture with less in it than its base.
type degraded struct {
	file *hostile.File
	// frames are the numbers in the base of the packets, counting from 1.
	frames []uint64
	// missing tells which bytes of each stream are not there.
	missing map[stream][][2]int
}

// lose returns the base without some of its records.
func (x *base) lose(lost func(i int) bool) *degraded {
	d := &degraded{file: x.file.Clone(), missing: map[stream][][2]int{}}
	d.file.Records = d.file.Records[:0:0]
	for i, r := range x.file.Records {
		if !lost(i) {
			d.file.Records = append(d.file.Records, r)
			d.frames = append(d.frames, uint64(i+1))
		} else if s, ok := x.segments[i]; ok {
			d.missing[s.stream] = append(d.missing[s.stream], [2]int{s.begin, s.end})
		}
	}
	return d
}

// check analyses d and compares it with its base.
//
// The bound that it holds the program to: nothing may be found that is not in
// the base, at no other packet, and no row with the SQL of another query. A
// message whose bytes are all there has to be found
//   - before the first loss of its direction;
//   - after a loss inside one message whose header was seen;
//   - after another loss, or from where the capture begins, from the first
//     message on that begins where a packet's payload begins, if up to the next
//     loss there is enough to be certain: a message after which the sender waits
//     and which ends its packet, after four others, or 16 KiB.
//
// What precedes that place may be missed: a false message is worse.
func (x *base) check(t *testing.T, what string, d *degraded, w way) {
	t.Helper()
	got := collect(t, d.file.Bytes(), w)
	have := map[string]int{}
	sql := map[string]string{}
	for _, list := range x.messages {
		for i := range list {
			k := list[i].key(list[i].frame)
			have[k]++
			if list[i].sql != "" {
				sql[k] = list[i].sql
			}
		}
	}
	found := map[string]int{}
	for i := range got.messages {
		m := &got.messages[i]
		if m.truncated {
			if !x.hasTruncated(m) {
				t.Errorf("%s: a truncated %v of %d bytes from %s is not in the base", what, m.kind, m.len, m.client)
			}
			continue
		}
		k := m.key(d.frames[m.frame-1])
		if found[k]++; found[k] > have[k] {
			t.Errorf("%s: packet %d (%d of the base): %v of %d bytes, %.60q, is not in the base", what, m.frame, d.frames[m.frame-1], m.kind, m.len, m.body)
		}
		if m.sql != "" && sql[k] != "" && !strings.HasPrefix(sql[k], m.sql) {
			t.Errorf("%s: packet %d: a row of %q is said to be of %q", what, m.frame, sql[k], m.sql)
		}
	}
	missed := 0
	for s, list := range x.messages {
		for _, i := range x.knowable(s, d) {
			m := &list[i]
			k := m.key(m.frame)
			if found[k] == 0 {
				if missed++; missed <= 3 {
					t.Errorf("%s: missing: packet %d of the base, %v %v of %d bytes at %d of %s, %.60q", what, m.frame, m.dir, m.kind, m.len, m.begin, m.client, m.body)
				}
				continue
			}
			found[k]--
		}
	}
	x.checkQueries(t, what, got)
}

// hasTruncated reports whether the base has a message that begins like m.
func (x *base) hasTruncated(m *seen) bool {
	for _, b := range x.messages[stream{m.client, m.dir}] {
		if b.tag == m.tag && b.len == m.len && strings.HasPrefix(b.body, m.body) {
			return true
		}
	}
	return false
}

// knowable returns the messages of a stream that have to be found, by number.
func (x *base) knowable(s stream, d *degraded) (list []int) {
	holes := slices.Clone(d.missing[s])
	slices.SortFunc(holes, func(a, b [2]int) int { return a[0] - b[0] })
	inStep := true
	for i, m := range x.messages[s] {
		for len(holes) > 0 && holes[0][1] <= m.begin {
			holes = holes[1:]
		}
		hit := len(holes) > 0 && holes[0][0] < m.end
		if !inStep && x.starts[s][m.begin] && !hit {
			limit := 1 << 62
			if len(holes) > 0 {
				limit = holes[0][0]
			}
			inStep = x.certain(s, i, limit)
		}
		switch {
		case hit && inStep && holes[0][0] >= m.begin+5 && holes[0][1] <= m.end:
			// Its header tells where it ends.
		case hit:
			inStep = false
		case inStep:
			list = append(list, i)
		}
	}
	return list
}

// certain reports whether the messages from number i to offset limit are enough
// evidence of where they begin.
func (x *base) certain(s stream, i, limit int) bool {
	list := x.messages[s]
	for n := i; n < len(list) && list[n].end <= limit; n++ {
		if list[n].end-list[i].begin >= 16<<10 {
			return true
		}
		waits := list[n].tag == 'Z' || list[n].tag == 'Q' || list[n].tag == 'S' && s.dir == messages.Frontend
		if waits && n >= i+4 && x.ends[s][list[n].end] {
			return true
		}
	}
	return false
}

// checkQueries looks for exchanges that the base does not have: with a text
// that nobody sent, or the rows of another.
func (x *base) checkQueries(t *testing.T, what string, got *collector) {
	t.Helper()
	for _, q := range got.queries {
		if q.sql == "" {
			continue
		}
		sent, rows, tags := false, uint64(0), map[string]bool{}
		for _, m := range x.messages[stream{q.client, messages.Frontend}] {
			sent = sent || (m.tag == 'Q' || m.tag == 'P') && strings.Contains(m.body, q.sql)
		}
		for _, b := range x.all.queries {
			if b.client == q.client && strings.HasPrefix(b.sql, q.sql) {
				rows, tags[b.tags] = max(rows, b.rows), true
			}
		}
		switch {
		case !sent:
			t.Errorf("%s: a query %q that nobody sent", what, q.sql)
		case q.rows > rows:
			t.Errorf("%s: %q has %d rows, at most %d in the base", what, q.sql, q.rows, rows)
		case q.complete && !tags[q.tags]:
			t.Errorf("%s: %q is complete and ends in %q, not so in the base", what, q.sql, q.tags)
		}
	}
}

func TestLossOfEachSegment(t *testing.T) {
	for name, stride := range map[string]int{"base_mix.pcap": 9, "psql_simple.pcap": 1, "libpq_pipeline.pcap": 1, "tiny_mss.pcap": 5} {
		t.Run(name, func(t *testing.T) {
			x := loadBase(t, name)
			n := 0
			for i := range x.file.Records {
				if _, ok := x.segments[i]; !ok {
					continue
				}
				if n++; n%stride == 0 {
					x.check(t, fmt.Sprintf("without packet %d", i+1), x.lose(func(k int) bool { return k == i }), way{})
				}
				if t.Failed() {
					return
				}
			}
		})
	}
}

func TestRandomLoss(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "psql_simple.pcap", "libpq_pipeline.pcap", "tiny_mss.pcap", "copy.pcap"} {
		t.Run(name, func(t *testing.T) {
			x := loadBase(t, name)
			for _, percent := range []int{1, 5, 20} {
				for seed := range uint64(6) {
					r := hostile.Rand(seed + uint64(percent)<<8)
					d := x.lose(func(int) bool { return r.IntN(100) < percent })
					x.check(t, fmt.Sprintf("%d %% lost, seed %d", percent, seed), d, way{})
				}
			}
		})
	}
}

// TestMidStream begins the capture at each packet.
func TestMidStream(t *testing.T) {
	for name, stride := range map[string]int{"base_mix.pcap": 17, "psql_simple.pcap": 1, "libpq_pipeline.pcap": 1, "tiny_mss.pcap": 11} {
		t.Run(name, func(t *testing.T) {
			x := loadBase(t, name)
			for first := 1; first < len(x.file.Records); first += stride {
				d := x.lose(func(i int) bool { return i < first })
				x.check(t, fmt.Sprintf("from packet %d", first+1), d, way{})
				if t.Failed() {
					return
				}
			}
		})
	}
}

func TestOneDirection(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "psql_simple.pcap", "libpq_pipeline.pcap", "tiny_mss.pcap", "copy.pcap"} {
		for _, dir := range []messages.Direction{messages.Frontend, messages.Backend} {
			x := loadBase(t, name)
			d := x.lose(func(i int) bool {
				p, ok := x.file.TCP(i)
				return ok && streamOf(p.Flow).dir != dir
			})
			x.check(t, fmt.Sprint(name, ": only the ", dir), d, way{})
		}
	}
}

// TestSnapLength cuts the packets: the holes are of known size.
func TestSnapLength(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "psql_simple.pcap", "libpq_pipeline.pcap", "copy.pcap"} {
		for _, snap := range []int{96, 200, 600} {
			x := loadBase(t, name)
			d := x.lose(func(int) bool { return false })
			for i := range d.file.Records {
				r := &d.file.Records[i]
				s, ok := x.segments[i]
				if !ok || len(r.Data) <= snap {
					continue
				}
				p, _ := x.file.TCP(i)
				r.Snap(snap)
				d.missing[s.stream] = append(d.missing[s.stream], [2]int{s.begin + max(snap-p.Payload, 0), s.end})
			}
			x.check(t, fmt.Sprintf("%s: snap length %d", name, snap), d, way{})
		}
	}
}
