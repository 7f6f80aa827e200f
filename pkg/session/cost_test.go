package session

import (
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// nothing is a handler that looks at nothing.
type nothing struct{}

func (nothing) Message(*Event)                        {}
func (nothing) Exchange(*Session, *exchange.Exchange) {}
func (nothing) Notice(*Session, *Notice)              {}
func (nothing) End(*Session)                          {}

// pgbench is a transaction as pgbench -M prepared -S makes it, and what comes
// before the first.
const (
	pgbenchPrepare = `
		F: Parse P0_1 "SELECT abalance FROM pgbench_accounts WHERE aid = $1;" ; Sync
		B: ParseComplete ; Ready I
	`
	pgbenchCycle = `
		F: Bind "" P0_1 4711 ; Describe portal "" ; Execute "" ; Sync
		B: BindComplete ; RowDescription abalance:23:0 ; Row -1234 ; Complete "SELECT 1" ; Ready I
	`
	tpcbCycle = `
		F: Query "BEGIN;"
		B: Complete BEGIN ; Ready T
		F: Query "UPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = 2;"
		B: Complete "UPDATE 1" ; Ready T
		F: Query "END;"
		B: Complete COMMIT ; Ready I
	`
	turnsCycle = `
		F: Query "SELECT a FROM t"
		B: RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I
		F: Query "SELECT b, c FROM u"
		B: RowDescription b:25:0 c:23:0 ; Row x 2 ; Complete "SELECT 1" ; Ready I
		F: Parse "" "SELECT d" ; Bind "" "" ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; RowDescription d:16:0 ; Row t ; Complete "SELECT 1" ; Ready I
	`
	unnamedCycle = `
		F: Parse "" "SELECT $1" 23 ; Bind "" "" 1 ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I
	`
	pipelinedCycle = `
		F: Bind "" P0_1 1 ; Execute "" ; Sync ; Bind "" P0_1 2 ; Execute "" ; Sync ; Bind "" P0_1 3 ; Execute "" ; Sync
		B: BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I ; BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I
		B: BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I
	`
	failedCycle = `
		F: Bind "" P0_1 x ; Execute "" ; Sync
		B: Error ERROR 22P02 "invalid input syntax" ; Ready I
	`
)

// bulk is a query of many rows, in one packet.
var bulk = `
	F: Query "SELECT * FROM t"
	B: RowDescription a:23:0 b:25:0
	B: ` + strings.Repeat(`Row 1 "a value of some length" ; `, 1000) + `Complete "SELECT 1000" ; Ready I
`

// cycle is a session that repeats a conversation.
type cycle struct {
	session *Session
	packets []conversation.Packet
	bytes   int64
	frame   uint64
}

func newCycle(cfg Config, h Handler, script string) *cycle {
	cfg.Exchanges = true
	c := &cycle{session: NewShared(cfg, exchange.Limits{}, h).New(Opening{ID: 1}), packets: conversation.Packets(script)}
	for _, p := range c.packets {
		c.bytes += int64(len(p.Bytes))
	}
	for _, p := range conversation.Packets(conversation.Opening, pgbenchPrepare) {
		c.session.Data(p.Direction, p.Bytes, Stamp{Time: p.Time, Frame: p.Frame})
	}
	for range 20 {
		c.run()
	}
	return c
}

func (c *cycle) run() {
	for i := range c.packets {
		p := &c.packets[i]
		c.frame++
		c.session.Data(p.Direction, p.Bytes, Stamp{Time: p.Time, Frame: c.frame})
	}
}

var costs = []struct{ name, script string }{
	{"prepared", pgbenchCycle},
	{"simple", tpcbCycle},
	{"unnamed", unnamedCycle},
	{"results that take turns", turnsCycle},
	{"pipelined", pipelinedCycle},
	{"failed", failedCycle},
	{"rows", bulk},
}

// A cycle that was seen before costs no memory.
func TestCyclesAllocateNothing(t *testing.T) {
	for _, c := range costs {
		for name, cfg := range map[string]Config{"messages": {Messages: true}, "exchanges": {}} {
			cycle := newCycle(cfg, nothing{}, c.script)
			if n := testing.AllocsPerRun(50, cycle.run); n != 0 {
				t.Errorf("%s, %s: %v allocations a cycle", c.name, name, n)
			}
		}
	}
}

func BenchmarkSession(b *testing.B) {
	for _, c := range costs {
		for _, messages := range []bool{true, false} {
			name := c.name + "/exchanges"
			if messages {
				name = c.name + "/messages"
			}
			b.Run(name, func(b *testing.B) {
				cycle := newCycle(Config{Messages: messages}, nothing{}, c.script)
				b.SetBytes(cycle.bytes)
				b.ReportAllocs()
				for b.Loop() {
					cycle.run()
				}
			})
		}
	}
}
