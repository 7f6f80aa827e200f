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
	for i, text := range texts {
		for n := range 1000 >> (3 * i) {
			q := &QuerySample{
				Normalized: []byte(text), Fingerprint: [...]uint64{1, 2, 0, 3, 4}[i], Rows: 1, Bytes: 1000,
				Duration: int64(15_000 * (n%7 + 1) * (i + 1)),
			}
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
		s.Error([]byte(state))
	}
	s.Message(messages.KindDataRow, 4000)
	s.Message(messages.KindQuery, 10)
	return s.Snapshot(SortCalls, 10)
}

// wantTables was checked by hand against sampleReport.
const wantTables = `1,234,567 packets, 98.8 MB, 4 connections, 4,010 messages, 1,141 queries, 5 errors, 1.50 kB not in the capture, 1 packet dropped by the kernel

Queries by calls: 3 of 3
  calls  errors   rows    bytes    total     mean      p50      p95      p99      max  query
  1,000       2  1,000  1.00 MB  60.0 ms  60.0 µs  60.2 µs   105 µs   105 µs   105 µs  select abalance from p…
    125       0    125   125 kB  14.9 ms   119 µs   120 µs   210 µs   210 µs   210 µs  select "täble 表" from…
     15       0     15  15.0 kB  2.56 ms   171 µs   180 µs   315 µs   315 µs   315 µs  (not in the capture)
      1       0      1  1.00 kB  60.0 µs  60.0 µs  60.0 µs  60.0 µs  60.0 µs  60.0 µs  (others: too many dist…
  1,141       2  1,141  1.14 MB  77.5 ms  67.9 µs  60.2 µs   151 µs   211 µs   315 µs  (all)

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

Errors
  SQLSTATE  count
  40001         2  40.0 %  ████████████████████████████████████████
  28P01         1  20.0 %  ████████████████████
  (others)      2  40.0 %  ████████████████████████████████████████

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
		_, body, _ := strings.Cut(b.String(), "\n")
		for line := range strings.Lines(body) {
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
		{formatDuration(0), "0 ns"},
		{formatDuration(999), "999 ns"},
		{formatDuration(1234), "1.23 µs"},
		{formatDuration(99_940_000), "99.9 ms"},
		{formatDuration(99_960_000), "100 ms"},
		{formatDuration(9_999_000_000), "10.0 s"},
		{formatDuration(3_600_000_000_000), "3600 s"},
		{formatBytes(12), "12 B"},
		{formatBytes(1_500_000), "1.50 MB"},
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
