package stats

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// sampleReport has something of everything.
func sampleReport() *Report {
	s := New(Limits{Queries: 3, Groups: 2, SQLStates: 2, Text: 60})
	s.SetTraffic(Traffic{Packets: 1234567, Bytes: 98765432, LostBytes: 1500, KernelDropped: 1})
	texts := []string{
		"select abalance from pgbench_accounts where aid = $1",
		`select "täble 表" from "` + "\x1b[31m" + `evil` + "\n" + `"`,
		"", "begin", "commit",
	}
	clock := int64(1e18)
	for i, text := range texts {
		for n := range 1000 >> (3 * i) {
			q := &QuerySample{
				Normalized: []byte(text), Fingerprint: [...]uint64{1, 2, 0, 3, 4}[i], Rows: 1, Bytes: 1000,
				Duration: int64(15_000 * (n%7 + 1) * (i + 1)), At: 1e18 + int64(n)*1e9, Conn: uint64(i), SQL: []byte(text), SQLLen: len(text),
				Message: []byte("could not serialize access\x1b[2J"),
			}
			clock += q.Duration
			q.End = clock
			if n%400 == 399 {
				q.SQLState = []byte("40001")
			}
			s.Query(q)
		}
	}
	for i, name := range []string{"app", "app", "表", "third"} {
		s.Connection(&ConnectionSample{
			User: name, Database: "d", Client: fmt.Sprintf("10.0.0.%d", i), Queries: 10, Bytes: 1 << 20,
		})
	}
	for _, state := range []string{"28P01", "57P01", "53300"} {
		s.Error(&ErrorSample{SQLState: []byte(state), Message: []byte("it is " + state), At: 1e18, Conn: 7})
	}
	s.Message(messages.KindDataRow, 4000)
	s.Message(messages.KindQuery, 10)
	r := s.Snapshot(SortCalls, 10)
	r.First, r.Last = 1e18, 1e18+61e9
	return r
}

// wantTables was checked by hand against sampleReport.
const wantTables = `2001-09-09 01:46:40.000 to 01:47:41.000 (61.0 s), 1,234,567 packets, 98.8 MB, 4 connections, 4,010 messages,
1,141 queries, 5 errors, 1.50 kB not in the capture, 1 packet dropped by the kernel
18.7 queries/s, 65.7 messages/s, 1.62 MB/s, active connections: less than 0.01 on average, 1 at most

Queries by calls: 3 of 3
    share  calls    total     mean      p95  query
   77.4 %  1,000  60.0 ms  60.0 µs   105 µs  select abalance from pgbench_accounts where aid = $1
   19.2 %    125  14.9 ms   119 µs   210 µs  select "täble 表" from "�[31mevil�"
    3.3 %     15  2.57 ms   171 µs   315 µs  (not in the capture)
    0.1 %      1  60.0 µs  60.0 µs  60.0 µs  (others: too many distinct queries to tell them apart)
  100.0 %  1,141  77.5 ms  67.9 µs   151 µs  (all)

Slowest calls
  asked at      conn    took  query
  01:46:46.000  #2    315 µs  (not in the capture)
  01:46:53.000  #2    315 µs  (not in the capture)
  01:46:45.000  #2    270 µs  (not in the capture)
  01:46:52.000  #2    270 µs  (not in the capture)
  01:46:44.000  #2    225 µs  (not in the capture)

Errors
  count  SQLSTATE  first         message, query
      2  40001     -             could not serialize access�[2J
                   01:53:19.000  select abalance from pgbench_accounts where aid = $1
      1  28P01     #7            it is 28P01
                   01:46:40.000  (no query)
      2  (others)                (too many kinds to tell them apart)

Durations of queries
    from   below  queries
   10 µs   20 µs      143  12.5 %  ████████████▏
   20 µs   50 µs      307  26.9 %  ██████████████████████████▏
   50 µs  100 µs      468  41.0 %  ████████████████████████████████████████
  100 µs  200 µs      200  17.5 %  █████████████████
  200 µs  500 µs       23   2.0 %  █▉

Users
  user      connections  queries  errors    bytes
  app                 2       20       0  2.10 MB
  表                  1       10       0  1.05 MB
  (others)            1       10       0  1.05 MB

Databases
  database  connections  queries  errors    bytes
  d                   4       40       0  4.19 MB

Clients
  client    connections  queries  errors    bytes
  10.0.0.0            1       10       0  1.05 MB
  10.0.0.1            1       10       0  1.05 MB
  (others)            2       20       0  2.10 MB

Messages
  message  count
  DataRow  4,000  99.8 %  ████████████████████████████████████████
  Query       10   0.2 %  ▏
`

