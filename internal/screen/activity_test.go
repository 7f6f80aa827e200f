package screen

import (
	"flag"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"
	"github.com/charmbracelet/x/ansi"

	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/record"
)

var update = flag.Bool("update", false, "write the golden files anew")

// busyConns are connections in all the states that people look for.
func busyConns(now time.Time) []overview.Conn {
	conn := func(id uint64, user, application, client string, state overview.State, since time.Duration, rate float64, sql string) overview.Conn {
		return overview.Conn{
			Place: &record.Conn{ID: id}, ID: id, Client: client, Server: "10.255.0.1:5432", User: user, Database: "shop", Application: application,
			State: state, Since: now.Add(-since).UnixNano(), For: int64(since), SQL: sql, Rate: rate, Queries: 10 * id,
		}
	}
	list := []overview.Conn{
		conn(1, "web", "gunicorn", "10.20.30.41:49152", overview.Active, 1_200*time.Microsecond, 812, "select * from cart where session = $1"),
		conn(2, "analyst", "psql", "192.168.100.200:61022", overview.Waiting, 93*time.Second, 0, "select region, sum(amount)\n  from orders join customers using (customer_id)\n group by region"),
		conn(3, "worker", "sidekiq 7.2 shop [3 of 10 busy]", "[2001:db8:85a3::8a2e:370:7334]:40112", overview.InTx, 12*time.Minute, 41_234, ""),
		conn(4, "web", "gunicorn", "10.20.30.42:50001", overview.Failed, 300*time.Millisecond, 0.2, ""),
		conn(5, "a_user_with_a_long_name", "", "unix", overview.Copying, 4*time.Hour, 0, "copy orders to stdout"),
		conn(6, "web", "gunicorn", "10.20.30.43:50002", overview.Idle, 5*time.Second, 3.2, ""),
	}
	list[3].Errors = 1
	return list
}

// activityOf is the screen of some connections.
func activityOf(w, h int, conns []overview.Conn) (*model, *activity) {
	m := newModel(Options{Data: filled(1), Live: true, Title: "eth0", Local: time.UTC})
	m.refresh()
	m.pause = true
	a := m.pages[tabActivity][0].(*activity)
	a.set(conns)
	m.Update(tea.WindowSizeMsg{Width: w, Height: h})
	return m, a
}

func screenText(m *model) string {
	var b strings.Builder
	for _, l := range m.lines() {
		b.WriteString(strings.TrimRight(ansi.Strip(l.text), " ") + "\n")
	}
	return b.String()
}

// TestActivity shows at a glance, on 80 columns, too, who asks, with which application and
// from where, what runs or stands open and for how long, and how many queries come; more
// of the connection that is chosen is below.
func TestActivity(t *testing.T) {
	for _, size := range [][2]int{{80, 24}, {200, 50}} {
		m, a := activityOf(size[0], size[1], busyConns(time.Unix(1_700_000_000, 0)))
		for range 3 {
			a.press(m, "down")
		}
		_, body, _ := strings.Cut(screenText(m), "\n") // the first line is of other queries
		path := filepath.Join("testdata", "activity-"+strconv.Itoa(size[0])+"x"+strconv.Itoa(size[1])+".txt")
		if *update {
			if err := os.MkdirAll("testdata", 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(body), 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if body != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", path, body, want)
		}
	}
}

// TestActivityDetail holds that all of a connection can be read on 80 columns: what is cut
// in its row is in the lines below, of whichever is chosen, and nothing is there of none.
func TestActivityDetail(t *testing.T) {
	conns := busyConns(time.Unix(1_700_000_000, 0))
	m, a := activityOf(80, 24, conns)
	for range conns {
		c := a.current()
		all := strings.Split(strings.TrimSuffix(screenText(m), "\n"), "\n")
		lines := all[len(all)-3:]
		for _, want := range []string{"#" + strconv.FormatUint(c.ID, 10) + " ", c.User + "@" + c.Database, c.Client} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("connection %d: there is no %q in %q", c.ID, want, lines[0])
			}
		}
		for _, want := range []string{short(c.For), m.clock(c.Since), oneLine(c.SQL[:min(len(c.SQL), 30)])} {
			if !strings.Contains(lines[1], want) {
				t.Errorf("connection %d: there is no %q in %q", c.ID, want, lines[1])
			}
		}
		a.press(m, "down")
	}
	a.set(nil)
	if text := screenText(m); strings.Contains(text, "──") {
		t.Errorf("of no connection there is\n%s", text)
	}
}

// TestActivityColumns holds that a wider terminal shows no column less.
func TestActivityColumns(t *testing.T) {
	m, a := activityOf(20, 24, busyConns(time.Unix(1_700_000_000, 0)))
	before := map[int]bool{}
	for w := 20; w <= 250; w++ {
		m.Update(tea.WindowSizeMsg{Width: w, Height: 24})
		_ = m.lines()
		which, widths := a.layout(w)
		now := map[int]bool{}
		sum := -1
		for i, n := range which {
			now[n] = true
			sum += widths[i] + 1
		}
		for n := range before {
			if !now[n] {
				t.Errorf("on %d columns there is no %s", w, a.columns[n].name)
			}
		}
		if w >= 80 && (len(which) < 7 || widths[len(widths)-1] < 15 || sum > w) {
			t.Errorf("on %d columns there are %d, of %d in all and %d for the query", w, len(which), sum, widths[len(widths)-1])
		}
		before = now
	}
}
