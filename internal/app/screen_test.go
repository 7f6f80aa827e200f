package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

const baseMix = pcaps + "/base_mix.pcap"

// TestScreenGolden goes through all tabs, and from a query to its flow.
func TestScreenGolden(t *testing.T) {
	for _, size := range []struct {
		name string
		w, h int
	}{{"80x24", 80, 24}, {"200x50", 200, 50}} {
		t.Run(size.name, func(t *testing.T) {
			s := onTerminal(t, size.w, size.h, "browse", baseMix)
			s.settled()
			s.wait("select boom($1)")
			s.golden("queries-" + size.name)
			s.keys("1")
			s.wait("terminated")
			s.golden("activity-" + size.name)
			s.keys("4")
			s.wait("SEVERITY")
			s.golden("findings-" + size.name)
			s.keys("enter")
			s.wait("Evidence")
			s.golden("finding-" + size.name)
			s.keys("5")
			s.wait("division by zero")
			s.golden("errors-" + size.name)
			s.keys("6")
			s.wait("no replication")
			s.keys("2", "E", "enter")
			s.wait("all, mean")
			s.golden("executions-" + size.name)
			s.keys("enter")
			s.wait("ErrorResponse")
			s.golden("flow-" + size.name)
			s.keys("?")
			s.wait("draw anew")
			s.golden("help-" + size.name)
			s.keys("q", "q")
			s.ends(ExitOK)
		})
	}
}

// TestScreenReplication shows how far the client of a logical slot is behind.
func TestScreenReplication(t *testing.T) {
	s := onTerminal(t, 120, 20, "browse", pcaps+"/recvlogical_test_decoding.pcap")
	s.settled()
	s.keys("6")
	s.wait("pg_recvlogical")
	s.golden("replication-120x20")
	s.keys("enter")
	s.wait("56 steps, 5 cycles")
}

// TestScreenKeys drives lists: sorting, filtering as one types, going back.
func TestScreenKeys(t *testing.T) {
	s := onTerminal(t, 100, 24, "browse", baseMix)
	s.settled()
	first := func() string { return strings.Split(s.screen(), "\n")[4] }
	s.keys("C") // by calls
	s.until("the query with most calls at the top", func(string) bool { return strings.HasPrefix(strings.TrimSpace(first()), "20 ") })
	s.keys("r")
	s.until("the query with fewest calls at the top", func(string) bool { return strings.HasPrefix(strings.TrimSpace(first()), "1 ") })
	s.keys("/", "b", "o", "o")
	s.until("one query", func(screen string) bool {
		return strings.Contains(screen, "boom($1)") && !strings.Contains(screen, "copy m from") && strings.Contains(screen, "/boo")
	})
	s.keys("m", "enter")
	s.wait("; /boom: 1")
	s.keys("enter")
	s.wait("executions")
	s.wait("1 call, ")
	s.keys("esc")
	s.wait("; /boom: 1")
	s.keys("esc")
	s.wait("copy m from")
	s.keys("T") // by total, the longest first
	s.keys("end")
	s.keys("home", "enter", "enter")
	s.wait("generate_series")
	s.keys("e")
	s.until("an error that is found", func(screen string) bool {
		return strings.Contains(screen, "ErrorResponse") || strings.Contains(screen, "no more errors")
	})
	s.keys("/", "R", "o", "w", "D", "e", "s", "enter")
	s.wait("/RowDes")
	s.keys("f")
	s.until("all folded", func(screen string) bool { return !strings.Contains(screen, "▾") })
	s.keys("left")
	s.wait("PARAMETERS")
	s.keys("tab")
	s.keys("shift+tab")
	s.keys("q")
	s.ends(ExitOK)
}

// TestScreenMouse clicks a tab, a heading, a line, and turns the wheel.
func TestScreenMouse(t *testing.T) {
	s := onTerminal(t, 100, 24, "browse", baseMix)
	s.settled()
	click := func(x, y int) {
		s.keys(fmt.Sprintf("\x1b[<0;%d;%dM", x+1, y+1), fmt.Sprintf("\x1b[<0;%d;%dm", x+1, y+1))
	}
	click(1, 3) // CALLS
	s.wait("CALLS▼")
	click(10, 6)
	click(10, 6)
	s.wait("PARAMETERS")
	click(3, 1) // Activity
	s.wait("3 connections")
	click(5, 5)
	s.keys("\x1b[<65;5;5M")
	s.keys("q")
	s.ends(ExitOK)
}

// TestScreenSave writes the packets of a connection, which another run reads.
func TestScreenSave(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.pcapng")
	s := onTerminal(t, 100, 24, "browse", baseMix)
	s.settled()
	s.keys("1")
	s.wait("3 connections")
	s.keys("w")
	s.wait("write the packets")
	s.keys("\x15", path, "enter") // Ctrl-U
	s.wait(" written to ")
	s.keys("w")
	s.wait("write the packets")
	s.keys("\x15", path, "enter")
	s.wait("is there already")
	s.keys("q")
	s.ends(ExitOK)
	stdout, stderr, code := command("read", path, "--view", "connections", "--json")
	if code != ExitOK || strings.Count(stdout, `"type":"connection"`) != 1 || !strings.Contains(stdout, `"state":"terminated"`) {
		t.Errorf("exit %d: %s\n%s", code, stderr, stdout)
	}
}

