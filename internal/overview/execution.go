package overview

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math"
	"slices"
	"strconv"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/order"
	"github.com/pgsniff/pgsniff/internal/record"
)

const (
	// maxSlowest and maxRecent are how many executions of a query are kept: the slowest
	// of all, and the latest.
	maxSlowest = 30
	maxRecent  = 64
	// maxText is how much is kept of the text or the parameters of one, maxValue of a
	// parameter, in bytes.
	maxText  = 1000
	maxValue = 200
	// maxKept bounds the memory of all executions, in bytes; then no query gets more
	// room than it has.
	maxKept = 40 << 20
	// keepEvery is how far apart those are that are kept for being the latest, in ns: of
	// more in so short a time nobody looks at each.
	keepEvery = int64(2_000_000)
	// slotSize is the memory of an execution besides its text.
	slotSize = 176
)

// execution is one call of a query. Its memory is used again.
type execution struct {
	conn     *record.Conn
	who      *record.Who
	at       record.Stamp
	id       uint64
	duration int64
	rows     uint64
	state    [5]byte
	params   bool   // text is packed parameters
	text     []byte // or the text of the query
}

// worthKeeping reports whether an execution is to be kept: it is among the slowest, the
// first ones, or some time has passed since the latest.
func (k *class) worthKeeping(duration, at int64, live bool) bool {
	return len(k.recent) < maxRecent || k.slow(duration) || !live || at-k.kept >= keepEvery || at < k.kept
}

func (k *class) slow(duration int64) bool {
	return duration >= 0 && (len(k.slowest) < maxSlowest || duration > k.slowest[len(k.slowest)-1].duration)
}

// keep keeps an execution among the latest, and among the slowest if it is one.
func (c *Collector) keep(k *class, q *record.Query) {
	slow := k.slow(q.Duration)
	k.kept = max(q.End.Time, q.Start.Time)
	var e *execution
	switch {
	case len(k.recent) < maxRecent && c.kept < maxKept:
		k.recent = append(k.recent, execution{})
		e = &k.recent[len(k.recent)-1]
		c.kept += slotSize
	case len(k.recent) == 0:
		return // there is no room at all
	default:
		if k.next >= len(k.recent) {
			k.next = 0
		}
		e = &k.recent[k.next]
		k.next++
	}
	before := cap(e.text)
	e.take(q)
	c.kept += cap(e.text) - before
	if slow {
		c.keepSlow(k, e)
	}
}

// keepSlow copies an execution to its place among the slowest.
func (c *Collector) keepSlow(k *class, e *execution) {
	s := execution{}
	if n := len(k.slowest); n == maxSlowest {
		s = k.slowest[n-1]
		k.slowest = k.slowest[:n-1]
	} else if c.kept >= maxKept {
		return
	} else {
		c.kept += slotSize
	}
	before, text := cap(s.text), s.text
	s = *e
	s.text = append(text[:0], e.text...)
	c.kept += cap(s.text) - before
	i, _ := slices.BinarySearchFunc(k.slowest, s.duration, func(a execution, d int64) int { return cmp.Compare(d, a.duration) })
	k.slowest = slices.Insert(k.slowest, i, s)
}

// take copies what is shown of a query.
func (e *execution) take(q *record.Query) {
	e.conn, e.who, e.at, e.id, e.duration, e.rows = q.Conn, q.Who, q.Place(), q.ID, q.Duration, q.Rows
	e.state = [5]byte{}
	if q.Error != nil {
		copy(e.state[:], q.SQLState())
		if e.state == ([5]byte{}) {
			copy(e.state[:], "?????")
		}
	}
	e.params, e.text = q.HasParams, e.text[:0]
	if !q.HasParams {
		e.text = append(e.text, q.SQL[:min(len(q.SQL), maxText)]...)
		return
	}
	for i, v := range q.Params {
		if len(e.text) > maxText {
			break
		}
		e.text = pack(e.text, v, q.TypeOf(i), q.FormatOf(i))
	}
}

