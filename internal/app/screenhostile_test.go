package app

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// sequences are all that may begin with ESC: what moves the cursor, styles, modes, and
// what the program itself says in OSC.
var sequences = regexp.MustCompile(`\x1b(\[[0-9;:?<>=$]*[A-Za-z` + "`" + `{}|~@]|\][0-9]+;[^\x07\x1b]*(\x07|\x1b\\)|[=>78()cM][B0]?|\(B|P[^\x1b]*\x1b\\)`)

// steers is what must not be on a terminal besides: control characters and bytes that are
// not UTF-8 (what goes on in a character is not looked at alone), directions of text.
var steers = regexp.MustCompile(`[\x00-\x07\x0b\x0c\x0e-\x1f\x7f\x{80}-\x{9f}\x{202a}-\x{202e}\x{2066}-\x{2069}\x{fffd}]`)

// TestScreenHostile shows texts that would steer the terminal, on all tabs.
func TestScreenHostile(t *testing.T) {
	path := hostileCapture(t)
	for _, w := range []int{80, 200} {
		s := onTerminal(t, w, 40, "browse", path)
		s.settled()
		for _, k := range []string{"enter", "enter", "1", "enter", "?", "esc", "5", "enter", "4", "enter", "enter", "f", "b", "2", "y", "6"} {
			s.keys(k)
			time.Sleep(50 * time.Millisecond)
		}
		if w >= 120 {
			s.keys("3")
			s.wait("StartupMessage")
			s.keys("b") // again
			s.until("side pane at one column on all lines", func(string) bool { return s.bordered(120, 4, 39) })
		}
		s.keys("q")
		s.ends(ExitOK)
		s.mu.Lock()
		raw, name := s.raw.String(), s.name
		s.mu.Unlock()
		if strings.Contains(name, "owned") {
			t.Errorf("the title is %q", name)
		}
		rest := sequences.ReplaceAllString(raw, "")
		if i := steers.FindStringIndex(rest); i != nil {
			t.Errorf("%d columns: %q is on the terminal", w, rest[max(0, i[0]-20):min(len(rest), i[0]+40)])
		}
		if !strings.Contains(raw, `\x1b]0;owned`) {
			t.Errorf("%d columns: the text is not shown at all", w)
		}
		for _, seq := range sequences.FindAllString(raw, -1) {
			if strings.Contains(seq, "owned") {
				t.Errorf("%d columns: %q", w, seq)
			}
		}
	}
}

// bordered reports whether a column has the border of the side pane, from a line to
// another, however wide what stands before it is.
func (s *terminal) bordered(x, from, to int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for y := from; y < to; y++ {
		if c := s.vt.CellAt(x, y); c == nil || c.Content != "│" {
			return false
		}
	}
	return true
}

// TestScreenAttacks opens captures that were made to break programs.
func TestScreenAttacks(t *testing.T) {
	for _, c := range hostileFiles(t) {
		s := onTerminal(t, 80, 24, "browse", c)
		s.settled()
		s.keys("1", "enter", "4", "enter", "enter", "5", "enter", "6", "enter", "2", "enter", "enter", "f", "e", "s", "G", "q")
		s.ends(ExitOK)
	}
}

// evil is a text that would set the title, clear the screen, ring, and turn text around,
// if a terminal got to see it.
const evil = "\x1b]0;owned\x07漢字e\u0301👩\u200d👩\x1b[2J\x9b\u009b2J\u202egnp\u2066\r\n\t\x1bP1\x1b\\"

// hostileCapture is a capture with evil wherever text can stand.
func hostileCapture(t *testing.T) string {
	t.Helper()
	p, c := &hostile.Packets{}, hostile.NewConn(1)
	p.Open(c)
	p.Send(c, hostile.Client, hostile.Startup("user", evil, "database", evil, "application_name", evil))
	p.Send(c, hostile.Server, hostile.Authenticated(42))
	failure := hostile.Message('E', hostile.String("SERROR"), hostile.String("C42"+evil[:3]), hostile.String("M"+evil), hostile.String("D"+evil), hostile.String("H"+evil), []byte{0})
	notice := hostile.Message('N', hostile.String("SNOTICE"), hostile.String("C00000"), hostile.String("M"+evil), []byte{0})
	for n := range 20 {
		sql := "select '" + evil + "' as \"" + evil + "\" -- " + evil
		p.Send(c, hostile.Client, hostile.Query(sql))
		p.Now += int64(n) * 1_000_000
		p.Send(c, hostile.Server, join(notice, hostile.Columns(evil), hostile.Row(evil), hostile.Complete("SELECT 1"+evil), hostile.Ready()))
		p.Send(c, hostile.Client, join(hostile.Parse(evil, "select \""+evil+"\", $1"), hostile.Bind("", evil, evil), hostile.Execute(""), hostile.Sync()))
		p.Send(c, hostile.Server, join(hostile.Message('1'), hostile.Message('2'), failure, hostile.Ready()))
	}
	p.Close(c)
	path := filepath.Join(t.TempDir(), "hostile\x1b]0;owned\x07\u202e漢.pcap")
	if err := os.WriteFile(path, p.File(), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// hostileFiles are damaged copies of real captures.
func hostileFiles(t *testing.T) (list []string) {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"libpq_extended", "pgbouncer", "recvlogical_test_decoding"} {
		whole, err := os.ReadFile(capturePath(name))
		if err != nil {
			t.Fatal(err)
		}
		f, err := hostile.ParsePcap(whole)
		if err != nil {
			t.Fatal(err)
		}
		for i, m := range hostile.Mutations {
			damaged := f.Clone()
			m.Do(hostile.Rand(7), damaged)
			path := filepath.Join(dir, fmt.Sprintf("%s-%d.pcap", name, i))
			if err := os.WriteFile(path, damaged.Bytes(), 0o600); err != nil {
				t.Fatal(err)
			}
			list = append(list, path)
		}
	}
	return list
}
