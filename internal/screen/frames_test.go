package screen

import (
	"fmt"
	"testing"
	"time"

	tea "charm.land/bubbletea/v2"

	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/record"
)

// handClock is a clock that a test sets.
type handClock struct {
	now  time.Time
	due  time.Time
	ring chan time.Time
}

func (c *handClock) after(d time.Duration) <-chan time.Time {
	c.due, c.ring = c.now.Add(d), make(chan time.Time, 1)
	return c.ring
}

// TestFrames plays 40,000 queries a second for some seconds of a clock of its own. The
// screen is drawn four times in each, and at its end it shows all of them.
func TestFrames(t *testing.T) {
	const seconds, each, classes, frames = 5, 40_000, 300, 4
	start := time.Unix(1_700_000_000, 0)
	clock := &handClock{now: start}
	data := overview.New(overview.Options{Live: true, Now: func() time.Time { return clock.now }})
	m := newModel(Options{Data: data, Live: true, Now: func() time.Time { return clock.now }, After: clock.after})
	m.tab = tabQueries
	next := m.nextFrame()
	conn := &record.Conn{ID: 7, Client: "10.0.0.1:1", Server: "10.0.0.2:5432"}
	who := &record.Who{User: "u"}
	var texts [classes][]byte
	for i := range texts {
		texts[i] = []byte(fmt.Sprintf("select %d from t where id = $1", i))
	}
	for n := range seconds * each {
		at := start.UnixNano() + int64(n)*int64(time.Second)/each
		data.Record(&record.Query{
			Conn: conn, Who: who, ID: uint64(n), Normalized: texts[n%classes], Fingerprint: uint64(n%classes) + 1, SQL: texts[n%classes],
			Start: record.Stamp{Time: at, Frame: uint64(n)}, End: record.Stamp{Time: at + 1000}, Duration: 1000,
		})
		if clock.now = time.Unix(0, at); clock.now.Before(clock.due) {
			continue
		}
		clock.ring <- clock.now
		_, next = m.Update(next())
		_ = m.View()
	}
	if least, most := uint64(seconds*frames-1), uint64(seconds*frames); m.drawn < least || m.drawn > most {
		t.Errorf("%d frames in %d seconds", m.drawn, seconds)
	}
	m.Update(frameMsg{})
	if m.summary.Calls != seconds*each || m.summary.Totals.KernelDropped != 0 || m.summary.Queries < each-1 || m.summary.Queries > each+1 {
		t.Errorf("%d queries, %v a second", m.summary.Calls, m.summary.Queries)
	}
}

// TestRowsDrawn holds that a frame works out what is on the screen and no more, however
// many queries there are.
func TestRowsDrawn(t *testing.T) {
	for _, classes := range []int{50, 2000} {
		m := newModel(Options{Data: filled(classes), Live: true})
		m.tab = tabQueries
		q := m.pages[tabQueries][0].(*queries)
		cells, fills := 0, 0
		for i := range q.columns {
			cell := q.columns[i].cell
			q.columns[i].cell = func(m *model, c *overview.Class) span {
				cells++
				return cell(m, c)
			}
		}
		fill := q.fill
		q.fill = func(m *model, c *overview.Class) {
			fills++
			fill(m, c)
		}
		m.Update(frameMsg{})
		_ = m.View()
		rows := m.h - 5 // the head, the tabs, the sum, the names of the columns, the keys
		if fills != rows || cells > rows*len(q.columns) {
			t.Errorf("of %d queries %d rows and %d cells were worked out for a screen of %d", classes, fills, cells, rows)
		}
		if allocs := testing.AllocsPerRun(10, func() { m.Update(frameMsg{}); _ = m.View() }); allocs > 1500 {
			t.Errorf("a frame of %d queries allocates %.0f times", classes, allocs)
		}
	}
}

// TestSortsByP95 holds that all percentiles are known where the list is sorted by them,
// while the screen is paused, too.
func TestSortsByP95(t *testing.T) {
	m := newModel(Options{Data: filled(300), Live: true})
	m.tab = tabQueries
	m.refresh()
	m.pause = true
	m.press(tea.KeyPressMsg{Code: 'P', Text: "P"})
	for range 2 {
		q := m.pages[tabQueries][0].(*queries)
		if len(q.shown) != 300 {
			t.Fatalf("%d queries", len(q.shown))
		}
		for i := 1; i < len(q.shown); i++ {
			if a, b := q.items[q.shown[i-1]].P95, q.items[q.shown[i]].P95; a < b || b == 0 {
				t.Fatalf("%d comes before %d", a, b)
			}
		}
		m.refresh()
	}
}