// pack appends a parameter: type, format, length (that of NULL has no value behind it)
// and as much of the value as is kept.
func pack(dst, v []byte, oid uint32, format int16) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, oid)
	dst = binary.LittleEndian.AppendUint16(dst, uint16(format))
	if v == nil {
		return binary.LittleEndian.AppendUint32(dst, math.MaxUint32)
	}
	dst = binary.LittleEndian.AppendUint32(dst, uint32(len(v)))
	return append(dst, v[:min(len(v), maxValue)]...)
}

// Execution is one call of a query as the screen shows it. Texts are those of the
// capture: they may hold anything.
type Execution struct {
	Conn     *record.Conn
	Who      *record.Who
	At       record.Stamp
	ID       uint64 // number of the query within the connection
	Duration int64  // ns; negative: not known
	Rows     uint64
	State    string // SQLSTATE of the error that it ended in
	Params   string // $1 = 'x', $2 = NULL; empty where there are none
	SQL      string // its own text, where it has no parameters
}

// Executions returns the executions of a query that are kept, slowest first, and how
// many there were in all.
func (c *Collector) Executions(fingerprint uint64) (list []Execution, all uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.classes[fingerprint]
	if k == nil {
		return nil, 0
	}
	type key struct{ conn, id, frame uint64 }
	had := make(map[key]bool, len(k.slowest))
	for _, part := range [][]execution{k.slowest, k.recent} {
		for i := range part {
			e := &part[i]
			id := key{e.conn.ID, e.id, e.at.Frame}
			if had[id] {
				continue
			}
			had[id] = true
			list = append(list, c.show(e))
		}
	}
	order.StableBy(list, func(a, b *Execution) int {
		return cmp.Or(cmp.Compare(b.Duration, a.Duration), cmp.Compare(a.At.Time, b.At.Time), cmp.Compare(a.At.Frame, b.At.Frame))
	})
	return list, k.calls.total
}

func (c *Collector) show(e *execution) Execution {
	x := Execution{Conn: e.conn, Who: e.who, At: e.at, ID: e.id, Duration: e.duration, Rows: e.rows}
	if e.state != ([5]byte{}) {
		x.State = string(bytes.TrimRight(e.state[:], "\x00"))
	}
	if e.params {
		x.Params = c.unpack(e)
	} else {
		x.SQL = string(e.text)
	}
	return x
}

// unpack returns parameters as people read them.
func (c *Collector) unpack(e *execution) string {
	var b []byte
	for i, p := 1, e.text; len(p) >= 10; i++ {
		oid, format, n := binary.LittleEndian.Uint32(p), int16(binary.LittleEndian.Uint16(p[4:])), binary.LittleEndian.Uint32(p[6:])
		p = p[10:]
		if i > 1 {
			b = append(b, ", "...)
		}
		b = append(strconv.AppendInt(append(b, '$'), int64(i), 10), " = "...)
		if n == math.MaxUint32 {
			b = append(b, "NULL"...)
			continue
		}
		kept := int(min(n, maxValue))
		if kept > len(p) {
			break
		}
		b = c.appendValue(b, p[:kept:kept], int(n), oid, format, e.who)
		p = p[kept:]
	}
	return string(b)
}

// appendValue appends a value of n bytes, of which v is kept.
func (c *Collector) appendValue(b, v []byte, n int, oid uint32, format int16, who *record.Who) []byte {
	text, ok := v, format == 0
	if whole := len(v) == n; whole {
		text, c.scratch, ok = record.ValueText(c.scratch, v, oid, format, c.zone.Of(who))
	} else if ok {
		for len(text) > 0 && !utf8.Valid(text) && len(v)-len(text) < utf8.UTFMax { // a character may be cut
			text = text[:len(text)-1]
		}
	}
	if !ok || !utf8.Valid(text) {
		return append(strconv.AppendInt(append(b, '('), int64(n), 10), " bytes)"...)
	}
	b = append(append(append(b, '\''), text...), '\'')
	if len(v) < n {
		b = append(b, "…"...)
	}
	return b
}

// cut returns the first bytes of a text, whole characters of it.
func cut(b []byte, most int) string {
	if len(b) <= most {
		return string(b)
	}
	for most > 0 && !utf8.RuneStart(b[most]) {
		most--
	}
	return string(b[:most]) + "…"
}
