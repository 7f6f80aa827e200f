package transactions

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// taken collects what the view tells.
type taken struct{ list []string }

func (s *taken) Wants() sink.Wants { return sink.Wants{} }
func (s *taken) Record(r record.Record) {
	t := r.(*Transaction)
	s.list = append(s.list, fmt.Sprintf("%s %d queries %d errors idle %d longest %d after %q", t.State, t.Queries, t.Errors, t.Idle, t.Longest, t.After))
}
func (s *taken) Tick(int64)               {}
func (s *taken) End(*record.Totals) error { return nil }

// feed makes queries of a script: each word is a statement with the status after it,
// its tag if it has one, and pauses of a second before all but the first.
func feed(v sink.Sink, conn *record.Conn, script string, end session.State) {
	before, at := byte('I'), int64(1e18)
	for i, word := range strings.Fields(script) {
		name, rest, _ := strings.Cut(word, ":")
		q := &record.Query{Conn: conn, Who: &record.Who{User: "app"}, TxBefore: before, Normalized: []byte(name), Pause: record.Unknown}
		if i > 0 {
			q.Pause, q.PauseTx = 1e9, before
			at += 1e9
		}
		q.Start = record.Stamp{Time: at, Frame: uint64(i + 1)}
		for _, c := range rest {
			switch c {
			case '!':
				q.Error = []byte("C22012\x00\x00")
			case '?': // no answer
			default:
				q.Tx = byte(c)
				q.End = record.Stamp{Time: at + 1e6, Frame: uint64(i + 1)}
			}
		}
		if tag := strings.ToUpper(name); tag == "COMMIT" || tag == "ROLLBACK" {
			q.Results = []record.Result{{Tag: []byte(tag)}}
		}
		before = q.Tx
		v.Record(q)
	}
	c := &record.Connection{Conn: conn, Who: &record.Who{User: "app"}}
	c.Info.State, c.Info.Ended = end, record.Stamp{Time: at + 2e9}
	v.Record(c)
}

// TestTransactions wants blocks told with how they ended and what was idle in them,
// and nothing of statements outside of them.
func TestTransactions(t *testing.T) {
	for script, want := range map[string]string{
		"select:I select:I":         "",
		"begin:T update:T commit:I": `committed 3 queries 0 errors idle 2000000000 longest 1000000000 after "begin"`,
		"begin:T bad:E! rollback:I": `rolled_back 3 queries 1 errors idle 2000000000 longest 1000000000 after "begin"`,
		"select:I begin:T wait:?":   `abandoned 2 queries 0 errors idle 1000000000 longest 1000000000 after "begin"`,
		"begin:T select:T":          `abandoned 2 queries 0 errors idle 2999000000 longest 1999000000 after "select"`,
		"begin:T commit:I begin:T":  `committed 2 queries 0 errors idle 1000000000 longest 1000000000 after "begin"` + "\n" + `abandoned 1 queries 0 errors idle 1999000000 longest 1999000000 after "begin"`,
		"begin:T other:I":           `ended 2 queries 0 errors idle 1000000000 longest 1000000000 after "begin"`,
	} {
		out := &taken{}
		v, err := View.Setup(nil)(&sink.Env{}, out)
		if err != nil {
			t.Fatal(err)
		}
		feed(v, &record.Conn{ID: 1}, script, session.StateClosed)
		if got := strings.Join(out.list, "\n"); got != want {
			t.Errorf("%s:\n got %s\nwant %s", script, got, want)
		}
		if len(v.(*view).open) != 0 {
			t.Errorf("%s: something is kept", script)
		}
	}
	out := &taken{}
	v, _ := View.Setup(nil)(&sink.Env{}, out)
	feed(v, &record.Conn{ID: 1}, "begin:T", session.StateOpen)
	if len(out.list) != 1 || !strings.HasPrefix(out.list[0], "open 1 queries") {
		t.Errorf("at the end of the capture: %q", out.list)
	}
}
