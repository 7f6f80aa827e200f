package sqltext

import (
	"bytes"
	"slices"
	"strings"
	"testing"
)

// commands returns the commands of a text, each with the comments after it.
func commands(sql string, escapes bool) (all []string) {
	l := Lexer{Src: []byte(sql), Escapes: escapes}
	for {
		c, ok := l.Command()
		if !ok {
			return all
		}
		all = append(all, sql[c.Start:c.Stop])
	}
}

func TestCommand(t *testing.T) {
	const body = "create or replace function f(int default 1) returns int begin atomic select case when true then 1 end; select 2; end"
	for _, c := range []struct {
		sql     string
		escapes bool
		want    []string
	}{
		{sql: ""},
		{sql: " ; /* a */;; -- b"},
		{sql: "select 1", want: []string{"select 1"}},
		{sql: "a;b;", want: []string{"a", "b"}},
		{sql: "/* a; */ a -- ;\n ;; b /* ; /* ; */ ; */;c", want: []string{"a -- ;\n ", "b /* ; /* ; */ ; */", "c"}},
		{sql: `';' ";" $$;$$ $a$;$$;$a$ U&";"; b`, want: []string{`';' ";" $$;$$ $a$;$$;$a$ U&";"`, "b"}},
		{sql: `a$$;b$$;c`, want: []string{"a$$", "b$$", "c"}},
		{sql: `E'\';'; b`, want: []string{`E'\';'`, "b"}},
		{sql: `namee'\';b`, want: []string{`namee'\'`, "b"}},
		{sql: `'\';b`, want: []string{`'\'`, "b"}},
		{sql: `'\';b'`, escapes: true, want: []string{`'\';b'`}},
		{sql: "E'a'\n -- ;\n'\\';b';c", want: []string{"E'a'\n -- ;\n'\\';b'", "c"}},
		{sql: "create rule r as on insert to t do also (select 1; select 2); b", want: []string{"create rule r as on insert to t do also (select 1; select 2)", "b"}},
		{sql: body + "; deallocate a;b", want: []string{body, "deallocate a", "b"}},
		{sql: "create procedure p() begin atomic end; b", want: []string{"create procedure p() begin atomic end", "b"}},
		{sql: "create view v as select begin atomic from t; b", want: []string{"create view v as select begin atomic from t", "b"}},
		{sql: "begin; create function", want: []string{"begin", "create function"}},
	} {
		if got := commands(c.sql, c.escapes); !slices.Equal(got, c.want) {
			t.Errorf("%s:\n got %q\nwant %q", c.sql, got, c.want)
		}
	}
}

func TestComments(t *testing.T) {
	for gap, want := range map[string][]string{
		"":                        nil,
		" -- a\n/* b /* c */ */-": {" a", " b /* c */ "},
		"--\r/**/ /*/":            {"", ""},
		"/* /* */":                nil,
		"--":                      {""},
	} {
		var got []string
		for c := range Comments([]byte(gap), 0, len(gap)) {
			got = append(got, string(c.Text([]byte(gap))))
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q, not %q", gap, got, want)
		}
	}
}

