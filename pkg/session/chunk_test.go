package session

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
)

// everything is one conversation with all that the other tests have. Each of its
// parts leaves the session idle.
func everything() (scripts []string) {
	scripts = append(scripts, conversation.Opening)
	for _, c := range cycles {
		if !strings.Contains(c.name, "fatal") && !strings.Contains(c.name, "end of the capture") {
			scripts = append(scripts, c.script)
		}
	}
	return scripts
}

// How the bytes of a packet are handed over changes nothing.
func TestAnyChunking(t *testing.T) {
	scripts := everything()
	for _, messages := range []bool{true, false} {
		want := run(options{config: Config{Messages: messages}}, scripts...)
		if len(want.exchanges) < 50 {
			t.Fatalf("%d exchanges", len(want.exchanges))
		}
		random := rand.New(rand.NewPCG(1, 2))
		for name, chunk := range map[string]func(int) int{
			"a byte":   func(int) int { return 1 },
			"5 bytes":  func(int) int { return 5 },
			"random":   func(n int) int { return random.IntN(n + 1) },
			"all but1": func(n int) int { return n - 1 },
		} {
			got := run(options{config: Config{Messages: messages}, chunk: chunk}, scripts...)
			for _, list := range []struct {
				what      string
				got, want []string
			}{
				{"exchanges", got.exchanges, want.exchanges},
				{"events", got.events, want.events},
				{"notices", got.notices, want.notices},
				{"ends", got.ends, want.ends},
			} {
				if !slices.Equal(list.got, list.want) {
					t.Errorf("%s (messages=%v): %s differ:\n%s", name, messages, list.what, firstDifference(list.got, list.want))
				}
			}
			if got.totals[0] != want.totals[0] {
				t.Errorf("%s: totals %+v, want %+v", name, got.totals, want.totals)
			}
		}
	}
}

func firstDifference(got, want []string) string {
	for i := range max(len(got), len(want)) {
		g, w := "(nothing)", "(nothing)"
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g != w {
			return "got  " + g + "\nwant " + w
		}
	}
	return ""
}

// Packets of a direction may be joined to one where nothing from the other side
// came between.
func TestJoinedPackets(t *testing.T) {
	scripts := everything()
	want := run(options{}, scripts...).exchanges
	packets := conversation.Packets(scripts...)
	c := newCapture(options{})
	s := c.open(1, false)
	for i := 0; i < len(packets); {
		p := packets[i]
		data := slices.Clone(p.Bytes)
		for i++; i < len(packets) && packets[i].Direction == p.Direction; i++ {
			data = append(data, packets[i].Bytes...)
		}
		s.Data(p.Direction, data, Stamp{Time: p.Time, Frame: p.Frame})
	}
	c.end(s)
	if !slices.Equal(c.exchanges, want) {
		t.Error(firstDifference(c.exchanges, want))
	}
}
