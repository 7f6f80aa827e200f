package session

import (
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// timer writes down the times of exchanges, in microseconds since the request.
type timer struct {
	recorder
	times []string
}

func (r *timer) Exchange(_ *Session, x *exchange.Exchange) {
	at := func(s Stamp) int64 {
		if s.Frame == 0 {
			return -1
		}
		return (s.Time - x.Start.Time) / 1000
	}
	pause := fmt.Sprint(x.Pause)
	if x.Pause >= 0 {
		pause = fmt.Sprintf("%d%c", x.Pause/1000, max(x.PauseTx, '-'))
	}
	r.times = append(r.times, fmt.Sprintf("%d reply=%d row=%d end=%d pause=%s",
		x.ID, at(x.FirstReply), at(x.FirstRow), at(x.End), pause))
}

func TestTimes(t *testing.T) {
	// Each line is a millisecond after the one before.
	script := `
		+4ms
		F: Query BEGIN
		B: Complete BEGIN ; Ready T
		+9ms
		F: Parse "" "SELECT 1"
		F: Bind "" "" ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete
		B: Notice NOTICE 00000 x
		B: RowDescription a:23:0
		B: Row 1
		B: Row 2 ; Complete "SELECT 2"
		B: Ready T
		+2ms
		F: Query "COPY t TO STDOUT" ; Query COMMIT
		B: CopyOut
		B: CopyData x ; CopyDone ; Complete "COPY 1" ; Ready T
		B: Complete COMMIT ; Ready I
		+20ms
		F: Parse "" "SELECT 3" ; Bind "" "" ; Execute "" 1 ; Flush
		B: ParseComplete ; BindComplete ; Row 1 ; Suspended
		+6ms
		F: Execute "" ; Sync
		B: Complete "SELECT 0" ; Ready I
		F: Query BEGIN
		B: Complete BEGIN ; Ready T
		+30ms
		F: Terminate
	`
	r := &timer{}
	sh := NewShared(Config{Exchanges: true}, exchange.Limits{}, r)
	s := sh.New(Opening{ID: 1})
	for _, p := range conversation.Packets(conversation.Opening, script) {
		s.Data(p.Direction, p.Bytes, Stamp{Time: p.Time, Frame: p.Frame})
	}
	s.End(EndFIN, Stamp{}, Traffic{})
	expect(t, "microseconds", r.times, `
		1 reply=1000 row=-1 end=1000 pause=5000I
		2 reply=2000 row=5000 end=7000 pause=10000T
		3 reply=1000 row=2000 end=2000 pause=3000T
		4 reply=3000 row=-1 end=3000 pause=-1
		5 reply=1000 row=1000 end=1000 pause=21000I
		6 reply=1000 row=-1 end=1000 pause=7000-
		7 reply=1000 row=-1 end=1000 pause=1000I
	`)
	if got, want := r.totals[0].IdleInTransaction, int64(10e6+3e6+31e6); got != want {
		t.Errorf("idle in transaction for %d ns, want %d", got, want)
	}
}

func TestTotals(t *testing.T) {
	for _, c := range []struct {
		name, script string
		want         exchange.Totals
	}{
		{"pgbench's TPC-B-like script, simple", `
			F: Query "BEGIN;"
			B: Complete BEGIN ; Ready T
			F: Query "UPDATE a"
			B: Complete "UPDATE 1" ; Ready T
			F: Query "SELECT b"
			B: RowDescription b:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready T
			F: Query "END;"
			B: Complete COMMIT ; Ready I
			F: Query "BEGIN;"
			B: Complete BEGIN ; Ready T
			F: Query "END;"
			B: Complete COMMIT ; Ready I
		`, exchange.Totals{Queries: 6, Transactions: 2, Rows: 1}},
		{"prepared, autocommit: preparing is none", `
			F: Parse P0 "SELECT a" ; Sync
			B: ParseComplete ; Ready I
			F: Bind "" P0 ; Describe portal "" ; Execute "" ; Sync
			B: BindComplete ; RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I
			F: Bind "" P0 ; Describe portal "" ; Execute "" ; Sync
			B: BindComplete ; RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I
		`, exchange.Totals{Queries: 2, Transactions: 2, Rows: 2}},
		{"pipelined: each Sync ends a transaction", `
			F: Bind "" s ; Execute "" ; Bind "" s ; Execute "" ; Sync ; Bind "" s ; Execute "" ; Sync
			F: Bind "" s ; Execute "" ; Sync ; Sync
			B: BindComplete ; Complete "SELECT 0" ; BindComplete ; Complete "SELECT 0" ; Ready I
			B: BindComplete ; Complete "SELECT 0" ; Ready I ; Error ERROR 26000 no ; Ready I ; Ready I
		`, exchange.Totals{Queries: 4, Transactions: 3}},
		{"rolled back", `
			F: Query BEGIN
			B: Complete BEGIN ; Ready T
			F: Query "SELEC"
			B: Error ERROR 42601 no ; Ready E
			F: Query ROLLBACK
			B: Complete ROLLBACK ; Ready I
			F: Query "SELEC"
			B: Error ERROR 42601 no ; Ready I
		`, exchange.Totals{Queries: 4, Transactions: 2}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := run(options{}, conversation.Opening, c.script).totals[0]
			got.IdleInTransaction = 0
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}
}