// TestScreenCopy has the terminal take a text into its clipboard.
func TestScreenCopy(t *testing.T) {
	s := onTerminal(t, 100, 24, "browse", baseMix)
	s.settled()
	s.keys("E", "y")
	s.wait("copied")
	s.until("an OSC 52", func(string) bool {
		s.mu.Lock()
		defer s.mu.Unlock()
		return strings.Contains(s.raw.String(), "\x1b]52;c;")
	})
	s.keys("q")
	s.ends(ExitOK)
}

// TestScreenRefused says what is missing.
func TestScreenRefused(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"browse", baseMix}, "a full screen needs a terminal"},
		{[]string{"top", "-i", "lo"}, "a full screen needs a terminal"},
		{[]string{"top"}, "top needs an interface"},
		{[]string{"top", "file.pcap"}, "pgsniff browse FILE"},
		{[]string{"browse"}, "browse needs a capture file"},
	} {
		if _, stderr, code := command(c.args...); code != ExitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d: %s", c.args, code, stderr)
		}
	}
	s := onTerminal(t, 80, 24, "browse", filepath.Join(t.TempDir(), "none.pcap"))
	s.ends(ExitFailure)
	if !strings.Contains(s.errs.String(), "none.pcap") || s.raw.Len() > 0 {
		t.Errorf("said %q, drew %d bytes", s.errs.String(), s.raw.Len())
	}
	s = onTerminal(t, 80, 24, "browse", baseMix, "--view", "stats")
	s.ends(ExitUsage)
}

// TestScreenErrors counts each error once, those within queries and those outside, and
// rates as --view stats does, also of a part of a capture.
func TestScreenErrors(t *testing.T) {
	for _, c := range []struct {
		args []string
		head string
		rows []string
	}{
		{[]string{baseMix}, "1027 q/s  58 err/s", []string{"2 00:23:34 22012 division by zero", "1 00:23:34 P0042 boom 3"}},
		{[]string{baseMix, "--since", "2026-11-21T00:23:34.180Z"}, "901 q/s  50 err/s", []string{"1 00:23:34 P0042 boom 3"}},
		{[]string{pcaps + "/auth_scram_fail.pcap"}, "err/s", []string{"28P01 password authentication failed"}},
	} {
		s := onTerminal(t, 80, 24, append([]string{"browse"}, c.args...)...)
		s.settled()
		s.wait(c.head)
		s.keys("5")
		for _, row := range c.rows {
			s.wait(" " + row)
		}
	}
}

// TestScreenPictures draws the pictures of docs/screens.md and README.md from a run.
func TestScreenPictures(t *testing.T) {
	s := onTerminal(t, 128, 26, "browse", pcaps+"/pgbouncer.pcap", "--port", "5432,6432", "--color", "always")
	s.settled()
	s.wait("CALLS")
	compareFile(t, "../../docs/screen-queries.svg", draw(s.picture()))
	s = onTerminal(t, 128, 30, "browse", baseMix)
	s.settled()
	s.keys("E", "down", "enter", "enter")
	s.wait("ErrorResponse")
	s.keys("down", "down")
	s.wait("│ ErrorResponse")
	compareFile(t, "../../docs/screen-flow.svg", draw(s.picture()))
}

// picture is the screen with its styles.
func (s *terminal) picture() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.vt.Render()
}

// shown is a screen on a page.
var shown = regexp.MustCompile("(?s)<!-- screen ([a-z0-9-]+) -->\n```\n(.*?)```\n")

// TestScreenPage wants pages to show the screens of TestScreenGolden; -update writes them
// anew.
func TestScreenPage(t *testing.T) {
	for path, least := range map[string]int{"../../docs/screens.md": 4, "../../README.md": 1} {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		page := shown.ReplaceAllStringFunc(string(b), func(block string) string {
			n++
			name := shown.FindStringSubmatch(block)[1]
			screen, err := os.ReadFile(filepath.Join("testdata", "screens", name+".txt"))
			if err != nil {
				t.Fatal(err)
			}
			return "<!-- screen " + name + " -->\n```\n" + string(screen) + "```\n"
		})
		if n < least {
			t.Errorf("only %d screens are on %s", n, path)
		}
		compareFile(t, path, []byte(page))
	}
}

