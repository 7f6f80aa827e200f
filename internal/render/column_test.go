package render

import (
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// numbers are those of connections, as they end: out of order, and with more digits from
// time to time.
var numbers = []uint64{1, 9, 10, 8, 99, 100, 7, 1000, 11, 123456, 2, 999}

// each leads a connection of each number, whose user has a name of its own, through a
// session that tells both its query and its end.
func each(w Writer, user func(i int) string) {
	sh := session.NewShared(session.Config{Exchanges: true}, exchange.Limits{}, w)
	for i, id := range numbers {
		packets := conversation.Packets(fmt.Sprintf(`
			F: Startup user %q database d
			B: AuthOk ; Ready I
			F: Query "select 1"
			B: Complete "SELECT 1" ; Ready I
			F: Terminate
		`, user(i)))
		var at session.Stamp
		s := sh.New(session.Opening{ID: id, Client: fmt.Sprintf("10.0.0.%d:40001", id%256), Server: "10.0.0.2:5432", At: session.Stamp{Time: packets[0].Time, Frame: 1}})
		for _, p := range packets {
			at = session.Stamp{Time: p.Time, Frame: p.Frame}
			s.Data(p.Direction, p.Bytes, at)
		}
		s.End(session.EndFIN, at, session.Traffic{})
	}
	sh.Finish()
	_ = w.Flush()
}

// connectionsOnly and queriesOnly are what one of the views gets.
type (
	connectionsOnly struct{ *Pretty }
	queriesOnly     struct{ *Pretty }
)

func (connectionsOnly) Exchange(*session.Session, *exchange.Exchange) {}
func (connectionsOnly) Message(*session.Event)                        {}
func (queriesOnly) Message(*session.Event)                            {}
func (queriesOnly) End(*session.Session)                              {}

func TestColumnsHold(t *testing.T) {
	users := map[string]func(i int) string{
		"short": func(int) string { return "u" },
		"grow":  func(i int) string { return strings.Repeat("u", 1+i) },
		"sway":  func(i int) string { return strings.Repeat("ü", 1+i*5%13) },
	}
	for _, width := range []int{0, 80, 120, 200} {
		for name, user := range users {
			for mark, view := range map[string]func(*Pretty) Writer{
				" SELECT 1 ": func(p *Pretty) Writer { return queriesOnly{p} },
				" no TLS ":   func(p *Pretty) Writer { return connectionsOnly{p} },
			} {
				var out strings.Builder
				each(view(NewPretty(&out, PrettyOptions{Width: width, Local: time.UTC})), user)
				lines := strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
				if len(lines) != len(numbers) {
					t.Fatalf("%d lines of %d connections:\n%s", len(lines), len(numbers), out.String())
				}
				before, moves := 0, 0
				for i, line := range lines {
					at := utf8.RuneCountInString(line[:max(strings.Index(line, mark), 0)])
					if at < before {
						t.Errorf("%d columns, %s:%sis at %d, and was at %d\n%s", width, name, mark, at, before, strings.Join(lines[:i+1], "\n"))
						break
					}
					if at > before {
						before, moves = at, moves+1
					}
				}
				if name == "short" && moves > 5 { // one for each number with more digits, and the first line
					t.Errorf("%d columns:%smoved %d times\n%s", width, mark, moves, out.String())
				}
			}
		}
	}
}

// TestLongNamesMoveTheirLine: a name beyond all others is not what all later lines make
// room for.
func TestLongNamesMoveTheirLine(t *testing.T) {
	user := func(i int) string {
		if i == 0 {
			return strings.Repeat("u", 63)
		}
		return "u"
	}
	for mark, view := range map[string]func(*Pretty) Writer{
		" SELECT 1 ": func(p *Pretty) Writer { return queriesOnly{p} },
		" no TLS ":   func(p *Pretty) Writer { return connectionsOnly{p} },
	} {
		var out strings.Builder
		each(view(NewPretty(&out, PrettyOptions{Width: 120, Local: time.UTC})), user)
		lines := strings.Split(out.String(), "\n")
		if !strings.Contains(lines[0], strings.Repeat("u", 63)+"@d ") {
			t.Errorf("not the whole name in %q", lines[0])
		}
		if at := strings.Index(lines[1], mark); at < 0 || at > 70 {
			t.Errorf("%sis at %d in %q", mark, at, lines[1])
		}
	}
}

// TestNarrowConnectionsAreWhole: on a terminal of 80 columns all that is told of a
// connection is there, if not in one line.
func TestNarrowConnectionsAreWhole(t *testing.T) {
	var out strings.Builder
	play(connectionsOnly{NewPretty(&out, PrettyOptions{Width: 80, Local: time.UTC})}, `
		F: Startup user application_server database warehouse
		B: AuthOk ; Ready I
	`, strings.Repeat(`
		F: Query "select 1/0"
		B: Error ERROR 22012 "division by zero" ; Ready I
	`, 12))
	for _, want := range []string{"12 queries, 12 errors", "closed", "7 bytes not captured"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
