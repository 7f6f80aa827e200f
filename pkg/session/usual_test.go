package session_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// turns are requests and what may be replied to them, in a line each: usual cycles, and
// what comes before and between them that changes what they mean.
var turns = []string{
	`F: Query "SELECT 1" | B: RowDescription a:23:0 ; Row 1 ; Row 2 ; Complete "SELECT 2" ; Ready I`,
	`F: Query BEGIN | B: Complete BEGIN ; Ready T`,
	`F: Query COMMIT | B: Complete COMMIT ; Ready I`,
	`F: Query "SELECT 1/0" | B: Error ERROR 22012 "division by zero" ; Ready I`,
	`F: Query "SELECT 1/0" | B: Error ERROR 22012 "division by zero" ; Ready E`,
	`F: Query "DEALLOCATE s" | B: Complete DEALLOCATE ; Ready I`,
	`F: Query "DISCARD ALL" | B: Complete "DISCARD ALL" ; Ready I`,
	`F: Query "PREPARE s AS SELECT 5" | B: Complete PREPARE ; Ready T`,
	`F: Query "DECLARE c CURSOR FOR SELECT 6" | B: Complete "DECLARE CURSOR" ; Ready T`,
	`F: Query "COPY t TO STDOUT" | B: CopyOut ; CopyData x ; CopyDone ; Complete "COPY 1" ; Ready I`,
	`F: Query "COPY t TO STDOUT" | B: CopyOut ; CopyData x ; CopyData yy ; CopyData "" ; CopyData zzz ; Notice WARNING 01000 odd ; CopyData a ; CopyData b ; CopyDone ; Complete "COPY 6" ; Ready I`,
	`F: Query "COPY t FROM STDIN" ; CopyData x ; CopyData yy ; CopyData zzz ; CopyDone | B: CopyIn ; Complete "COPY 3" ; Ready I`,
	`F: CopyData x ; CopyData y | B: CopyData x ; CopyData y`,
	`F: Query "SET timezone = utc" | B: Param TimeZone UTC ; Param application_name a ; Param crdb_version 1 ; Param standard_conforming_strings off ; Complete SET ; Ready I`,
	`B: Param a b ; Param TimeZone UTC ; Param c d`,
	`F: Query "SELECT 1; SELECT 2" | B: RowDescription a:23:0 ; Row 1 ; Row 2 ; Row 3 ; Complete "SELECT 3" ; RowDescription b:23:0 ; Row 4 ; Row 5 ; Param a b ; Row 6 ; Complete "SELECT 3" ; Ready I`,
	`F: Parse s "SELECT $1" ; Describe statement s ; Sync | B: ParseComplete ; ParamDescription 23 ; RowDescription a:23:0 ; Ready I`,
	`F: Parse s "SELECT 2" ; Sync | B: Error ERROR 42P05 "exists" ; Ready I`,
	`F: Parse "" "SELECT $1" ; Sync | B: ParseComplete ; Ready I`,
	`F: Parse "" "SELECT 1" ; Bind "" "" ; Describe portal "" ; Execute "" ; Sync | B: ParseComplete ; BindComplete ; RowDescription b:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I`,
	`F: Close statement s ; Sync | B: CloseComplete ; Ready I`,
	`F: Bind "" s 7 ; Execute "" ; Sync | B: BindComplete ; Row 7 ; Complete "SELECT 1" ; Ready I`,
	`F: Bind "" s 7 ; Execute "" ; Sync | B: BindComplete ; Row 7 ; Complete "SELECT 1" ; Ready T`,
	`F: Bind rf=1 "" s 8 ; Describe portal "" ; Execute "" ; Sync | B: BindComplete ; RowDescription a:23:1 ; Row 8 ; Row 9 ; Complete "SELECT 2" ; Ready I`,
	`F: Bind "" s 8 ; Describe portal "" ; Execute "" ; Sync | B: BindComplete ; NoData ; Complete "INSERT 0 1" ; Ready T`,
	`F: Bind "" s 8 ; Describe statement s ; Execute "" ; Sync | B: BindComplete ; ParamDescription 25 ; RowDescription a:25:0 ; Row 8 ; Complete "SELECT 1" ; Ready I`,
	`F: Bind "" s 8 ; Describe statement o ; Execute "" ; Sync | B: BindComplete ; Error ERROR 26000 "none" ; Ready I`,
	`F: Bind "" s 8 ; Describe portal p ; Execute "" ; Sync | B: BindComplete ; Error ERROR 34000 "none" ; Ready I`,
	`F: Bind "" s 7 ; Execute "" ; Sync | B: Error ERROR 26000 "none" ; Ready I`,
	`F: Bind "" s 7 ; Execute "" ; Sync | B: BindComplete ; Error ERROR 22012 "division by zero" ; Ready E`,
	`F: Bind "" s 7 ; Execute "" 1 ; Sync | B: BindComplete ; Row 7 ; Suspended ; Ready T`,
	`F: Execute "" ; Sync | B: Row 7 ; Complete "SELECT 1" ; Ready T`,
	`F: Bind p s 7 ; Execute p ; Sync | B: BindComplete ; Row 7 ; Complete "SELECT 1" ; Ready T`,
	`F: Bind "" s 7 ; Execute p ; Sync | B: BindComplete ; Row 7 ; Complete "SELECT 1" ; Ready T`,
	`F: Bind "" "" 9 ; Execute "" ; Sync | B: BindComplete ; Row 9 ; Complete "SELECT 1" ; Ready I`,
	`F: Bind "" o 9 ; Execute "" ; Sync | B: BindComplete ; Row 9 ; Complete "SELECT 1" ; Ready I`,
	`F: Sync | B: Ready I`,
	`B: Notice WARNING 01000 odd`,
	`F: gap 40`,
	`B: gap 60`,
	`B: gap -1`,
}

