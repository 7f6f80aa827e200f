package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/stats"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// asked returns an exchange that took some nanoseconds.
func asked(sql string, ns int64) *exchange.Exchange {
	x := &exchange.Exchange{
		Start: exchange.Stamp{Time: 1e9, Frame: 1}, Asked: exchange.Stamp{Time: 1e9, Frame: 1}, End: exchange.Stamp{Time: 1e9 + ns, Frame: 2},
		Rows: 2, Bytes: 20, Complete: true,
	}
	if sql != "" {
		// As it comes to those who count: the handler before them has redacted it.
		x.SQL, _ = redact.Secrets.SQL(nil, []byte(sql), false)
		x.SQLLen = len(x.SQL)
	}
	return x
}

func TestTotalsAllocate(t *testing.T) {
	simple := asked("select a, b from t where id = 17 and name in ('a', 'b')", 1000)
	prepared := asked("select a from t where id = $1", 2000)
	prepared.Protocol = exchange.ProtocolExtended
	prepared.Prepared = &exchange.Statement{SQL: prepared.SQL}
	failed := asked("select 1/0", 10)
	failed.Error = []byte("SERROR\x00C22012\x00Mdivision by zero\x00\x00")
	for _, x := range []*exchange.Exchange{simple, prepared, failed} {
		sum := newTotals()
		for range 100 { // more than are kept exactly
			sum.query(1, x)
		}
		if n := testing.AllocsPerRun(100, func() { sum.query(1, x) }); n != 0 {
			t.Errorf("%s: %v allocations a query", x.SQL, n)
		}
	}
}

// statsRecord is what the tests look at of a stats record.
type statsRecord struct {
	Packets   uint64            `json:"packets"`
	Dropped   *uint64           `json:"kernel_dropped"`
	Messages  map[string]uint64 `json:"messages"`
	Queries   uint64            `json:"queries"`
	Errors    uint64            `json:"errors"`
	Distinct  int               `json:"distinct_queries"`
	SQLStates []map[string]any  `json:"sqlstates"`
	Top       []statsQuery      `json:"top"`
	Durations []map[string]any  `json:"durations"`
}

type statsQuery struct {
	Normalized *string `json:"normalized"`
	Operation  string  `json:"operation"`
	Calls      uint64  `json:"calls"`
	Errors     uint64  `json:"errors"`
	Rows       uint64  `json:"rows"`
	Bytes      uint64  `json:"bytes"`
	Timed      uint64  `json:"timed"`
	Duration   *struct {
		Total, Mean, Min, P50, P95, P99, Max int64
	} `json:"duration_ns"`
}

func (s *totals) record(t *testing.T, traffic stats.Traffic, by stats.Sort) (statsRecord, []byte) {
	t.Helper()
	var out bytes.Buffer
	w := render.NewJSON(&out, render.Options{})
	w.Record(s.report(traffic, &s.kinds, by, 0))
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	var r statsRecord
	if err := json.Unmarshal(out.Bytes(), &r); err != nil {
		t.Fatalf("%v: %s", err, out.Bytes())
	}
	return r, out.Bytes()
}

func TestTotals(t *testing.T) {
	s := newTotals()
	s.query(1, asked("select 1", 100))
	s.query(1, asked("SELECT  2 -- two", 300))
	s.query(1, asked("", 50))                             // not in the capture
	s.query(1, asked(" ; ", 0))                           // empty, and quick
	s.query(1, asked("alter role a password hunter2", 7)) // not quoted as a constant
	open := asked("select pg_sleep(9)", 0)
	open.End = exchange.Stamp{}
	s.query(1, open)
	failed := asked("select 3", 200)
	failed.Error = []byte("SERROR\x00Mno code\x00\x00")
	s.query(1, failed)
	s.kinds[messages.KindQuery] = 7

	r, line := s.record(t, stats.Traffic{Packets: 9}, stats.SortCalls)
	if bytes.Contains(line, []byte("hunter2")) {
		t.Errorf("a password: %s", line)
	}
	if r.Packets != 9 || r.Dropped != nil || r.Queries != 7 || r.Errors != 1 || r.Distinct != 5 || r.Messages["Query"] != 7 {
		t.Errorf("%s", line)
	}
	if len(r.SQLStates) != 1 || r.SQLStates[0]["errors"] != 1.0 || r.SQLStates[0]["sqlstate"] != nil {
		t.Errorf("SQLSTATEs: %v", r.SQLStates)
	}
	q := r.Top[0]
	if *q.Normalized != "select $1" || q.Operation != "SELECT" || q.Calls != 3 || q.Errors != 1 || q.Rows != 6 || q.Bytes != 60 ||
		q.Duration.Total != 600 || q.Duration.Mean != 200 || q.Duration.Min != 100 || q.Duration.P50 != 200 || q.Duration.Max != 300 {
		t.Errorf("first: %+v %+v", q, q.Duration)
	}
	unknown := 0
	for _, q := range r.Top[1:] {
		switch {
		case q.Normalized == nil:
			unknown++
		case strings.Contains(*q.Normalized, "pg_sleep"):
			if q.Duration != nil || q.Timed != 0 {
				t.Errorf("an open query has durations: %+v", q.Duration)
			}
		}
	}
	if unknown != 1 {
		t.Errorf("%d queries of unknown text", unknown)
	}

	if r, line = s.record(t, stats.Traffic{Live: true, KernelDropped: 3}, stats.SortTotal); r.Dropped == nil || *r.Dropped != 3 {
		t.Errorf("kernel_dropped: %s", line)
	}
}

// TestTotalsHostile wants a line of JSON whatever the texts are.
func TestTotalsHostile(t *testing.T) {
	s := newTotals()
	for _, sql := range []string{
		"select \"\xff\xfe\x00\x1b[2J\"", `select "\` + "\"", "select \"" + strings.Repeat("é", 3000) + "\"", "\x80", "select '",
	} {
		s.query(1, asked(sql, 1))
	}
	failed := asked("select 1", 1)
	for _, state := range []string{"\xff\xff\xff\xff\xff", "\xfe\xfe\xfe\xfe\xfe", "\"\\\n\t\r", "a very long code"} {
		failed.Error = []byte("C" + state + "\x00\x00")
		s.query(1, failed)
	}
	r, line := s.record(t, stats.Traffic{}, stats.SortTotal)
	if bytes.Count(line, []byte("\n")) != 1 || len(r.SQLStates) != 4 || r.Errors != 4 {
		t.Errorf("%q", line)
	}
	for _, c := range line[:len(line)-1] {
		if c < ' ' {
			t.Errorf("a control character in %q", line)
			break
		}
	}
}
