package sqlnorm

import (
	"bytes"
	"strings"
	"testing"
)

func TestSummary(t *testing.T) {
	for _, test := range []struct{ sql, want string }{
		{"", ""},
		{"nonsense", ""},
		{"SELECT 1", "SELECT"},
		{"SELECT * FROM wuser_table WHERE username = 'joe'", "SELECT wuser_table"},
		{"INSERT INTO shipping_details (order_id, address) SELECT order_id, address FROM orders WHERE order_id = 1", "INSERT shipping_details SELECT orders"},
		{"SELECT * FROM songs, artists WHERE songs.artist_id = artists.id", "SELECT songs artists"},
		{"SELECT order_date FROM (SELECT * FROM orders o JOIN customers c ON o.customer_id = c.id)", "SELECT SELECT orders customers"},
		{`SELECT * FROM "Song List", 'artists'`, `SELECT "Song List"`},
		{"select a.x from public.a, only b as c, lateral (select 1 from d) e where a.y in (select z from f)", "select public.a b select d select f"},
		{"select a from b, generate_series(1, 2), c", "select b c"},
		{"select extract(year from ts), x is distinct from y from t", "select t"},
		{"select substring(a from 2 for 3) from (b join c using (id))", "select b c"},
		{"update accounts set x = (select max(y) from z) where id = 1", "update accounts select z"},
		{"delete from a using b where a.id = b.id", "delete a b"},
		{"insert into t values (1) on conflict (id) do update set x = excluded.x", "insert t"},
		{"insert into t(a, b) values ($1, $2) returning id", "insert t"},
		{"select * from t for update", "select t"},
		{"with x as (select * from a) select * from x", "select a select x"},
		{"with x as (insert into a select 1 returning id) update b set c = 1 from x", "insert a select update b x"},
		{"merge into a using b on a.id = b.id when matched then update set x = 1 when not matched then insert values (1)", "merge a b"},
		{"begin; insert into a values (1); commit", "begin insert a commit"},
		{"CREATE TABLE IF NOT EXISTS s.t (id int, x text)", "CREATE TABLE s.t"},
		{"create unique index concurrently i on t (a)", "create index i"},
		{"create role joe password 'x'", "create role"},
		{"alter user joe password 'x'", "alter user"},
		{"drop table if exists a, b", "drop table a"},
		{"copy t (a, b) from stdin", "copy t"},
		{"copy (select * from t) to stdout", "copy select t"},
		{"truncate a, b", "truncate a b"},
		{"explain analyze select * from t", "explain select t"},
		{"set search_path to x", "set"},
		{"grant select, insert on t to joe", "grant"},
		{"select 'a from b' from c -- from d", "select c"},
		{"select * from a union select * from b", "select a select b"},
		{"select * from a . b", "select a . b"},
	} {
		if got := string(AppendSummary(nil, []byte(test.sql))); got != test.want {
			t.Errorf("%s\ngot  %q\nwant %q", test.sql, got, test.want)
		}
	}
}

// TestSummaryHoldsNoConstants holds that no constant comes into a summary, wherever
// the text is cut off.
func TestSummaryHoldsNoConstants(t *testing.T) {
	const sql = `insert into t values ('Qz7', E'Qz7\'', $x$Qz7$x$, 'Qz7'); select * from 'Qz7', u join 'Qz7'; update 'Qz7' set a = 'Qz7'; create user 'Qz7'; copy x from 'Qz7'`
	for n := range len(sql) {
		if got := AppendSummary(nil, []byte(sql[:n])); bytes.Contains(got, []byte("Qz")) {
			t.Fatalf("%s: %s", sql[:n], got)
		}
	}
}

func TestSummaryIsCut(t *testing.T) {
	sql := "select * from " + strings.Repeat("a_rather_long_name, ", 100) + "b"
	got := AppendSummary([]byte("x"), []byte(sql))
	if len(got) > 1+maxSummary || !bytes.HasSuffix(got, []byte("_name")) {
		t.Errorf("%d bytes: %s", len(got), got)
	}
	text := []byte("select a from b join c on true")
	if n := testing.AllocsPerRun(100, func() { got = AppendSummary(got[:0], text) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzSummary(f *testing.F) {
	f.Add([]byte("select a from b, (select c from d) e join f on true"))
	f.Add([]byte("with x as (select ((((1)))) from a) delete from b using x; drop table y"))
	f.Fuzz(func(t *testing.T, sql []byte) {
		got := AppendSummary(nil, sql)
		if len(got) > maxSummary {
			t.Fatalf("%d bytes", len(got))
		}
	})
}
