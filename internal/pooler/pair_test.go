package pooler_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/pooler"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

func packets(t *testing.T, path string) (list []capture.Packet) {
	t.Helper()
	files, err := capture.OpenFiles([]string{path}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	var p capture.Packet
	for {
		err := files.Next(&p)
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		c := p
		c.Data = bytes.Clone(p.Data)
		list = append(list, c)
	}
}

// place is a query: its connection and its number there.
type place struct{ conn, query uint64 }

// told gathers what the matcher said, and what only the test looks at: the rows.
type told struct {
	maker record.Maker
	rows  map[place]string
	texts map[place]string
	pairs map[place]record.Pooled
	asked int // queries of clients to the pooler
	port  string
}

func (t *told) Message(e *session.Event) {
	if e.Kind == messages.KindDataRow {
		t.rows[place{e.Session.ID, e.Step.Exchange}] += string(e.Body)
	}
}

func (t *told) Exchange(s *session.Session, x *exchange.Exchange) {
	q := t.maker.Query(s, x)
	at := place{s.ID, x.ID}
	t.texts[at] = string(q.SQL)
	if bytes.HasSuffix([]byte(s.Server), []byte(t.port)) {
		t.asked++
	}
	if q.Pooled.Conn != 0 {
		t.pairs[at] = q.Pooled
	}
}

func (t *told) Notice(*session.Session, *session.Notice) {}
func (t *told) End(*session.Session)                     {}

// run analyses the packets that drop does not name.
func run(list []capture.Packet, port string, drop func(i int) bool) *told {
	out := &told{
		rows: make(map[place]string), texts: make(map[place]string), pairs: make(map[place]record.Pooled), port: port,
	}
	m := pooler.New(out)
	a := analyze.New(analyze.Options{
		Ports: []uint16{5432, 6432, 55432, 56432}, Workers: 1, Opened: m.Opened,
		Session: session.Config{Messages: true, Exchanges: true, NewTLS: analyze.NewTLS(nil)},
	}, m)
	for i := range list {
		if drop == nil || !drop(i) {
			a.Packet(&list[i])
		}
	}
	a.Finish()
	return out
}

// wrong returns the pairs that the rows contradict: those of which they differ, and those
// of a transaction's begin or end that are on another connection than its queries.
func (t *told) wrong() (list []place) {
	for at, p := range t.pairs {
		to := place{p.Conn, p.Query}
		if t.rows[at] != t.rows[to] || t.texts[at] != t.texts[to] {
			list = append(list, at)
			continue
		}
		for _, step := range [...]int{1, -1} {
			if step == 1 && t.texts[at] != "begin;" || step == -1 && t.texts[at] != "commit;" {
				continue
			}
			row := t.rows[place{at.conn, at.query + uint64(step)}]
			if theirs := t.rows[place{to.conn, to.query + uint64(step)}]; row != "" && theirs != "" && row != theirs {
				list = append(list, at)
			}
		}
	}
	return list
}

// TestNextval pairs queries of the same text, of which the rows alone, which the matcher
// does not look at, tell whose they were.
func TestNextval(t *testing.T) {
	list := packets(t, "testdata/nextval.pcap.xz")
	whole := run(list, ":56432", nil)
	if w := whole.wrong(); len(w) > 0 {
		t.Errorf("%d pairs are wrong: %v", len(w), w)
	}
	if share := float64(len(whole.pairs)) / float64(whole.asked); share < 0.3 {
		t.Errorf("%d of %d queries have a pair", len(whole.pairs), whole.asked)
	}
	t.Logf("%d of %d queries have a pair", len(whole.pairs), whole.asked)
}

// TestTexts pairs queries of different texts: all but the first few, which show that the
// address is a pooler's, and those that the pooler answered.
func TestTexts(t *testing.T) {
	got := run(packets(t, "../../testdata/pcaps/pgbouncer.pcap"), ":6432", nil)
	if w := got.wrong(); len(w) > 0 || len(got.pairs) != 35 || got.asked != 42 {
		t.Errorf("%d of %d queries have a pair, wrong ones: %v", len(got.pairs), got.asked, w)
	}
	for at, p := range got.pairs {
		// The truth: it was asked at .568271, and by the pooler at .869239.
		if got.texts[at] == "select 'waits for a pooled server'" && p.Wait != 300_968_000 {
			t.Errorf("it waited for %d ns", p.Wait)
		}
	}
}

// TestLoss drops each packet in turn, and then many, and wants no pair to be wrong.
func TestLoss(t *testing.T) {
	list := packets(t, "testdata/nextval.pcap.xz")
	step := 1
	if testing.Short() {
		step = 17
	}
	pairs, runs := 0, 0
	for lost := 0; lost < len(list); lost += step {
		got := run(list, ":56432", func(i int) bool { return i == lost })
		pairs, runs = pairs+len(got.pairs), runs+1
		if w := got.wrong(); len(w) > 0 {
			t.Errorf("without packet %d, %d pairs are wrong: %v", lost+1, len(w), w)
		}
	}
	t.Logf("%d pairs each time", pairs/runs)
	rng := rand.New(rand.NewPCG(22, 1))
	for round := range 200 / step {
		every := 2 + rng.IntN(100)
		got := run(list, ":56432", func(int) bool { return rng.IntN(every) == 0 })
		if w := got.wrong(); len(w) > 0 {
			t.Errorf("round %d, one of %d packets lost: %d pairs of %d are wrong: %v", round, every, len(w), len(got.pairs), w)
		}
	}
	for _, before := range []int{len(list) / 5, len(list) / 3, len(list) / 2} {
		if w := run(list, ":56432", func(i int) bool { return i < before }).wrong(); len(w) > 0 {
			t.Errorf("from packet %d on: %v", before, w)
		}
	}
}
