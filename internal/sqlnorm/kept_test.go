package sqlnorm

import "testing"

func TestWhatIsNoConstant(t *testing.T) {
	for _, test := range []struct{ sql, want string }{
		{"select a, b from t order by 1", "select a, b from t order by 1"},
		{"select a, b from t order by 2 desc, 1 nulls last limit 3", "select a, b from t order by 2 desc, 1 nulls last limit $1"},
		{"select a from t group by 1, 2 having count(*) > 1", "select a from t group by 1, 2 having count(*) > $1"},
		{"select a from t order by 1 + 1, -1, 1::int, 1.a", "select a from t order by $1 + $2, $3, $4::int, $5 a"},
		{"select a from t order by a, 2", "select a from t order by a, 2"},
		{"select a from t order by f(1), 2", "select a from t order by f($1), 2"},
		{"select array_agg(x order by 1) from t", "select array_agg(x order by $1) from t"},
		{"select row_number() over (order by 1) from t", "select row_number() over (order by $1) from t"},
		{"select * from (select a from t order by 1) x where b = 1", "select * from (select a from t order by 1) x where b = $1"},
		{"select 1 union select 2 order by 1", "select $1 union select $2 order by 1"},
		{"select 1; select a from t order by 1; select 1", "select $1; select a from t order by 1; select $2"},
		{"select a::numeric(10,2), 1", "select a::numeric(10, 2), $1"},
		{"select a::pg_catalog.\"varchar\"(10)", "select a::pg_catalog.\"varchar\"(10)"},
		{"select a::character varying(10)", "select a::character varying(10)"},
		{"select cast(a as numeric(10,2)), f(1)", "select cast(a as numeric(10, 2)), f($1)"},
		{"select a::int in (1, 2)", "select a::int in ($1, ...)"},
		{"select a::int, (1)", "select a::int, ($1)"},
		{"select cast(a as int), (1)", "select cast(a as int), ($1)"},
		{"select 1 as true, 2 as null, 'x' as false", "select $1 as true, $2 as null, $3 as false"},
		{"select a as b, null, true", "select a as b, $1, $2"},
	} {
		got := string(Append(nil, []byte(test.sql)))
		if got != test.want {
			t.Errorf("%s\ngot  %s\nwant %s", test.sql, got, test.want)
		}
		if again := string(Append(nil, []byte(got))); again != got {
			t.Errorf("%s\nagain %s", got, again)
		}
	}
}

// TestShapesTellOrdinalsApart holds that what is remembered of a text is not taken for
// one with another ordinal or modifier.
func TestShapesTellOrdinalsApart(t *testing.T) {
	var s Shapes[int]
	*s.Add([]byte("select a::numeric(10,2) from t where b = 1 order by 1")) = 7
	for sql, want := range map[string]bool{
		"select a::numeric(10,2) from t where b = 5 order by 1": true,
		"select a::numeric(10,2) from t where b = 1 order by 2": false,
		"select a::numeric(10,3) from t where b = 1 order by 1": false,
	} {
		if v, _ := s.Find([]byte(sql)); (v != nil) != want {
			t.Errorf("%s: %v", sql, v)
		}
	}
}
