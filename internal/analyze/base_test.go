package analyze_test

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// seen is a message as a handler saw it.
type seen struct {
	client     string
	server     string
	frame      uint64
	dir        messages.Direction
	kind       messages.Kind
	tag        byte
	len        int
	body       string
	truncated  bool
	inferred   bool   // a note says so
	sql        string // of the exchange, "" where it is not known
	begin, end int    // of the message in its direction's bytes; of a base only
}

// collector is a handler that keeps everything.
type collector struct {
	messages []seen
	notices  []session.Notice
	queries  []query
	ends     []session.Info
}

// query is an exchange as a handler saw it.
type query struct {
	client   string
	sql      string
	rows     uint64
	tags     string
	complete bool
}

func (c *collector) Message(e *session.Event) {
	m := seen{
		client: e.Session.Client, server: e.Session.Server, frame: e.At.Frame, dir: e.Direction, kind: e.Kind, tag: e.Tag, len: e.Len,
		body: string(e.Body), truncated: e.Truncated,
	}
	for _, n := range e.Notes {
		m.inferred = m.inferred || n.Code == session.NoteInferred
	}
	if e.Exchange != nil && e.Kind == messages.KindDataRow {
		m.sql = string(e.Exchange.SQL)
	}
	c.messages = append(c.messages, m)
}

func (c *collector) Exchange(s *session.Session, x *exchange.Exchange) {
	q := query{client: s.Client, sql: string(x.SQL), rows: x.Rows, complete: x.Complete}
	for i := range x.Results {
		q.tags += string(x.Results[i].Tag) + ";"
	}
	c.queries = append(c.queries, q)
}

func (c *collector) Notice(_ *session.Session, n *session.Notice) { c.notices = append(c.notices, *n) }

func (c *collector) End(s *session.Session) { c.ends = append(c.ends, *s.Info()) }

func collect(tb testing.TB, capture []byte, w way) *collector {
	tb.Helper()
	c := new(collector)
	w.handler = c
	if _, _, err := w.analyse(bytes.NewReader(capture)); err != nil {
		tb.Fatal(err)
	}
	return c
}

// base is a capture without loss, with where each message lies in its stream
// and each packet.
type base struct {
	file     *hostile.File
	all      *collector
	messages map[stream][]seen
	// segments are the packets with payload, by record.
	segments map[int]segment
	// starts and ends are the offsets at which a packet's payload begins and ends.
	starts, ends map[stream]map[int]bool
}

// stream is one direction of a connection.
type stream struct {
	client string
	dir    messages.Direction
}

// segment is a packet's payload in its stream.
type segment struct {
	stream
	begin, end int
}

func loadBase(tb testing.TB, name string) *base {
	tb.Helper()
	b := readCapture(tb, name)
	f, err := hostile.ParsePcap(b)
	if err != nil {
		tb.Fatal(err)
	}
	x := &base{
		file: f, all: collect(tb, b, way{}), messages: map[stream][]seen{},
		segments: map[int]segment{}, starts: map[stream]map[int]bool{}, ends: map[stream]map[int]bool{},
	}
	for _, n := range x.all.notices {
		tb.Fatalf("%s is no base: %s", name, n.Text)
	}
	offset := map[stream]int{}
	for _, m := range x.all.messages {
		s := stream{m.client, m.dir}
		m.begin, m.end = offset[s], offset[s]+m.len
		offset[s] = m.end
		x.messages[s] = append(x.messages[s], m)
	}
	x.locate(tb)
	for s, n := range offset {
		if !x.starts[s][0] || n == 0 {
			tb.Fatalf("%s: the packets of %v were not found", name, s)
		}
	}
	return x
}

// locate finds the packets' payloads by their sequence numbers.
func (x *base) locate(tb testing.TB) {
	first := map[string]uint32{}
	for i := range x.file.Records {
		t, ok := x.file.TCP(i)
		if !ok {
			continue
		}
		if t.Flags&hostile.SYN != 0 {
			if _, again := first[t.Flow]; again {
				tb.Fatal("a flow is used twice")
			}
			first[t.Flow] = t.Seq + 1
			continue
		}
		if !t.HasData() {
			continue
		}
		isn, ok := first[t.Flow]
		if !ok {
			tb.Fatalf("record %d is of a flow without SYN", i)
		}
		s := streamOf(t.Flow)
		begin := int(t.Seq - isn)
		x.segments[i] = segment{s, begin, begin + t.End - t.Payload}
		if x.starts[s] == nil {
			x.starts[s], x.ends[s] = map[int]bool{}, map[int]bool{}
		}
		x.starts[s][begin], x.ends[s][x.segments[i].end] = true, true
	}
}

// streamOf makes the stream of a flow to or from port 5432.
func streamOf(flow string) stream {
	src, dst, _ := bytes.Cut([]byte(flow), []byte{'>'})
	if bytes.HasSuffix(dst, []byte(":5432")) {
		return stream{string(src), messages.Frontend}
	}
	return stream{string(dst), messages.Backend}
}

// key tells messages apart by the packet that completes them.
func (m *seen) key(frame uint64) string {
	return fmt.Sprint(m.client, m.dir, frame, m.tag, m.len, m.body)
}
