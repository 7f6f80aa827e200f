package app

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/mattn/go-runewidth"

	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// TestPlaceOfErrors puts an error at each character of texts, with and without secrets,
// and demands that the caret, if there is one, is below that character of the text as it
// was sent, whatever was taken out of what is shown, and that rows fit their terminal.
func TestPlaceOfErrors(t *testing.T) {
	texts := []string{
		"select abc, def from ghi where jkl = 1 and mno = 'pqr' and stu",
		"select 'ab', $$cd$$, 12 /* ef */, gh -- ij\nfrom kl",
		"alter role abc password 'defg' valid until 'hij' klm",
		"create user abc password\n\t'defg' /* the password */ hij -- secret\n klm",
		"select '日本', é, \t 表 from\r\n 語 where pässwört = 'x'",
		"select dblink('host=a password=bcd', 'select 1'), nosuch",
		strings.Repeat("a1 + ", 30) + "'b' + " + strings.Repeat("c2 + ", 30),
		"<redacted> abc <redacted",
	}
	views := map[string]func(w *render.Pretty) session.Handler{
		"messages": func(w *render.Pretty) session.Handler { return &onlyOne{Writer: w, messages: true} },
		"piped":    func(w *render.Pretty) session.Handler { return &onlyOne{Writer: render.NewPipe(w), messages: true} },
		"queries":  func(w *render.Pretty) session.Handler { return &onlyOne{Writer: w} },
		"waited": func(w *render.Pretty) session.Handler { // for the duration of its query
			to := render.NewSink(w, sink.Wants{Messages: sink.AllKinds()})
			return selection.NewHandler(&selection.Selection{MinDuration: 1}, sink.NewAdapter(to, false), false)
		},
	}
	for _, level := range []redact.Level{redact.None, redact.Secrets, redact.All} {
		for view, open := range views {
			for _, width := range []int{0, 45, 80} {
				var out bytes.Buffer
				w := render.NewPretty(&out, render.PrettyOptions{Width: width, Rows: 1, Time: render.TimeUTC, Local: time.UTC})
				h := open(w)
				for _, sql := range texts {
					out.Reset()
					positions := placesOf(sql)
					for _, position := range positions {
						failAt(redact.NewHandler(level, h), sql, position)
					}
					if p, ok := h.(*onlyOne); ok {
						p.Flush()
					} else {
						w.Flush()
					}
					carets := checkPlaces(t, sql, positions, width, out.String())
					if carets == 0 && !strings.HasPrefix(sql, "<") {
						t.Errorf("%s, level %d: no caret for %q:\n%s", view, level, sql, out.Bytes())
					}
					if level == redact.None && !strings.HasPrefix(sql, "<") && carets != len(positions) {
						t.Errorf("%s: %d carets for %q", view, carets, sql)
					}
				}
			}
		}
	}
}

// placesOf returns the positions of a text at which errors can be: where there is no blank,
// and behind its end.
func placesOf(sql string) (list []int) {
	for i, r := range []rune(sql) {
		if !strings.ContainsRune(" \t\r\n", r) {
			list = append(list, i+1)
		}
	}
	return append(list, len([]rune(sql))+1)
}

// onlyOne hands either messages or queries on.
type onlyOne struct {
	render.Writer
	messages bool
}

func (o *onlyOne) Message(e *session.Event) {
	if o.messages {
		o.Writer.Message(e)
	}
}

func (o *onlyOne) Exchange(s *session.Session, x *exchange.Exchange) {
	if !o.messages {
		o.Writer.Exchange(s, x)
	}
}

func (o *onlyOne) End(*session.Session)                     {}
func (o *onlyOne) Notice(*session.Session, *session.Notice) {}

// failAt has a query fail at a position.
func failAt(h session.Handler, sql string, position int) {
	sh := session.NewShared(session.Config{Messages: true, Exchanges: true}, exchange.Limits{}, h)
	s := sh.New(session.Opening{ID: 1, Client: "10.0.0.1:4000", Server: "10.0.0.2:5432", MidStream: true})
	failure := &messages.ErrorResponse{}
	failure.Add(messages.FieldSeverity, "ERROR")
	failure.Add(messages.FieldSQLState, "42601")
	failure.Add(messages.FieldMessage, "it is at")
	failure.Add(messages.FieldPosition, strconv.Itoa(position))
	send := func(d messages.Direction, at int64, list ...messages.Message) {
		var b []byte
		for _, m := range list {
			b = m.Append(b)
		}
		s.Data(d, b, session.Stamp{Time: at, Frame: uint64(at)})
	}
	send(messages.Frontend, 1, &messages.Query{SQL: []byte(sql)})
	send(messages.Backend, 2, failure, &messages.ReadyForQuery{Status: 'I'})
	s.End(session.EndFIN, session.Stamp{Time: 3, Frame: 3}, session.Traffic{})
	sh.Finish()
}

// checkPlaces looks at what was shown of the errors of a text, and returns how many of
// them have a caret.
func checkPlaces(t *testing.T, sql string, positions []int, width int, out string) (carets int) {
	t.Helper()
	lines := strings.Split(out, "\n")
	n := -1
	for i, line := range lines {
		switch _, shown, ok := strings.Cut(line, "LINE "); {
		case strings.HasPrefix(strings.TrimSpace(line), "ERROR:"), strings.Contains(line, "← ErrorResponse"):
			n++
		case ok:
			caret := lines[i+1]
			if strings.TrimSpace(caret) != "^" {
				t.Fatalf("below %q is %q", line, caret)
			}
			carets++
			if w := max(runewidth.StringWidth(line), len(caret)); width > 0 && w > width {
				t.Errorf("%d columns for %d:\n%s\n%s", w, width, line, caret)
			}
			number, shown, _ := strings.Cut(shown, ": ")
			before := string([]rune(sql)[:positions[n]-1])
			if want := strconv.Itoa(lineOf(before)); number != want {
				t.Errorf("line %s, want %s", number, want)
			}
			before = before[strings.LastIndexAny(before, "\r\n")+1:]
			before = strings.ReplaceAll(before, "\t", " ")
			got := beforeCaret(shown, len(caret)-1-runewidth.StringWidth(strings.TrimSuffix(line, shown)))
			if cut, isCut := strings.CutPrefix(got, "..."); isCut && strings.HasSuffix(before, cut) || got == before {
				continue
			}
			t.Errorf("position %d of %q: the caret is behind %q, not behind %q:\n%s\n%s", positions[n], sql, got, before, line, caret)
		}
	}
	return carets
}

// lineOf counts lines as psql does: CR, LF and both together end one.
func lineOf(before string) int {
	before = strings.ReplaceAll(before, "\r\n", "\n")
	return 1 + strings.Count(before, "\n") + strings.Count(before, "\r")
}

// beforeCaret returns what stands in the first columns of a line.
func beforeCaret(line string, columns int) string {
	used := 0
	for i, r := range line {
		if used >= columns {
			return line[:i]
		}
		used += runewidth.RuneWidth(r)
	}
	return fmt.Sprintf("%s%*s", line, columns-used, "")
}
