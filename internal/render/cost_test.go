package render

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// repeated leads a conversation through a session into a writer again and again.
type repeated struct {
	session *session.Session
	packets []conversation.Packet
	bytes   int64
	frame   uint64
	time    int64
}

func newRepeated(w Writer, messages bool, script string) *repeated {
	sh := session.NewShared(session.Config{Messages: messages, Exchanges: true}, exchange.Limits{}, w)
	r := &repeated{session: sh.New(session.Opening{ID: 1, Client: "10.0.0.1:4000", Server: "10.0.0.2:5432"})}
	r.packets = conversation.Packets(conversation.Opening, `
		F: Parse P0_1 "SELECT abalance FROM pgbench_accounts WHERE aid = $1;" ; Sync
		B: ParseComplete ; Ready I
	`)
	r.run()
	r.packets = conversation.Packets(script)
	for _, p := range r.packets {
		r.bytes += int64(len(p.Bytes))
	}
	for range 1000 { // until the output's buffer has its size
		r.run()
	}
	return r
}

func (r *repeated) run() {
	for i := range r.packets {
		p := &r.packets[i]
		r.frame++
		r.time += 1e5
		r.session.Data(p.Direction, p.Bytes, session.Stamp{Time: conversation.Start + r.time, Frame: r.frame})
	}
}

// onlyQueries and messagesAlone write one of the two.
type onlyQueries struct{ Writer }

func (onlyQueries) Message(*session.Event) {}

var costs = []struct{ name, script string }{
	{"prepared", `
		F: Bind "" P0_1 4711 ; Describe portal "" ; Execute "" ; Sync
		B: BindComplete ; RowDescription abalance:23:0 ; Row -1234 ; Complete "SELECT 1" ; Ready I
	`},
	{"simple", `
		F: Query "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 2;"
		B: Complete "UPDATE 1" ; Ready T
		F: Query "END;"
		B: Complete COMMIT ; Ready I
	`},
	{"failed", `
		F: Bind "" P0_1 x ; Execute "" ; Sync
		B: Error ERROR 22P02 "invalid input syntax" ; Ready I
	`},
	{"rows", `
		F: Query "SELECT * FROM t"
		B: RowDescription a:23:0 b:25:0
		B: ` + strings.Repeat(`Row 1 "a value of some length" ; `, 100) + `Complete "SELECT 100" ; Ready I
	`},
}

func writers() map[string]Writer {
	return map[string]Writer{
		"json":   NewJSON(io.Discard, Options{MaxValueBytes: 4096}),
		"pretty": NewPretty(io.Discard, PrettyOptions{Options: Options{MaxValueBytes: 200}, Rows: 10, Flow: true, Local: time.UTC}),
	}
}

// Writing JSON costs no memory.
func TestJSONAllocatesNothing(t *testing.T) {
	for _, c := range costs {
		for _, messages := range []bool{true, false} {
			r := newRepeated(NewJSON(io.Discard, Options{MaxValueBytes: 4096}), messages, c.script)
			if n := testing.AllocsPerRun(200, r.run); n != 0 {
				t.Errorf("%s, messages %v: %v allocations", c.name, messages, n)
			}
		}
	}
}

// Pretty messages cost none either.
func TestPrettyMessagesAllocateNothing(t *testing.T) {
	w := writers()["pretty"]
	for _, c := range costs {
		r := newRepeated(messagesAlone{w}, true, c.script)
		if n := testing.AllocsPerRun(200, r.run); n != 0 {
			t.Errorf("%s: %v allocations", c.name, n)
		}
	}
}

type messagesAlone struct{ Writer }

func (messagesAlone) Exchange(*session.Session, *exchange.Exchange) {}

func BenchmarkWriter(b *testing.B) {
	for _, c := range costs {
		for name := range writers() {
			for _, view := range []string{"messages", "queries"} {
				b.Run(c.name+"/"+name+"/"+view, func(b *testing.B) {
					var w Writer = messagesAlone{writers()[name]}
					if view == "queries" {
						w = onlyQueries{writers()[name]}
					}
					r := newRepeated(w, view == "messages", c.script)
					b.SetBytes(r.bytes)
					b.ReportAllocs()
					for b.Loop() {
						r.run()
					}
				})
			}
		}
	}
}