func TestName(t *testing.T) {
	long := strings.Repeat("é", 40)
	for _, c := range []struct {
		sql     string
		escapes bool
		charset Charset
		want    string // "?" where it is not known
	}{
		{sql: "Abc", want: "abc"},
		{sql: "É", want: "É"},
		{sql: "a$1", want: "a$1"},
		{sql: `"A ""b"`, want: `A "b`},
		{sql: `""`, want: "?"},
		{sql: `U&"A\0062"`, want: "Ab"},
		{sql: `u&"\00e9\\\+01F600\d83d\de00"`, want: `é\😀😀`},
		{sql: `U&"a!0062!!\" /**/ uescape -- x` + "\n '!'", want: `ab!\`},
		{sql: `U&"a""b" UESCAPE '\'`, want: `a"b`},
		{sql: `U&"a" UESCAPE '\\'`, escapes: true, want: "?"},
		{sql: `U&"a" UESCAPE '+'`, want: "?"},
		{sql: `U&"a" UESCAPE 'ab'`, want: "?"},
		{sql: `U&"\00"`, want: "?"},
		{sql: `U&"\0000"`, want: "?"},
		{sql: `U&"\d83d"`, want: "?"},
		{sql: `U&"\d83da"`, want: "?"},
		{sql: strings.Repeat("A", 70), want: strings.Repeat("a", 63)},
		{sql: `"` + long + `"`, want: strings.Repeat("é", 31)},
		{sql: "x" + long, want: "x" + strings.Repeat("é", 31)},
		{sql: "é", charset: CharsetOther, want: "?"},
		{sql: `"é"`, charset: CharsetOther, want: "é"},
		{sql: `"` + long + `"`, charset: CharsetOther, want: "?"},
		{sql: `U&"\00e9"`, charset: CharsetOther, want: "?"},
		{sql: `U&"\0041"`, charset: CharsetOther, want: "A"},
		{sql: "Abc", charset: CharsetMixed, want: "abc"},
		{sql: `"é"`, charset: CharsetMixed, want: "?"},
		{sql: "\xe9", want: "?"},
	} {
		l := Lexer{Src: []byte(c.sql), Escapes: c.escapes}
		name, known := l.Name(l.Next(), c.charset)
		if !known {
			name = "?"
		}
		if name != c.want {
			t.Errorf("%s: %q, not %q", c.sql, name, c.want)
		}
	}
}

func TestRead(t *testing.T) {
	for _, c := range []struct {
		sql  string
		want Named
	}{
		{"select 1", Named{}},
		{"prepare transaction 'x'", Named{}},
		{"prepare p as", Named{}},
		{"prepare p(", Named{}},
		{"prepare", Named{}},
		{"prepare p as select 1", Named{Action: Prepare, Name: "p", Known: true, Text: []byte("select 1")}},
		{"prepare transaction as select 1", Named{Action: Prepare, Name: "transaction", Known: true, Text: []byte("select 1")}},
		{`PREPARE"p"(numeric(1,2)[],"as")AS/*a*/select $1 -- b`, Named{Action: Prepare, Name: "p", Known: true, Text: []byte("/*a*/select $1 -- b")}},
		{"prepare p as select 1 as\u00a0", Named{Action: Prepare, Name: "p", Known: true, Text: []byte("select 1 as\u00a0")}},
		{"execute p(1)", Named{Action: Execute, Name: "p", Known: true}},
		{"deallocate", Named{}},
		{"deallocate all", Named{Action: DeallocateAll}},
		{"deallocate/**/prepare/**/all", Named{Action: DeallocateAll}},
		{`deallocate"all"`, Named{Action: Deallocate, Name: "all", Known: true}},
		{"deallocate prepare", Named{Action: Deallocate, Name: "prepare", Known: true}},
		{"deallocate prepare prepare", Named{Action: Deallocate, Name: "prepare", Known: true}},
		{`deallocate prepare"A"`, Named{Action: Deallocate, Name: "A", Known: true}},
		{`deallocate U&"\"`, Named{Action: Deallocate}},
		{"declare c for", Named{}},
		{"declare c cursor for", Named{}},
		{"declare for cursor for select 1", Named{Action: Declare, Name: "for", Known: true, Text: []byte("select 1")}},
		{"declare c binary scroll cursor without hold for(select 1)", Named{Action: Declare, Name: "c", Known: true, Text: []byte("(select 1)")}},
		{"declare c cursor with hold for select 1", Named{Action: Declare, Name: "c", Known: true, Text: []byte("select 1"), Hold: true}},
		{"close c", Named{Action: CloseCursor, Name: "c", Known: true}},
		{"close all", Named{Action: CloseAll}},
		{"discard plans", Named{}},
		{"discard all", Named{Action: DiscardAll}},
		{"commit and chain", Named{Action: EndTransaction}},
		{"end", Named{Action: EndTransaction}},
		{"rollback", Named{Action: EndTransaction}},
		{"rollback work and no chain", Named{Action: EndTransaction}},
		{"rollback/**/to a", Named{Action: RollbackTo}},
		{"rollback transaction to savepoint a", Named{Action: RollbackTo}},
		{"commit prepared 'a'", Named{}},
		{"rollback prepared 'a'", Named{}},
	} {
		got := Settings{}.Read([]byte(c.sql))
		if got.Action != c.want.Action || got.Name != c.want.Name || got.Known != c.want.Known || !bytes.Equal(got.Text, c.want.Text) || got.Hold != c.want.Hold {
			t.Errorf("%s:\n got %+v\nwant %+v", c.sql, got, c.want)
		}
	}
}

// FuzzRead reads whatever comes: places are within the text, and go on.
func FuzzRead(f *testing.F) {
	for _, sql := range []string{
		"prepare p(int) as select 1; deallocate p", `declare U&"\0041" uescape '!' cursor for select 1`,
		"create function f() begin atomic select 1; end; close all", `execute U&"\d83d\`, "U&\"", "prepare \"", "$a$", "/*/*",
	} {
		f.Add([]byte(sql), false, byte(0))
	}
	f.Fuzz(func(t *testing.T, sql []byte, escapes bool, charset byte) {
		s := Settings{Escapes: escapes, Charset: Charset(charset % 3)}
		l := Lexer{Src: sql, Escapes: escapes}
		for at := 0; ; at = l.Pos {
			c, ok := l.Command()
			if !ok {
				return
			}
			if c.Start < at || c.End <= c.Start || c.Stop < c.End || l.Pos < c.Stop || l.Pos > len(sql) {
				t.Fatalf("%+v from %d, then at %d of %d", c, at, l.Pos, len(sql))
			}
			if n := s.Read(sql[c.Start:c.Stop]); len(n.Name) > MaxName || n.Known && (n.Name == "" || n.Action == NoAction) {
				t.Fatalf("%+v", n)
			}
		}
	})
}
