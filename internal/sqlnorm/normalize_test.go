package sqlnorm

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// normalCases are statements and their normalised texts. They also seed the
// fuzz target.
var normalCases = []struct{ name, sql, want string }{
	{"empty", "", ""},
	{"nothing but comments", " -- a\n /* b */ ;; ", ""},
	{"white space and case", "SELECT\t*\r\n FROM  Foo\f WHERE\vBar=1", "select * from foo where bar = $1"},
	{"quoted identifiers", `SELECT "A""b" , U&"d\0061t"  FROM "S"."T"`, `select "A""b", U&"d\0061t" from "S"."T"`},
	{"identifiers with dollars and letters beyond ASCII", "select a$1, Ünï from T$", "select a$1, Ünï from t$"},

	{
		"strings", `select 'it''s', E'it\'s \\', e'\\', N'n', B'01', b'1', X'1F', x'f', U&'d\0061', u&'x'`,
		"select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10",
	},
	{"a backslash is a byte like others", `select 'a\', 'b'`, "select $1, $2"},
	{"dollar quotes", "select $$it's$$, $a$ $$ $b$ $a$, $é1$x$é1$", "select $1, $2, $3"},
	{
		"strings that go on", "select 'a'\n'b' , E'\\'' -- c\n  'd\\'', 'e' 'f', 'g' /* \n */ 'h'",
		"select $1, $2, $3 $4, $5 $6",
	},
	{"no string", "select e, n.x, u & b, u&c from t", "select e, n.x, u & b, u & c from t"},
	{"nested comments", "select /* a /* 'b' */ \" */ 1 --'x'\n, 2", "select $1, $2"},

	{
		"numbers", "select 1, 1., .5, 1.5e-3, 1E+5, 1_000, 0x1F, 0o17, 0B1, 1_0.0_1e1_0",
		"select $1, $2, $3, $4, $5, $6, $7, $8, $9, $10",
	},
	{
		"numbers with something behind", "select 1e, 1a, 0xg, 1..2, 1.x from t",
		"select $1 e, $2 a, $3 xg, $4 .. $5, $6 x from t",
	},
	{
		"signs", "select -1, +1, - 1, -/**/1, - -1, a-1, a -1, a- -1, (-1), 1-1, a[-1], -a, -$1",
		"select $2, + $3, $4, $5, - $6, a - $7, a - $8, a - $9, ($10), $11 - $12, a[$13], - a, - $1",
	},
	{
		"signs after words", "select case when -1 < a then -2 else -3 end -4 from t where a in (-5) and key -6 > 0 limit -7",
		"select case when $1 < a then $2 else $3 end - $4 from t where a in ($5) and key - $6 > $7 limit $8",
	},
	{"a sign begins the second statement", "select 1; -1", "select $1; $2"},

	{
		"constants that are words", "select TRUE, false, Null, not true from t where a = null",
		"select $1, $2, $3, not $4 from t where a = $5",
	},
	{
		"words that are no constants", "select a is null, a IS NOT NULL, a is true, a is not false, t.null, a isnull from t",
		"select a is null, a is not null, a is true, a is not false, t.null, a isnull from t",
	},
	{
		"null in definitions",
		"create table t (a int not null, b int null, c int default null, d int references u on delete set null)",
		"create table t(a int not null, b int null, c int default $1, d int references u on delete set null)",
	},
	{
		"null in functions", "create function f() returns int called on null input as 'x'",
		"create function f() returns int called on null input as $1",
	},

	{"parameters keep their numbers", "select $2, $1, $2", "select $2, $1, $2"},
	{"constants after the highest", "select 1, $3, 'x', $1", "select $4, $3, $5, $1"},
	{"wider numbers", "select 1, $10, 2, $9", "select $11, $10, $12, $9"},
	{"parameters in constants and names do not count", `select '$7', a$8, "$9", $1, 2`, `select $2, a$8, "$9", $1, $3`},
	{"spelling of parameters", "select 'x', $007, $99999999999999999999", "select $8, $7, $1099511627776"},
	{"parameter or dollar quote", "select $1$$x$$, $1a", "select $1 $2, $1 a"},

	{
		"lists", "select * from t where a in (1, 2,3) and b not in ('a','b') and c = 1",
		"select * from t where a in ($1, ...) and b not in ($2, ...) and c = $3",
	},
	{"lists of one", "select * from t where a in (1) and b in (2)", "select * from t where a in ($1) and b in ($2)"},
	{
		"lists of parameters", "select * from t where a in ($1,$2,$3) and b = $4 or b = $4",
		"select * from t where a in ($1, ...) and b = $2 or b = $3",
	},
	{
		"lists of both", "select 7 where a in ($1,2,null,-3) and b = $2",
		"select $1 where a in ($2, ...) and b = $3",
	},
	{
		"lists with casts", "select a in (1::int, 2 :: int), b in (date '2020-01-01', date '2020-01-02')",
		"select a in ($1::int, ...), b in (date $2, ...)",
	},
	{"lists with other things", "select a in (1, b, 2, 3, c, c)", "select a in ($1, b, $2, ..., c, c)"},
	{"lists of rows", "select (a,b) in ((1,2),(3,4))", "select (a, b) in (($1, $2), ...)"},
	{"arguments are not a list", "select f(1,2,3), (1,2), round(1.5, 2)", "select f($1, $2, $3), ($4, $5), round($6, $7)"},
	{
		"arrays", "select array[1,2,3], ARRAY[[1,2],[3,4]], a[1], array[a[1],a[2]]",
		"select array[$1, ...], array[[$2, ...], ...], a[$3], array[a[$4], ...]",
	},
	{"a list with a subquery", "select a in (select 1, 2 union select 3, 4)", "select a in (select $1, $2 union select $3, $4)"},
	{
		"rows", "insert into t values (1,'a'), (2,'b') , (3,null) returning 5",
		"insert into t values ($1, $2), ... returning $3",
	},
	{"one row", "insert into t values (1, 'a')", "insert into t values ($1, $2)"},
	{
		"rows that differ", "insert into t values (1, now()), (2, now()), (3, default), (4, 5)",
		"insert into t values ($1, now()), ..., ($2, default), ($3, $4)",
	},
	{"rows of parameters", "insert into t values ($1,$2),($3,$4)", "insert into t values ($1, $2), ..."},
	{
		"rows in parentheses", "select * from (values (1,2),(3,4)) as v(a,b) where a = 5",
		"select * from (values ($1, $2), ...) as v(a, b) where a = $3",
	},
	{
		"rows within rows", "values ((select max(x) from (values (1),(2)) v(x))), (3)",
		"values ((select max(x) from (values ($1), ...) v(x))), ($2)",
	},
	{"names that look like parameters", `values ("a$1", 1), ("a$2", 2)`, `values ("a$1", $1), ("a$2", $2)`},
	{
		"default values", "insert into t default values returning (1), (2)",
		"insert into t default values returning ($1), ($2)",
	},
	{"our own ellipsis", "select a in ($1, ...), b = $2", "select a in ($1, ...), b = $2"},

	{
		"casts and operators", "select a::int[], b->>'x', c@>d, e!=f, e<>f, g~*'h', i#>>'{j}', k ? 'l', m||n, o@-p, q<-1",
		"select a::int[], b ->> $1, c @> d, e != f, e <> f, g ~* $2, i #>> $3, k ? $4, m || n, o @- p, q < $5",
	},
	{"an operator before a comment", "select a+--x\nb, c*/*x*/d", "select a + b, c * d"},
	{"slices", "select a[1:2], a[:2], a[1:], a[b:c]", "select a[$1:$2], a[:$3], a[$4:], a[b:c]"},
	{"fields", "select (a).b, t.*, a . b . c, (f(1)).*", "select (a).b, t.*, a.b.c, (f($1)).*"},
	{"named arguments", "select f(a => 1, b := 2)", "select f(a => $1, b := $2)"},
	{
		"typed constants", "select date '2020-01-01', interval '1' day, timestamp with time zone 'now', float8 '1'",
		"select date $1, interval $2 day, timestamp with time zone $3, float8 $4",
	},
	{"semicolons", ";;select 1;; ;select 2;", "select $1; select $2"},
	{"braces and stray characters", "select {a}, \\b, $ c, a$", "select { a }, \\ b, $ c, a$"},
	{"names of cursors and savepoints stay", "savepoint s1; fetch 10 from c1; release s1", "savepoint s1; fetch $1 from c1; release s1"},
	{
		"functions", "select count(*) filter (where a), max(b) over (partition by c), exists (select 1)",
		"select count(*) filter (where a), max(b) over (partition by c), exists (select $1)",
	},

	{"cut in a string", "select 1, 'secr", "select $1, $2"},
	{"cut after an escape", `select E'secr\`, "select $1"},
	{"cut in a dollar quote", "select $tag$ secret", "select $1"},
	{"cut in a tag", "select $ta", "select $ ta"},
	{"cut in a comment", "select 1 /* secr /* et */", "select $1"},
	{"cut in a name", `select "Col`, `select "Col`},
	{"cut in a list", "select a in (1, 2, 'x", "select a in ($1, ..."},
	{"cut after a list's first element", "select a in (1", "select a in ($1"},
	{"cut after a comma", "select a in (1,", "select a in ($1, ..."},
	{"cut in a row", "insert into t values (1, 2), (3, ", "insert into t values ($1, $2), ..."},
	{"cut in a row that differs", "insert into t values (1, 2), (3, now(", "insert into t values ($1, $2), ..."},
	{"cut between rows", "insert into t values (1, 2), (3, 4), ", "insert into t values ($1, $2), ..."},
	{"cut in a list within rows", "values (a in (1,2), 3), (a in (4", "values (a in ($1, ...), $2), ..."},
	{"cut after a sign", "select -", "select -"},
	{"closing what is not open", "select ) ] 1, 2)", "select)] $1, $2)"},
}

func TestAppend(t *testing.T) {
	for _, tt := range normalCases {
		t.Run(tt.name, func(t *testing.T) {
			got := string(Append([]byte("kept|"), []byte(tt.sql)))
			if got != "kept|"+tt.want {
				t.Errorf("Append(%q)\n got %q\nwant %q", tt.sql, got, "kept|"+tt.want)
			}
		})
	}
}

// TestAppendLongLists has more parameters than are remembered.
func TestAppendLongLists(t *testing.T) {
	many := strings.Repeat("(1, $2, 'x'), ", 100)
	tests := []struct{ sql, want string }{
		{"select $1, " + strings.Repeat("1, ", 40) + "$2", "select $1, " + numbered(3, 40) + "$2"},
		{"select " + strings.Repeat("$1, ", 40) + "a in ($2, $3)", "select " + numbered(1, 40) + "a in ($41, ...)"},
		{
			"insert into t values " + many + "(2, $1, 'y') returning 3",
			"insert into t values ($1, $2, $3), ... returning $4",
		},
	}
	for _, tt := range tests {
		if got := string(Append(nil, []byte(tt.sql))); got != tt.want {
			t.Errorf("Append(%q)\n got %q\nwant %q", tt.sql, got, tt.want)
		}
	}
}

// numbered returns n parameters from first on, each with a comma after it.
func numbered(first, n int) string {
	n2 := normalizer{number: first - 1}
	for range n {
		n2.before = beforeNothing
		n2.constant()
		n2.dst = append(n2.dst, ", "...)
	}
	return string(n2.dst)
}

// TestAppendDeepNesting goes deeper than lists are followed.
func TestAppendDeepNesting(t *testing.T) {
	for _, depth := range []int{maxDepth - 2, maxDepth - 1, maxDepth, maxDepth + 1, 10_000} {
		sql := strings.Repeat("(", depth) + "a in (1, 2)" + strings.Repeat(")", depth) + " and b in (3, 4)"
		inner := "a in ($1, ...)"
		outer := " and b in ($2, ...)"
		if depth >= maxDepth {
			inner, outer = "a in ($1, $2)", " and b in ($3, ...)"
		}
		want := strings.Repeat("(", depth) + inner + strings.Repeat(")", depth) + outer
		if got := string(Append(nil, []byte(sql))); got != want {
			t.Errorf("depth %d:\n got %q\nwant %q", depth, got, want)
		}
	}
}

// TestAppendHostile runs inputs that would take hours if any part of them were
// read again and again.
func TestAppendHostile(t *testing.T) {
	const size = 1 << 19
	for _, unit := range []string{
		"+", "-", "*", "/*", "(", "[", ")", "'", "\"", "$", "$a", "$a$", "$1", "1 ", ".", ":", ",",
		"values(", "in(1,", "values(1),", "array[", "E'\\'", "a\n'b'", "'a' ", "--\n", "1,-", "'' \n", ";",
		"password ", "://", "do $$", "alter", "(a,",
	} {
		sql := bytes.Repeat([]byte(unit), size/len(unit))
		out := Append(nil, sql)
		if len(out) > 8*len(sql) {
			t.Errorf("%q repeated: %d bytes became %d", unit, len(sql), len(out))
		}
		Operation(sql)
		Redact(nil, sql)
	}
}

func TestAppendAllocates(t *testing.T) {
	var dst []byte
	for _, tt := range normalCases {
		sql := []byte(tt.sql)
		dst = append(dst[:0], make([]byte, 4096)...)
		n := testing.AllocsPerRun(10, func() {
			dst = Append(dst[:0], sql)
			Fingerprint(dst)
			Operation(sql)
			MayHoldSecret(sql)
		})
		if n != 0 {
			t.Errorf("%s: %v allocations", tt.name, n)
		}
	}
}

// FuzzAppend holds what is true of every text, SQL or not.
func FuzzAppend(f *testing.F) {
	for _, tt := range normalCases {
		f.Add([]byte(tt.sql))
	}
	f.Fuzz(func(t *testing.T, sql []byte) {
		before := bytes.Clone(sql)
		out := Append(nil, sql)
		if !bytes.Equal(sql, before) {
			t.Fatal("the statement was written to")
		}
		if again := Append(nil, out); !bytes.Equal(again, out) {
			t.Fatalf("not a fixed point:\n sql %q\n one %q\n two %q", sql, out, again)
		}
		l := sqltext.Lexer{Src: out}
		for tok := l.Next(); tok.Kind != sqltext.EOF; tok = l.Next() {
			if tok.Kind == sqltext.String || tok.Kind == sqltext.Number {
				t.Fatalf("constant %q survives: %q became %q", out[tok.Start:tok.End], sql, out)
			}
		}
		if same := Append(nil, rewrite(sql)); !bytes.Equal(same, out) {
			t.Fatalf("other constants, another text:\n sql %q: %q\nlike %q: %q", sql, out, rewrite(sql), same)
		}
		Operation(sql)
		Redact(nil, sql)
	})
}

// rewrite puts other constants and other white space into a statement.
func rewrite(sql []byte) []byte {
	var out []byte
	l := sqltext.Lexer{Src: sql}
	for t := l.Next(); t.Kind != sqltext.EOF; t = l.Next() {
		text := sql[t.Start:t.End]
		switch t.Kind {
		case sqltext.String:
			text = []byte("E'o\\'ther'")
		case sqltext.Number:
			text = []byte("0x7F")
		case sqltext.Word:
			text = bytes.Clone(text)
			for i, c := range text {
				if c-'a' < 26 {
					text[i] = c - 0x20
				}
			}
		}
		out = append(append(out, " /*'*/ "...), text...)
	}
	return out
}

func BenchmarkAppend(b *testing.B) {
	for _, bb := range []struct{ name, sql string }{
		{"select", "SELECT abalance FROM pgbench_accounts WHERE aid = 12345"},
		{"update_params", "UPDATE pgbench_accounts SET abalance = abalance + $1 WHERE aid = $2"},
		{"select_mixed", "select * from t where a = $1 and b = $2::int4 and c like '%$3%' limit 10 offset 20"},
		{"insert_rows", "insert into t (a, b) values (1, 'x'), (2, 'y'), (3, null) on conflict (a) do update set b = excluded.b returning *"},
		{"recursive", "with recursive c(n) as (select 1 union all select n+1 from c where n < 100) select sum(n) from c where a = 'x' and b in (1,2,3) limit 10"},
	} {
		b.Run(bb.name, func(b *testing.B) {
			b.ReportAllocs()
			sql := []byte(bb.sql)
			b.SetBytes(int64(len(sql)))
			var dst []byte
			for b.Loop() {
				dst = Append(dst[:0], sql)
			}
		})
	}
}