// TestScreenPanic breaks the run behind the screen, and the screen itself: the terminal is
// as it was, and the program says what happened.
func TestScreenPanic(t *testing.T) {
	for _, what := range []string{"run", "screen"} {
		s := onTerminal(t, 80, 24, "version") // a terminal to use again
		<-s.done
		o := &Options{}
		cmd := &cobra.Command{}
		o.add(cmd)
		run := &screenRun{title: "test", paths: []string{baseMix}}
		env := &Env{
			In: s.in, Out: s, Err: &s.errs, Now: time.Now, Width: func() int { return 80 },
			Getenv: func(name string) string { return map[string]string{"TERM": "xterm-256color"}[name] },
		}
		begun := make(chan struct{})
		go func() {
			err := runScreen(env, o, run, func(*Env) error {
				o.hooks.begun(func() {}, nil)
				<-begun
				if what == "screen" {
					return nil
				}
				panic("the run broke")
			})
			code := ExitOK
			var e *exitError
			if errors.As(err, &e) {
				code = e.code
			} else if err != nil {
				code = ExitFailure
			}
			fmt.Fprintln(&s.errs, err)
			s.done <- code
		}()
		s.wait("no queries yet")
		close(begun)
		if what == "screen" {
			run.data.Record(&record.Query{
				Conn: &record.Conn{ID: 1}, Who: &record.Who{}, Normalized: []byte("select 1"), Fingerprint: 1, SQL: []byte("select 1"), Duration: 1,
				Start: record.Stamp{Time: 1, Frame: 1}, End: record.Stamp{Time: 2, Frame: 2},
			})
			s.wait("select 1")
			run.opt = nil // of which flows are made
			s.keys("enter", "enter")
		}
		s.ends(ExitFailure)
		if text := s.errs.String(); !strings.Contains(text, "please report it") || what == "run" && !strings.Contains(text, "panic: the run broke") {
			t.Errorf("%s: said %q", what, text)
		}
	}
}

// TestScreenEvidence goes from a finding to its evidence in the flow.
func TestScreenEvidence(t *testing.T) {
	s := onTerminal(t, 100, 30, "browse", baseMix)
	s.settled()
	s.keys("4")
	s.wait("n_plus_one")
	s.keys("enter")
	s.wait("#2 query 3")
	s.keys("enter")
	screen := s.wait("▾")
	if !strings.Contains(screen, "select name from users") || !strings.Contains(screen, "──▶") {
		t.Errorf("the evidence is not unfolded:\n%s", screen)
	}
	s.keys("left", "left") // fold, and back
	s.wait("Evidence")
}

// TestScreenResize gives the terminal another size while the program runs.
func TestScreenResize(t *testing.T) {
	s := onTerminal(t, 80, 24, "browse", baseMix)
	s.settled()
	for _, size := range [][2]int{{150, 40}, {30, 8}, {10, 3}, {100, 20}} {
		s.mu.Lock()
		s.vt.Resize(size[0], size[1])
		s.mu.Unlock()
		s.keys(fmt.Sprintf("\x1b[48;%d;%d;0;0t", size[1], size[0])) // as terminals tell of it in band
		s.until(fmt.Sprint("screen of ", size), func(screen string) bool {
			if size[0] < 20 {
				return strings.Contains(screen, "too small")
			}
			return strings.Contains(screen, "? keys") && (size[0] < 130 || strings.Contains(screen, "CALLS OVER TIME"))
		})
	}
	s.keys("q")
	s.ends(ExitOK)
}

// TestScreenLongFlow looks into the middle of a long connection, and goes beyond what is
// held of it on both sides.
func TestScreenLongFlow(t *testing.T) {
	p, c := &hostile.Packets{}, hostile.NewConn(1)
	p.Open(c)
	p.Send(c, hostile.Client, hostile.Startup("user", "long"))
	p.Send(c, hostile.Server, hostile.Authenticated(42))
	const queries, middle = 24_000, 12_000 // of four messages each
	for n := range queries {
		p.Send(c, hostile.Client, hostile.Query(fmt.Sprintf("select %d", n)))
		if n == middle {
			p.Now += 5_000_000
		}
		p.Send(c, hostile.Server, join(hostile.Columns("n"), hostile.Row("1"), hostile.Complete("SELECT 1"), hostile.Ready()))
	}
	p.Close(c)
	path := filepath.Join(t.TempDir(), "long.pcap")
	if err := os.WriteFile(path, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	s := onTerminal(t, 100, 24, "browse", path)
	s.settled()
	s.wait("select $1")
	s.keys("enter")
	s.wait("24,000 calls")
	s.wait("older ones are gone")
	s.keys("enter") // the slowest
	screen := s.wait(fmt.Sprintf("select %d ", middle))
	if !strings.Contains(screen, "steps before ([)") || !strings.Contains(screen, "more after (])") {
		t.Errorf("it is not told that there is more:\n%s", screen)
	}
	s.keys("]")
	s.wait("select 13")
	s.keys("[", "[", "[", "[", "[", "[", "[", "[")
	s.keys("1", "enter")
	s.wait("StartupMessage")
	s.keys("[")
	s.wait("this is the beginning")
	s.keys("G", "enter")
	s.wait("select ")
	s.keys("q")
	s.ends(ExitOK)
}
