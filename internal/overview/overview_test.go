package overview

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// asked is a query cycle of a class, that began at a time and took so long.
func asked(conn *record.Conn, class int, at, took int64) *record.Query {
	text := fmt.Sprintf("select %d from t where id = $1", class)
	return &record.Query{
		Conn: conn, Who: &record.Who{User: "u", Database: "d"}, ID: uint64(at / 1000), Normalized: []byte(text), Fingerprint: uint64(class) + 1,
		SQL: []byte(text), HasParams: true, Params: messages.MakeValues([]byte(fmt.Sprint(at)), nil, []byte(strings.Repeat("ü", 500))),
		Start: record.Stamp{Time: at, Frame: uint64(at)}, End: record.Stamp{Time: at + took, Frame: uint64(at) + 1}, Duration: took, Rows: 2,
	}
}

const start = int64(1_700_000_000_000_000_000)

// TestBounds holds that memory stays within the bounds, and what is not kept is counted.
func TestBounds(t *testing.T) {
	c := New(Options{Live: true, Now: time.Now})
	conn := &record.Conn{ID: 7, Client: "10.0.0.1:1", Server: "10.0.0.2:5432"}
	const classes, each = maxClasses + 100, 40
	for n := range each {
		for k := range classes {
			c.Record(asked(conn, k, start+int64(n*classes+k)*3_000_000, int64(1000+n*7919%each)))
		}
	}
	if len(c.classes) != maxClasses || c.kept > maxKept+maxKept/10 {
		t.Errorf("%d classes, %d bytes of executions", len(c.classes), c.kept)
	}
	list := c.Queries(false)
	var calls uint64
	others := 0
	for i := range list {
		calls += list[i].Calls
		if list[i].Others {
			others++
		}
	}
	if calls != classes*each || others != 1 || len(list) != maxClasses+1 {
		t.Errorf("%d calls in %d classes, %d of others", calls, len(list), others)
	}
	got, all := c.Executions(1)
	if all != each || len(got) != each || len(got) > maxSlowest+maxRecent {
		t.Errorf("%d of %d executions", len(got), all)
	}
	for i := 1; i < len(got); i++ {
		if got[i].Duration > got[i-1].Duration {
			t.Fatalf("execution %d took longer than the one before", i)
		}
	}
	want := fmt.Sprintf("$1 = '%d', $2 = NULL, $3 = '%s'…", got[0].At.Time, strings.Repeat("ü", maxValue/2))
	if got[0].Params != want {
		t.Errorf("parameters %q, want %q", got[0].Params, want)
	}
	if place := c.Place(7); place != conn {
		t.Error("the connection is not found by its number")
	}
}

// TestSlowest keeps the slowest of all, however many come after.
func TestSlowest(t *testing.T) {
	c := New(Options{Now: time.Now})
	conn := &record.Conn{ID: 1}
	const n = 10_000
	for i := range n {
		took := int64(1000)
		if i%1000 == 500 {
			took = int64(i) * 1000
		}
		c.Record(asked(conn, 0, start+int64(i)*1_000_000, took))
	}
	list, _ := c.Executions(1)
	for i := range 10 {
		if want := int64(9500-1000*i) * 1000; list[i].Duration != want {
			t.Errorf("number %d took %d, want %d", i, list[i].Duration, want)
		}
	}
	k, _ := c.Query(1)
	if k.Calls != n || k.Max != 9_500_000 || k.P95 > 1030 || k.P95 < 1000 {
		t.Errorf("%+v", k)
	}
	sum := uint32(0)
	for _, s := range k.Spark {
		sum += s
	}
	if sum != n {
		t.Errorf("the sparkline has %d of %d calls", sum, n)
	}
}

// TestRate is that of the last seconds for live traffic, and of all for a file.
func TestRate(t *testing.T) {
	for _, live := range []bool{true, false} {
		c := New(Options{Live: live, Now: time.Now})
		conn := &record.Conn{ID: 1}
		for s := range 20 {
			for i := range 10 * (s/10*9 + 1) { // 10 a second, then 100
				c.Record(asked(conn, 0, start+int64(s)*1e9+int64(i)*1e6, 1000))
			}
		}
		c.now = start + 20e9
		want := 100.0
		if !live {
			want = 1100.0 / 20
		}
		if got := c.Summary().Queries; got != want {
			t.Errorf("live %v: %v a second, want %v", live, got, want)
		}
	}
}

// TestErrors groups errors by code and message, within a bound.
func TestErrors(t *testing.T) {
	c := New(Options{Now: time.Now})
	conn := &record.Conn{ID: 1}
	for i := range 3 * maxFailures {
		q := asked(conn, 0, start+int64(i)*1e6, 1000)
		q.Error = []byte(fmt.Sprintf("SERROR\x00C42P01\x00Mrelation t%d is not there\x00\x00", i%(2*maxFailures)))
		c.mu.Lock()
		c.text = errorText{state: "42P01", message: string(q.Error)}
		c.group(conn, q.Who, q.End)
		c.mu.Unlock()
	}
	list, more := c.Failures()
	if len(list) != maxFailures || more != maxFailures || list[0].Count != 2 {
		t.Errorf("%d groups, %d more, the first %d times", len(list), more, list[0].Count)
	}
}
