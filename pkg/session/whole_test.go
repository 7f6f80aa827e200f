package session_test

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// scribe writes down all that a handler is told.
type scribe struct{ lines []string }

func (c *scribe) add(format string, args ...any) {
	c.lines = append(c.lines, fmt.Sprintf(format, args...))
}

func (c *scribe) Message(e *session.Event) {
	m, number := e.Message, uint64(0)
	anomaly := ""
	if m.Step.Anomaly != nil {
		anomaly, m.Step.Anomaly = m.Step.Anomaly.Text(), nil
	}
	sql := ""
	if e.Exchange != nil {
		number, sql = e.Exchange.ID, string(e.Exchange.SQL)
	}
	c.add("%d: %+v %q %s of %d %q, %c %v %v %v", e.Session.ID, m, m.Body, anomaly, number, sql, e.Tag, e.Truncated, e.Notes, e.Cancels)
}

func (c *scribe) Exchange(s *session.Session, x *exchange.Exchange) {
	values, formats := x.Parameters()
	var params []string
	for _, v := range values {
		params = append(params, fmt.Sprintf("%q", v))
	}
	c.add("%d: exchange %d %v %q %q %q %v %v %v %v %v %v %v %v %v %v %c %v %v %q", s.ID, x.ID, x.Protocol, x.SQL, x.Statement,
		x.Portal, params, formats, x.Rows, x.Bytes, x.Copy, x.CopyBytes, x.Start, x.FirstReply, x.FirstRow, x.End, x.Tx, x.Missing,
		x.Pause, x.Error)
	c.add("  %v %v %v %v %c %d %v %v %v", x.Complete, x.Skipped, x.Unanswered, x.Asked, x.PauseTx, x.Prepare, x.HasParams, x.Escapes, x.ParamTypes())
	for i := range x.Results {
		r := &x.Results[i]
		c.add("  %q %d %d %v %+v", r.Tag, r.Rows, r.Bytes, r.Suspended, r.Columns.Fields())
	}
}

func (c *scribe) Notice(s *session.Session, n *session.Notice) { c.add("%d: %+v", s.ID, *n) }

func (c *scribe) End(s *session.Session) {
	info := *s.Info()
	tls := *info.TLS
	info.TLS = nil
	var stream replication.Summary
	if info.Stream != nil {
		stream, info.Stream = *info.Stream, nil
	}
	c.add("%d: end %+v %+v %+v %+v %d", s.ID, info, tls, stream, s.Totals(), s.Violations)
}

// told leads a capture through sessions.
func told(t *testing.T, path string, cycles, messages bool) []string {
	t.Helper()
	session.TakeCycles(cycles)
	defer session.TakeCycles(true)
	files, err := capture.OpenFiles([]string{path}, capture.FileOptions{OnWarning: func(error) {}})
	if err != nil {
		t.Fatal(err)
	}
	defer files.Close()
	c := new(scribe)
	a := analyze.New(analyze.Options{
		Ports: []uint16{5432}, AnyPort: true, Workers: 1,
		Session: session.Config{Messages: messages, Exchanges: true, NewTLS: analyze.NewTLS(nil)},
	}, c)
	var p capture.Packet
	for {
		if err := files.Next(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		a.Packet(&p)
	}
	a.Finish()
	c.add("%v", a.Shared().Kinds())
	return c.lines
}

// Whether cycles are taken at once makes no difference to anybody.
func TestWholeCycles(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/pcaps/*.pcap")
	if err != nil || len(paths) < 10 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		for _, messages := range []bool{false, true} {
			whole, single := told(t, path, true, messages), told(t, path, false, messages)
			for i := range max(len(whole), len(single)) {
				if i >= len(whole) || i >= len(single) || whole[i] != single[i] {
					t.Errorf("%s, messages %v, line %d: told are\n%.2000s\nwant\n%.2000s", path, messages, i, at(whole, i), at(single, i))
					break
				}
			}
		}
	}
}

func at(lines []string, i int) string {
	if i < len(lines) {
		return lines[i]
	}
	return "nothing"
}
