package codec

import (
	"fmt"
	"math/rand/v2"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// maker builds flows whose values contain what looks like messages.
type maker struct {
	rng *rand.Rand
	f   *flow
	// tails tells that values may end with whole messages, which is the one case
	// that cannot be told from messages.
	tails bool
}

func (m *maker) send(msg messages.Message) { m.f.add(msg.Kind(), msg.Append(nil)) }

// segment cuts what was sent since the last time as TCP would: full segments,
// and what is left.
func (m *maker) segment(mss int) {
	sent := 0
	for _, n := range m.f.segments {
		sent += n
	}
	for left := len(m.f.wire) - sent; left > 0; left -= min(left, mss) {
		m.f.segments = append(m.f.segments, min(left, mss))
	}
}

// lookalike is bytes that could be a part of a message stream of the direction:
// whole messages, sometimes cut, of about n bytes.
func (m *maker) lookalike(n int) []byte {
	var b []byte
	for len(b) < n {
		b = m.message().Append(b)
	}
	if m.rng.IntN(3) == 0 {
		b = b[m.rng.IntN(min(len(b), 8)):]
	}
	if m.rng.IntN(3) == 0 {
		b = b[:len(b)-m.rng.IntN(min(len(b), 8))]
	}
	return b
}

func (m *maker) message() messages.Message {
	backend := []messages.Message{
		&messages.ReadyForQuery{Status: 'I'}, &messages.CommandComplete{Tag: []byte("SELECT 1")},
		&messages.DataRow{Values: messages.MakeValues([]byte("1"), []byte("two"))},
		&messages.RowDescription{Fields: []messages.ColumnDescription{{Name: []byte("a"), TypeOID: 23, TypeSize: 4, TypeModifier: -1}}},
		&messages.ParseComplete{}, &messages.BindComplete{}, &messages.CopyData{Data: []byte("a\tb\n")},
		&messages.ParameterStatus{Name: []byte("TimeZone"), Value: []byte("UTC")},
	}
	frontend := []messages.Message{
		&messages.Sync{}, &messages.Query{SQL: []byte("select 1")}, &messages.Execute{}, &messages.Flush{},
		&messages.Parse{SQL: []byte("select $1")}, &messages.Bind{Parameters: messages.MakeValues([]byte("x"))},
		&messages.Describe{Target: 'P'}, &messages.CopyData{Data: []byte("1\t2\n")},
	}
	if m.f.dir == messages.Backend {
		return backend[m.rng.IntN(len(backend))]
	}
	return frontend[m.rng.IntN(len(frontend))]
}

func (m *maker) text(n int) []byte {
	const letters = "abcdefghij 0123456789 DTCZSEdQPB13\n"
	b := make([]byte, n)
	for i := range b {
		b[i] = letters[m.rng.IntN(len(letters))]
	}
	return b
}

// ints is bytes as binary formats have them: small numbers in four or eight.
func (m *maker) ints(n int) []byte {
	b := make([]byte, 0, n+8)
	for len(b) < n {
		if m.rng.IntN(4) == 0 {
			b = append(b, 0, 0, 0, 0)
		}
		v := m.rng.IntN(1 << (1 + m.rng.IntN(20)))
		b = append(b, byte(v>>24), byte(v>>16), byte(v>>8), byte(v))
	}
	return b
}

func (m *maker) value(most int) []byte {
	n := 1 + m.rng.IntN(most)
	switch m.rng.IntN(8) {
	case 0, 1, 2:
		if m.tails {
			return m.lookalike(n)
		}
		// More than lookalike cuts off: no message can end where the value does.
		return append(m.lookalike(n), "~~~~~~~~"...)
	case 3:
		return m.ints(n)
	case 4:
		return nil
	case 5:
		return m.text(4)
	}
	return m.text(n)
}

// results is a backend's answers to queries.
func results(rng *rand.Rand, tails bool, mss, most int) *flow {
	m := &maker{rng: rng, tails: tails, f: &flow{name: fmt.Sprintf("results, MSS %d, values to %d", mss, most), stream: stream{dir: messages.Backend}}}
	for len(m.f.wire) < 60_000 {
		columns := 1 + rng.IntN(5)
		var fields []messages.ColumnDescription
		for i := range columns {
			fields = append(fields, messages.ColumnDescription{Name: fmt.Appendf(nil, "c%d", i), TypeOID: 25, TypeSize: -1, TypeModifier: -1})
		}
		m.send(&messages.RowDescription{Fields: fields})
		rows := rng.IntN(1 + rng.IntN(60))
		for range rows {
			var v messages.Values
			for range columns {
				v.Add(m.value(most))
			}
			m.send(&messages.DataRow{Values: v})
		}
		m.send(&messages.CommandComplete{Tag: fmt.Appendf(nil, "SELECT %d", rows)})
		m.send(&messages.ReadyForQuery{Status: 'I'})
		m.segment(mss)
	}
	return m.f
}

// copying is COPY data in one direction, in pieces as psql or a driver sends it.
func copying(rng *rand.Rand, tails bool, d messages.Direction, mss, most int) *flow {
	m := &maker{rng: rng, tails: tails, f: &flow{name: fmt.Sprintf("copy by %v, MSS %d, values to %d", d, mss, most), stream: stream{dir: d}}}
	for len(m.f.wire) < 60_000 {
		var row []byte
		for range 1 + rng.IntN(4) {
			v := m.value(most)
			row = append(row, 0, 0, byte(len(v)>>8), byte(len(v)))
			row = append(row, v...)
		}
		m.send(&messages.CopyData{Data: append([]byte{0, 4}, row...)})
		if rng.IntN(20) == 0 {
			m.segment(mss)
		}
	}
	m.send(&messages.CopyDone{})
	m.segment(mss)
	return m.f
}

// requests is a frontend's extended queries with hostile parameters.
func requests(rng *rand.Rand, tails bool, mss, most int) *flow {
	m := &maker{rng: rng, tails: tails, f: &flow{name: fmt.Sprintf("requests, MSS %d, values to %d", mss, most), stream: stream{dir: messages.Frontend}}}
	for len(m.f.wire) < 60_000 {
		for range 1 + rng.IntN(5) {
			m.send(&messages.Parse{SQL: m.text(1 + rng.IntN(80)), ParameterOIDs: []uint32{17}})
			m.send(&messages.Bind{ParameterFormats: []int16{1}, Parameters: messages.MakeValues(m.value(most), m.value(most))})
			m.send(&messages.Describe{Target: 'P'})
			m.send(&messages.Execute{})
		}
		m.send(&messages.Sync{})
		m.segment(mss)
	}
	return m.f
}

func hostileFlows(rng *rand.Rand, tails bool) []*flow {
	var flows []*flow
	for _, mss := range []int{1448, 8948, 536, 65483} {
		for _, most := range []int{60, 500, 1500} {
			flows = append(flows, results(rng, tails, mss, most), requests(rng, tails, mss, most),
				copying(rng, tails, messages.Backend, mss, most), copying(rng, tails, messages.Frontend, mss, most))
		}
	}
	return flows
}
