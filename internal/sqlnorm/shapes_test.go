package sqlnorm

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// derived is what applications keep of a text.
type derived struct {
	text, operation string
}

func derive(sql []byte) derived { return derived{string(Append(nil, sql)), Operation(sql)} }

// lookUp is how Shapes is used. It reports whether the text was known.
func lookUp(s *Shapes[derived], sql []byte) (derived, bool) {
	if v, _ := s.Find(sql); v != nil {
		return *v, true
	}
	d := derive(sql)
	if v := s.Add(sql); v != nil {
		*v = d
	}
	return d, false
}

func TestShapes(t *testing.T) {
	tests := []struct {
		first, then string
		known       bool
	}{
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = 4711", true},
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = 1 ", false},
		{"SELECT a FROM t WHERE id = 1", "SELECT b FROM t WHERE id = 1", false},
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = x", false},
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = ", false},
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = 0x1F", false},
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = 1.5", false},
		{"SELECT a FROM t WHERE id = 1", "SELECT a FROM t WHERE id = -1", false},
		{"SELECT a FROM t WHERE id = -1", "SELECT a FROM t WHERE id = -10", true},
		{"INSERT INTO t VALUES (1, 'a', 2)", "INSERT INTO t VALUES (10, 'another', 20)", true},
		{"INSERT INTO t VALUES (1, 'a', 2)", "INSERT INTO t VALUES (10, '', 20)", true},
		{"INSERT INTO t VALUES (1, 'a', 2)", "INSERT INTO t VALUES (10, 'it''s', 20)", false},
		{"INSERT INTO t VALUES (1, 'a', 2)", `INSERT INTO t VALUES (10, 'it\', 20)`, false},
		{"SELECT 'a'", "SELECT 'a''b'", false},
		{"SELECT 'a'", "SELECT 'a", false},
		{"SELECT 1e5, 1", "SELECT 1e6, 1", false},
		{"SELECT 1e5, 1", "SELECT 1e5, 2", true},
		{"SELECT 5b1, 1", "SELECT 0b1, 1", false},
		{"SELECT 1..5", "SELECT 2..5", false},
		{"SELECT $1, 1", "SELECT $2, 1", false},
		{"SELECT a1 FROM t2 WHERE b = 1", "SELECT a2 FROM t2 WHERE b = 1", false},
		{"SELECT 1 -- 2", "SELECT 1 -- 3", false},
		{"SELECT a", "SELECT a", true}, // nothing to be different in
		{"SELECT a", "SELECT b", false},
	}
	for _, test := range tests {
		var s Shapes[derived]
		lookUp(&s, []byte(test.first))
		got, known := lookUp(&s, []byte(test.then))
		if want := derive([]byte(test.then)); got != want || known != test.known {
			t.Errorf("%q after %q: %q, known %v; want %q, %v", test.then, test.first, got, known, want, test.known)
		}
	}
}

// Whatever is said of a text is what would have been derived from it.
func TestShapesAgree(t *testing.T) {
	pieces := []string{
		"SELECT ", "1", "23", "'x'", "''", "E'a\\'b'", "0", "x1", "$1", "$", ".", "-", "1.5", "1e3", "0x1f", "_", " ", ",", "(", ")",
		"'", "\\", "\"", "--", "/*", "*/", "\n", "IN (1, 2)", "INTERVAL '1 day'", "::int", "é", "NULL", ";", "VALUES (1), (2)", "b", "1_000",
	}
	var s Shapes[derived]
	known := 0
	for seed := range uint64(20000) {
		r := rand.New(rand.NewPCG(seed%500, 1)) // the same texts come again, with other constants
		var b strings.Builder
		for range 1 + r.IntN(12) {
			b.WriteString(pieces[r.IntN(len(pieces))])
		}
		other := rand.New(rand.NewPCG(seed, 2))
		sql := []byte(b.String())
		for i, c := range sql {
			if c >= '0' && c <= '9' && other.IntN(3) == 0 {
				sql[i] = '0' + byte(other.IntN(10))
			}
		}
		got, ok := lookUp(&s, sql)
		if want := derive(sql); got != want {
			t.Fatalf("%q: %+v, want %+v", sql, got, want)
		}
		if ok {
			known++
		}
	}
	if known < 1000 {
		t.Errorf("only %d texts were known", known)
	}
}

// The memory is bounded, and what it holds stays right.
func TestShapesBounded(t *testing.T) {
	var s Shapes[derived]
	for i := range 20000 {
		sql := []byte(fmt.Sprintf("SELECT c%c%c%c FROM t WHERE id = %d", 'a'+i%26, 'a'+i/26%26, 'a'+i/676, i))
		if got, _ := lookUp(&s, sql); got != derive(sql) {
			t.Fatalf("%s: %+v", sql, got)
		}
	}
	if s.Add([]byte("SELECT '"+strings.Repeat("x", maxShape)+"'")) != nil {
		t.Error("a long text is remembered")
	}
	if s.Add([]byte("SELECT "+strings.Repeat("1,", maxHoles+1))) != nil {
		t.Error("a text of many constants is remembered")
	}
}

func TestBeforeConstants(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := []byte("abcdefghijklmnopqrstuvw")
			b[at] = byte(c)
			want := at
			if constant := c == '\'' || c >= '0' && c <= '9'; !constant {
				want = len(b)
			}
			if got := beforeConstants(b); got != want && (c < 0x80 || got != at) {
				t.Errorf("%q: %d, want %d", b, got, want)
			}
		}
	}
}

func BenchmarkShapes(b *testing.B) {
	var s Shapes[derived]
	first, sql := []byte("SELECT abalance FROM pgbench_accounts WHERE aid = 1;"), []byte("SELECT abalance FROM pgbench_accounts WHERE aid = 471123;")
	lookUp(&s, first)
	b.ReportAllocs()
	for b.Loop() {
		if v, _ := s.Find(sql); v == nil {
			b.Fatal("not known")
		}
	}
}

func FuzzShapes(f *testing.F) {
	f.Add("SELECT 1, 'a'", "SELECT 2, 'b'")
	f.Add("SELECT 5b1", "SELECT 0b1")
	f.Fuzz(func(t *testing.T, first, then string) {
		var s Shapes[derived]
		lookUp(&s, []byte(first))
		if got, _ := lookUp(&s, []byte(then)); got != derive([]byte(then)) {
			t.Errorf("%q after %q: %+v, want %+v", then, first, got, derive([]byte(then)))
		}
	})
}
