package render

import (
	"fmt"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// forgetting is a writer that remembers no result.
type forgetting struct{ *JSON }

func (w forgetting) Exchange(s *session.Session, x *exchange.Exchange) {
	w.body.results = nil
	w.JSON.Exchange(s, x)
}

// TestResults holds that queries are written the same whether or not their results are
// remembered: with and without columns, with columns of the same and of other names and types,
// cut, suspended, with tags of all lengths, several of a query, of statements that share their
// text and not their names.
func TestResults(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 2))
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var script, names strings.Builder
	script.WriteString(conversation.Opening)
	for _, name := range []string{"s1", "s2", `""`} {
		fmt.Fprintf(&script, "F: Parse %s \"SELECT a FROM t\" ; Sync\nB: ParseComplete ; Ready I\n", name)
	}
	result := func() {
		if columns := pick("", "a:23:0", "a:23:0", "a:25:0", "b:23:0", "a:23:0 b:25:0", "aVeryLongColumnName:25:0"); columns != "" {
			fmt.Fprintf(&script, " RowDescription %s ;", columns)
			for range r.IntN(3) {
				script.WriteString(" Row " + strings.Repeat(pick("x ", "xy ", "xyz "), strings.Count(columns, ":")/2) + ";")
			}
		}
		fmt.Fprintf(&script, " %s ;", pick(`Complete "SELECT 1"`, `Complete "SELECT 0"`, `Complete BEGIN`, `Complete "INSERT 0 1"`,
			`Complete "`+strings.Repeat("x", r.IntN(40))+`"`, `Complete "\"x"`))
	}
	for range 3000 {
		if r.IntN(2) == 0 {
			fmt.Fprintf(&script, "F: Query %s\nB:", pick(`"SELECT 1"`, `"SELECT 1; SELECT 2"`, "BEGIN"))
			for range 1 + r.IntN(3) {
				result()
			}
			script.WriteString(" Ready I\n")
			continue
		}
		portal, statement := pick("", "", "p"), pick("s1", "s2", "")
		fmt.Fprintf(&script, "F: Bind %q %q ; Execute %[1]q 1 ; Sync\nB: BindComplete ; Row x ; %[3]s ; Ready I\n",
			portal, statement, pick("Suspended", `Complete "SELECT 1"`))
		fmt.Fprintf(&names, `"statement":%q,"portal":%q`+"\n", statement, portal)
	}
	for _, opt := range []Options{{}, {MaxValueBytes: 7}} {
		var remembered, forgotten strings.Builder
		w := NewJSON(&remembered, opt)
		play(w, script.String())
		play(forgetting{NewJSON(&forgotten, opt)}, script.String())
		if got, want := remembered.String(), forgotten.String(); got != want {
			lines, wanted := strings.Split(got, "\n"), strings.Split(want, "\n")
			for i := range min(len(lines), len(wanted)) {
				if lines[i] != wanted[i] {
					t.Fatalf("%s\nwant\n%s", lines[i], wanted[i])
				}
			}
			t.Fatalf("%d lines, want %d", len(lines), len(wanted))
		}
		named := regexp.MustCompile(`"statement":"[^"]*","portal":"[^"]*"`).FindAllString(remembered.String(), -1)
		if got := strings.Join(named, "\n") + "\n"; got != names.String() {
			t.Error("the names of statements and portals are others")
		}
		kept := 0
		for i := range w.body.results.places {
			if len(w.body.results.places[i].text) > 0 {
				kept++
			}
		}
		if kept < 5 {
			t.Errorf("%d results are remembered", kept)
		}
	}
}
