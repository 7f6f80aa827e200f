package session

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// opened plays conversations, each on a connection of its own, and returns what is
// known of them in the end, and of the messages.
func opened(cfg Config, scripts ...string) (infos []Info, kinds [messages.NumKinds]uint64) {
	r := new(recorder)
	sh := NewShared(cfg, exchange.Limits{}, r)
	for i, script := range scripts {
		s := sh.New(Opening{ID: uint64(i + 1), Server: "10.0.0.9:5432"})
		for _, p := range conversation.Packets(script) {
			s.Data(p.Direction, p.Bytes, Stamp{Time: p.Time, Frame: p.Frame})
		}
		s.End(EndFIN, Stamp{}, Traffic{})
	}
	return r.infos, sh.Kinds()
}

// What a startup packet tells does not depend on those before it.
func TestStartups(t *testing.T) {
	long := strings.Repeat("x", 100)
	scripts := []string{
		"F: Startup user anna database shop application_name psql",
		"F: Startup user anna database shop application_name psql",
		"F: Startup user bert",
		"F: Startup user anna database shop application_name psql",
		"F: Startup user anna database " + long,
		"F: Startup user anna database " + long,
		"F: Startup user anna database shop replication database",
		"F: Startup user anna database shop replication database",
	}
	infos, _ := opened(Config{Exchanges: true}, scripts...)
	for i, script := range scripts {
		alone, _ := opened(Config{Exchanges: true}, script)
		if got, want := fmt.Sprintf("%+v", names4(&infos[i])), fmt.Sprintf("%+v", names4(&alone[0])); got != want {
			t.Errorf("connection %d: %s, want %s", i+1, got, want)
		}
	}
	if i := &infos[3]; i.User != "anna" || i.Database != "shop" || i.Application != "psql" || i.ProtocolVersion != "3.0" {
		t.Errorf("%+v", i)
	}
	if i := &infos[2]; i.Database != "bert" || i.Application != "" {
		t.Errorf("%+v", i)
	}
}

func names4(i *Info) []string {
	return []string{i.User, i.Database, i.Application, i.Replication, i.ProtocolVersion}
}

// Parameters that follow each other in a chunk tell what they tell one by one,
// whether messages are handed out or not.
func TestParameters(t *testing.T) {
	params := []string{
		"Param in_hot_standby off", "Param server_version 16.4", "Param server_version_num 160004",
		"Param TimeZone Europe/Berlin", "Param application_name one", "Param TimeZone_abbreviations Default",
		"Param application_name two", `Param server ""`, `Param DateStyle "ISO, MDY"`,
	}
	start := "F: Startup user u database d application_name zero\nB: AuthOk ; "
	end := " ; Key 77 0x01020304 ; Ready I\n"
	later := "F: Query \"SET x\"\nB: Param TimeZone UTC ; Param application_name three ; Complete SET ; Ready I\n"
	for _, tail := range []string{"", later} {
		want, wantKinds := opened(Config{Exchanges: true, Messages: true}, start+strings.Join(params, "\nB: ")+end+tail)
		for name, cfg := range map[string]Config{
			"messages": {Exchanges: true, Messages: true}, "exchanges": {Exchanges: true}, "neither": {}, "strict": {Exchanges: true, Strict: true},
		} {
			for _, glue := range []string{" ; ", "\nB: "} {
				got, kinds := opened(cfg, start+strings.Join(params, glue)+end+tail)
				if got[0].ServerVersion != "16.4" || got[0].TimeZone != want[0].TimeZone || got[0].Application != want[0].Application {
					t.Errorf("%s: %+v, want %+v", name, got[0], want[0])
				}
				if kinds != wantKinds {
					t.Errorf("%s: %v messages, want %v", name, kinds, wantKinds)
				}
			}
		}
	}
}

// A connection like those before it costs no memory.
func TestShortConnectionsAllocateNothing(t *testing.T) {
	sh := NewShared(Config{Exchanges: true}, exchange.Limits{}, nothing{})
	packets := conversation.Packets(`
		F: Startup user u database d application_name psql
		B: AuthOk ; Param server_version 16.4 ; Param TimeZone UTC ; Param application_name psql ; Key 77 0x01020304 ; Ready I
		F: Query "SELECT 1"
		B: RowDescription x:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I
		F: Terminate
	`)
	run := func() {
		s := sh.New(Opening{ID: 1, Client: "10.0.0.1:50000", Server: "10.0.0.9:5432"})
		for _, p := range packets {
			s.Data(p.Direction, p.Bytes, Stamp{Time: p.Time, Frame: p.Frame})
		}
		s.End(EndFIN, Stamp{}, Traffic{})
	}
	for range maxTargets + 1 { // until the ring of cancel keys is full
		run()
	}
	if n := testing.AllocsPerRun(50, run); n != 0 {
		t.Errorf("%v allocations a connection", n)
	}
}

// Without a Handler the callbacks of the Config are all that is told.
func TestNoHandler(t *testing.T) {
	refused := 0
	sh := NewShared(Config{Messages: true, Exchanges: true, OnError: func(*Event) { refused++ }}, exchange.Limits{}, nil)
	s := sh.New(Opening{ID: 1})
	s.Data(messages.Frontend, (&messages.StartupMessage{}).Append(nil), Stamp{Time: 1})
	s.Data(messages.Backend, messages.NewError("FATAL", "28000", "no").Append(nil), Stamp{Time: 2})
	s.End(EndFIN, Stamp{Time: 3}, Traffic{})
	if sh.Finish(); refused != 1 || sh.Errors != 1 {
		t.Errorf("%d errors were told, %d counted", refused, sh.Errors)
	}
}

// TestResetInsideAHead: what a reset cuts off in the first bytes of a message was not to be
// made out by anybody, and is no fault of the protocol, unlike a connection that is closed in
// good order in the middle of a message.
func TestResetInsideAHead(t *testing.T) {
	for reason, want := range map[Reason]string{
		EndOfCapture: "#1 cut 3", EndRST: "#1 cut 3", EndGivenUp: "#1 cut 3", EndFIN: "#1 skipped 3",
	} {
		c := newCapture(options{})
		s := c.open(1, false)
		c.play(s, `
			F: Startup user app database shop
			B: AuthOk ; Ready I
			F: Query "SELECT 1"
		`)
		s.Data(messages.Backend, []byte("T\x00\x00"), c.last)
		s.End(reason, c.last, Traffic{})
		c.shared.Finish()
		if !slices.Contains(c.notices, want) {
			t.Errorf("%v: %v", reason, c.notices)
		}
	}
}
