package selection

import (
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"
	"unsafe"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/test/linetest"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// teller notes what it is told. With rows it shows the first rows of a run.
type teller struct {
	wants sink.Wants
	rows  int
	told  []string
	bytes int // of bodies
}

func (t *teller) Wants() sink.Wants        { return t.wants }
func (t *teller) Tick(int64)               {}
func (t *teller) End(*record.Totals) error { return nil }
func (t *teller) Gone(conn uint64)         { t.tell("left %d", conn) }

func (t *teller) tell(format string, args ...any) {
	t.told = append(t.told, fmt.Sprintf(format, args...))
}

func (t *teller) Record(r record.Record) {
	switch r := r.(type) {
	case *record.Message:
		t.tell("%d/%d %s %s", r.Conn.ID, r.Query, r.Kind, r.Wire())
		t.bytes += len(r.Wire())
	case *record.Query:
		t.tell("%d/%d query", r.Conn.ID, r.ID)
	}
}

// direct is a teller that takes what sessions report as it is.
type direct struct{ teller }

func (d *direct) Events() session.Handler { return (*events)(d) }
func (d *direct) FirstRows() int          { return d.rows }
func (d *direct) MoreRows(c *record.Conn, n, bytes int) {
	d.tell("%d more %d, %d bytes", c.ID, n, bytes)
}

type events direct

func (e *events) Message(m *session.Event) {
	e.tell("%d/%d %s %s", m.Session.ID, m.Step.Exchange, m.Kind, m.Body)
	e.bytes += len(m.Body)
}

func (e *events) Exchange(s *session.Session, x *exchange.Exchange) {
	e.tell("%d/%d query", s.ID, x.ID)
}
func (e *events) Notice(*session.Session, *session.Notice) {}
func (e *events) End(*session.Session)                     {}

func event(s *session.Session, query uint64, kind messages.Kind, body string) *session.Event {
	e := &session.Event{Session: s}
	e.Kind, e.Direction, e.Len, e.Body = kind, messages.Backend, 5+len(body), []byte(body)
	e.Step.Exchange = query
	return e
}

// ended is a query cycle that took ns; 0: it is not known how long.
func ended(query uint64, ns int64) *exchange.Exchange {
	x := &exchange.Exchange{ID: query}
	if ns > 0 {
		x.Asked.Time, x.End.Time = 1000, 1000+ns
	}
	return x
}

// TestMessagesWaitForTheirQuery has queries of several connections, whose messages come in
// between each other's, take as long as it happens, and demands of a sink of either sort
// to be told those of the long ones, each query's together, when it ends and before it.
func TestMessagesWaitForTheirQuery(t *testing.T) {
	const least = 50
	for seed := range int64(50) {
		random := rand.New(rand.NewSource(seed))
		wants := sink.Wants{Messages: sink.AllKinds(), Queries: true}
		records, asIs := &teller{wants: wants}, &direct{teller{wants: wants}}
		sel := &Selection{MinDuration: least}
		handlers := []*Handler{NewHandler(sel, sink.NewAdapter(records, false), false), NewHandler(sel, sink.NewAdapter(asIs, false), false)}
		var want []string
		waiting := map[[2]uint64][]string{}
		last := map[uint64]uint64{}
		sessions := map[uint64]*session.Session{}
		for n := range 400 {
			conn := uint64(1 + random.Intn(3))
			s := sessions[conn]
			if s == nil {
				s = &session.Session{ID: conn}
				sessions[conn] = s
			}
			query := last[conn] + uint64(random.Intn(3)) // some messages are of no query
			key := [2]uint64{conn, query}
			switch {
			case random.Intn(5) > 0:
				kind := messages.KindDataRow
				if random.Intn(3) == 0 {
					kind = messages.KindNoticeResponse
				}
				e := event(s, query, kind, fmt.Sprint(n))
				for _, h := range handlers {
					h.Message(e)
				}
				clear(e.Body) // what is held must not be borrowed
				if query > 0 {
					waiting[key] = append(waiting[key], fmt.Sprintf("%d/%d %s %d", conn, query, kind, n))
				}
			case query > last[conn]:
				x := ended(query, int64(random.Intn(2*least)))
				for _, h := range handlers {
					h.Exchange(s, x)
				}
				if ns, ok := x.Duration(); ok && ns >= least {
					want = append(append(want, waiting[key]...), fmt.Sprintf("%d/%d query", conn, query))
				}
				delete(waiting, key)
				for q := last[conn] + 1; q < query; q++ { // it is never told of
					delete(waiting, [2]uint64{conn, q})
				}
				for q := range waiting {
					if q[0] == conn && q[1] <= query {
						delete(waiting, q)
					}
				}
				last[conn] = query
			}
		}
		for name, got := range map[string][]string{"records": records.told, "as it is": asIs.told} {
			if !slices.Equal(got, want) || len(want) < 20 {
				t.Fatalf("seed %d, %s:\n%s\nwant\n%s", seed, name, strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
		}
		for _, h := range handlers {
			for _, s := range sessions {
				h.End(s)
			}
			if len(h.held.open) != 0 || h.held.bytes != 0 {
				t.Fatalf("seed %d: of connections that are over %d bytes are held", seed, h.held.bytes)
			}
		}
	}
}

// TestCountedRowsAreNotHeld has rows wait that the sink only counts: they take no memory,
// and it is told how many there were.
func TestCountedRowsAreNotHeld(t *testing.T) {
	to := &direct{teller{wants: sink.Wants{Messages: sink.AllKinds()}, rows: 2}}
	h := NewHandler(&Selection{MinDuration: 1}, sink.NewAdapter(to, false), false)
	s := &session.Session{ID: 7}
	row := event(s, 1, messages.KindDataRow, strings.Repeat("x", 1000))
	for range 100_000 {
		h.Message(row)
	}
	if h.held.bytes > 10_000 {
		t.Errorf("%d bytes are held", h.held.bytes)
	}
	h.Message(event(s, 1, messages.KindNoticeResponse, "n"))
	h.Message(row)
	h.Message(event(s, 1, messages.KindCommandComplete, "c"))
	h.Message(row) // of another result
	h.Exchange(s, ended(1, 5))
	x := string(row.Body)
	want := []string{
		"7/1 DataRow " + x, "7/1 DataRow " + x, "7 more 99998, 100497990 bytes", "7/1 NoticeResponse n", "7 more 1, 1005 bytes",
		"7/1 CommandComplete c", "7/1 DataRow " + x,
	}
	if !slices.Equal(to.told, want) {
		t.Errorf("told is %.200q, want %.200q", to.told, want)
	}
}

// TestHeldIsBounded has more messages wait than there is room for, of many queries or of
// one, large and small ones, with notes and columns: never is more memory held than was
// promised, and all that is not held is told.
func TestHeldIsBounded(t *testing.T) {
	for _, size := range []int{10, 50_000} {
		for _, queries := range []uint64{1, 1 << 40} {
			to := &teller{wants: sink.Wants{Messages: sink.AllKinds()}}
			sel := &Selection{MinDuration: 1}
			h := NewHandler(sel, sink.NewAdapter(to, false), false)
			s := &session.Session{ID: 1}
			body, n := strings.Repeat("x", size), 0
			for n < maxHeld/(size+300)+2000 {
				e := event(s, 1+uint64(n)%queries, messages.KindDataRow, body)
				e.Notes = []session.Note{{Code: "odd", Text: "a note"}}
				h.Message(e)
				n++
				if h.held.bytes > 2*maxHeld {
					t.Fatalf("%d bytes are held", h.held.bytes)
				}
				sum := 0
				if n%1000 == 0 {
					for _, open := range h.held.open {
						for _, w := range open {
							sum += w.size
						}
					}
					if sum != h.held.bytes {
						t.Fatalf("%d bytes are held, %d are charged", sum, h.held.bytes)
					}
				}
			}
			if !sel.Matched || len(to.told) == 0 {
				t.Errorf("%d bytes, %d queries: nothing was told", size, queries)
			}
			var still int
			for _, w := range h.held.open[1] {
				still += len(w.messages)
			}
			if still+len(to.told) != n {
				t.Errorf("%d bytes, %d queries: %d held and %d told of %d", size, queries, still, len(to.told), n)
			}
		}
	}
}

// TestAtOnce has a sink that counts told of messages when they come, and of connections
// that are over, selected or not.
func TestAtOnce(t *testing.T) {
	to := &teller{wants: sink.Wants{Messages: sink.AllKinds(), AtOnce: true}}
	h := NewHandler(&Selection{MinDuration: 1 << 40, Conns: map[uint64]bool{1: true}}, sink.NewAdapter(to, false), false)
	for conn := range uint64(3) {
		s := &session.Session{ID: conn}
		h.Message(event(s, 1, messages.KindQuery, "q"))
		h.End(s)
	}
	if want := []string{"left 0", "1/1 Query q", "left 1", "left 2"}; !slices.Equal(to.told, want) {
		t.Errorf("told is %q, want %q", to.told, want)
	}
}

func TestLines(t *testing.T) {
	linetest.Whole(t, map[string]uintptr{"Handler": unsafe.Sizeof(Handler{})})
}

// TestColumnsAreNotCopied holds rows whose columns' descriptions are much larger than they
// are: all refer to one.
func TestColumnsAreNotCopied(t *testing.T) {
	columns := make([]messages.ColumnDescription, 1600)
	var w waiting
	for range 3 {
		w.add(&record.Message{Kind: messages.KindDataRow, More: &record.More{Columns: columns}})
	}
	for i := range w.more {
		if &w.more[i].Columns[0] != &columns[0] {
			t.Errorf("the columns of row %d were copied", i)
		}
	}
}
