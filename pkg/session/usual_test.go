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

// play leads a conversation through a session.
func play(script string, cycles bool, limits exchange.Limits) []string {
	session.TakeCycles(cycles)
	defer session.TakeCycles(true)
	c := new(scribe)
	sh := session.NewShared(session.Config{Exchanges: true}, limits, c)
	packets := conversation.Packets(conversation.Opening, script)
	s := sh.New(session.Opening{ID: 1, Client: "c:1", Server: "s:5432", At: session.Stamp{Time: packets[0].Time, Frame: 1}})
	var last session.Stamp
	for _, p := range packets {
		last = session.Stamp{Time: p.Time, Frame: p.Frame}
		if p.Gap != 0 {
			s.Gap(p.Direction, p.Gap, last)
		} else {
			s.Data(p.Direction, p.Bytes, last)
		}
	}
	s.End(0, last, session.Traffic{})
	sh.Finish()
	c.add("%v %+v", sh.Kinds(), *s.Info())
	e := sh.Exchanges
	c.add("dropped %d %d %d %d %d", e.DroppedStatements, e.DroppedExchanges, e.DroppedParts, e.DroppedLearned, e.DroppedResults)
	return c.lines
}

// Cycles of the usual forms are told as they are message by message, whatever came before
// them, and whatever is kept.
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
		limits := kept[n%len(kept)]
		whole, single := play(b.String(), true, limits), play(b.String(), false, limits)
		for i := range max(len(whole), len(single)) {
			if at(whole, i) != at(single, i) {
				t.Fatalf("conversation %d, %+v:\n%s\nline %d: told are\n%s\nwant\n%s", n, limits, b.String(), i, at(whole, i), at(single, i))
			}
		}
	}
}