// way is how a conversation is led through a session.
type way struct {
	messages  bool
	midStream bool // it is joined after its startup
	cut       int  // packets are divided after so many bytes
	limits    exchange.Limits
}

// play leads a conversation through a session.
func play(script string, cycles bool, w way) []string {
	session.TakeCycles(cycles)
	defer session.TakeCycles(true)
	c := new(scribe)
	sh := session.NewShared(session.Config{Exchanges: true, Messages: w.messages}, w.limits, c)
	packets := conversation.Packets(script)
	if !w.midStream {
		packets = conversation.Packets(conversation.Opening, script)
	}
	s := sh.New(session.Opening{
		ID: 1, Client: "c:1", Server: "s:5432", At: session.Stamp{Time: packets[0].Time, Frame: 1}, MidStream: w.midStream,
	})
	var last session.Stamp
	for _, p := range packets {
		last = session.Stamp{Time: p.Time, Frame: p.Frame}
		if p.Gap != 0 {
			s.Gap(p.Direction, p.Gap, last)
		} else {
			at := min(w.cut, len(p.Bytes))
			s.Data(p.Direction, p.Bytes[:at], last)
			s.Data(p.Direction, p.Bytes[at:], last)
		}
	}
	s.End(0, last, session.Traffic{})
	sh.Finish()
	c.add("%v %+v", sh.Kinds(), *s.Info())
	e := sh.Exchanges
	c.add("dropped %d %d %d %d %d", e.DroppedStatements, e.DroppedExchanges, e.DroppedParts, e.DroppedLearned, e.DroppedResults)
	return c.lines
}

// Cycles of the usual forms, and runs of rows and COPY data, are told as they are message by
// message, whatever came before them, and whatever is kept.
func TestUsualCycles(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 1))
	kept := []exchange.Limits{{}, {NoColumns: true, NoParameters: true}, {SQL: 8}, {Total: 1 << 20}}
	for n := range 3000 {
		var b strings.Builder
		var owed []string // replies that come after further requests
		for range 3 + r.IntN(12) {
			requests, replies, _ := strings.Cut(turns[r.IntN(len(turns))], "|")
			fmt.Fprintln(&b, requests)
			owed = append(owed, replies)
			if r.IntN(8) > 0 {
				fmt.Fprintln(&b, strings.Join(owed, "\n"))
				owed = nil
			}
		}
		w := way{messages: n&1 != 0, midStream: r.IntN(5) == 0, limits: kept[n/2%len(kept)]}
		if r.IntN(2) == 0 {
			w.cut = 1 + r.IntN(40)
		}
		whole, single := play(b.String(), true, w), play(b.String(), false, w)
		for i := range max(len(whole), len(single)) {
			if at(whole, i) != at(single, i) {
				t.Fatalf("conversation %d, %+v:\n%s\nline %d: told are\n%s\nwant\n%s", n, w, b.String(), i, at(whole, i), at(single, i))
			}
		}
	}
}