func TestWriteTables(t *testing.T) {
	var b strings.Builder
	if err := WriteTables(&b, sampleReport(), TableOptions{Width: 110}); err != nil {
		t.Fatal(err)
	}
	if b.String() != wantTables {
		t.Errorf("got\n%s\nwant\n%s", b.String(), wantTables)
	}
}

// TestWriteTablesFits writes to terminals of several widths.
func TestWriteTablesFits(t *testing.T) {
	for _, width := range []int{1, 80, 110, 140, 200} {
		var b strings.Builder
		if err := WriteTables(&b, sampleReport(), TableOptions{Width: width}); err != nil {
			t.Fatal(err)
		}
		const numbers = 88 // columns before the last one
		for line := range strings.Lines(b.String()) {
			line = strings.TrimSuffix(line, "\n")
			if got := widths.StringWidth(line); got > max(width, numbers+minText) {
				t.Errorf("width %d: %d columns: %q", width, got, line)
			}
			if strings.HasSuffix(line, " ") || strings.ContainsAny(line, "\x1b\t") {
				t.Errorf("width %d: %q", width, line)
			}
		}
	}
}

func TestWriteTablesOptions(t *testing.T) {
	var b strings.Builder
	_ = WriteTables(&b, sampleReport(), TableOptions{Groups: 1, Bold: true})
	for _, want := range []string{"\x1b[1mUsers: 1 of 2\x1b[0m\n", "\x1b[1mErrors: 1 of 2\x1b[0m\n", "evil\ufffd\"\n"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
}

func TestWriteTablesEmpty(t *testing.T) {
	var b strings.Builder
	_ = WriteTables(&b, New(Limits{}).Snapshot(SortTotal, 0), TableOptions{Width: 80})
	if want := "0 packets, 0 B, 0 connections, 0 messages, 0 queries, 0 errors\n"; b.String() != want {
		t.Errorf("%q", b.String())
	}
}

type brokenPipe struct{}

var errPipe = errors.New("broken pipe")

func (brokenPipe) Write([]byte) (int, error) { return 0, errPipe }

func TestWriteTablesError(t *testing.T) {
	if err := WriteTables(brokenPipe{}, sampleReport(), TableOptions{}); !errors.Is(err, errPipe) {
		t.Errorf("%v", err)
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct{ got, want string }{
		{formatCount(0), "0"},
		{formatCount(999), "999"},
		{formatCount(1000), "1,000"},
		{formatCount(math.MaxUint64), "18,446,744,073,709,551,615"},
		{formatBound(20_000), "20 µs"},
		{formatBound(100_000_000_000), "100 s"},
		{formatPercent(1, 3), "33.3 %"},
		{formatPercent(0, 0), ""},
		{bar(0, 10, 8), ""},
		{bar(1, 10_000, 8), "▏"},
		{bar(10, 10, 8), "████████"},
		{bar(5, 16, 8), "██▌"},
		{cut("日本語", 5), "日本…"},
		{cut("日本語", 0), "日本語"},
		{pad("é", 3, true), "  é"},
		{pad("表", 3, false), "表 "},
		{printable("a\x00b\xffc\u202ed\u2028"), "a\ufffdb\ufffdc\ufffdd\ufffd"},
	} {
		if tt.got != tt.want {
			t.Errorf("%q, want %q", tt.got, tt.want)
		}
	}
}

// TestOneLine: what was laid out over lines takes no more room than its words.
func TestOneLine(t *testing.T) {
	for text, want := range map[string]string{
		"select  1": "select 1",
		"\n  select a,\r\n\t\tb -- x\n   from t ": "⏎ select a,⏎ b -- x⏎ from t",
		"":    "",
		"   ": "",
	} {
		if got := oneLine(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
