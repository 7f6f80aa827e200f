package analyze_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// cycle is one request of a client with all that the server answers.
type cycle struct{ request, reply []byte }

func cycleOf(request, reply [][]byte) cycle {
	return cycle{slices.Concat(request...), slices.Concat(reply...)}
}

func prepares(name, sql string) cycle {
	return cycleOf([][]byte{hostile.Parse(name, sql), hostile.Sync()}, [][]byte{hostile.Message('1'), hostile.Ready()})
}

func preparesAnew(name, sql string) cycle {
	gone := hostile.Message('C', []byte("S"), hostile.String(name))
	return cycleOf([][]byte{gone, hostile.Parse(name, sql), hostile.Sync()}, [][]byte{hostile.Message('3'), hostile.Message('1'), hostile.Ready()})
}

func executes(name string) cycle {
	return cycleOf([][]byte{hostile.Bind("", name, "1"), hostile.Execute(""), hostile.Sync()},
		[][]byte{hostile.Message('2'), hostile.Row("1"), hostile.Complete("SELECT 1"), hostile.Ready()})
}

// TestNamesAfterLoss: where a request and its reply are both lost, a name may have been
// given to another statement. The text that it stood for before is then left out, or said
// to be inferred; of statements that were prepared afterwards it is not.
func TestNamesAfterLoss(t *testing.T) {
	lost := map[string]cycle{
		"anew":   preparesAnew("a", "SELECT 2 WHERE $1"),
		"others": cycleOf([][]byte{hostile.Query("SELECT 3")}, [][]byte{hostile.Row("3"), hostile.Complete("SELECT 1"), hostile.Ready()}),
	}
	for what, gone := range lost {
		for _, reused := range []bool{false, true} { // before the loss
			for after := range 3 { // other cycles between the loss and the use of the name
				t.Run(fmt.Sprint(what, " reused ", reused, " after ", after), func(t *testing.T) {
					conversation := []cycle{prepares("a", "SELECT 1 WHERE $1")}
					if reused {
						conversation = append(conversation, prepares("c", "SELECT 4"), preparesAnew("c", "SELECT 5"))
					}
					hole := len(conversation)
					conversation = append(conversation, gone)
					for i := range after {
						name := fmt.Sprint("b", i)
						conversation = append(conversation, prepares(name, "SELECT 6 WHERE $1"), executes(name))
					}
					conversation = append(conversation, executes("a"), preparesAnew("a", "SELECT 7 WHERE $1"), executes("a"))
					namesAfter(t, conversation, hole, what == "anew")
				})
			}
		}
	}
}

// namesAfter leaves the cycle at hole out of a conversation and looks at what is said of
// the uses of the name a.
func namesAfter(t *testing.T, conversation []cycle, hole int, renamed bool) {
	t.Helper()
	var p hostile.Packets
	c := hostile.NewConn(1)
	p.Open(c)
	p.Send(c, hostile.Client, hostile.Startup("user", "u", "database", "d"))
	p.Send(c, hostile.Server, hostile.Authenticated(1))
	for i, y := range conversation {
		if i == hole {
			c.Skip(hostile.Client, len(y.request))
			c.Skip(hostile.Server, len(y.reply))
			continue
		}
		p.Send(c, hostile.Client, y.request)
		p.Send(c, hostile.Server, y.reply)
	}
	p.Close(c)
	out, _, err := way{quiet: true, ports: pgPorts}.analyse(bytes.NewReader(p.File()))
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for line := range bytes.Lines(out) {
		var r struct {
			Type, SQL string
			Statement string
			Inferred  []string
		}
		if json.Unmarshal(line, &r) != nil || r.Type != "query" || r.Statement == "" {
			continue
		}
		if r.Statement[0] == 'b' {
			if r.SQL != "SELECT 6 WHERE $1" && !slices.Contains(r.Inferred, "parse") || slices.Contains(r.Inferred, "sql") {
				t.Errorf("what was prepared after the loss: %s", line)
			}
			continue
		}
		if r.Statement != "a" {
			continue
		}
		if slices.Contains(r.Inferred, "sql") {
			r.SQL = "inferred: " + r.SQL
		}
		texts = append(texts, r.SQL)
	}
	if len(texts) != 2 { // a statement that is only prepared is no query
		t.Fatalf("%d uses of the name: %q", len(texts), texts)
	}
	if texts[0] != "" && texts[0] != "inferred: SELECT 1 WHERE $1" {
		t.Errorf("renamed %t, after the loss: %q", renamed, texts[0])
	}
	if texts[1] != "SELECT 7 WHERE $1" {
		t.Errorf("prepared anew after the loss: %q", texts[1])
	}
}
