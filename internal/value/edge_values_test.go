package value_test

import "strings"

// edge is values of one type, as literals that the server reads.
type edge struct {
	typ    string
	values []string
}

// query selects the values, each in a column, and an array of them if the type has
// one.
func (e edge) query() string {
	var columns []string
	for _, v := range e.values {
		columns = append(columns, "'"+strings.ReplaceAll(v, "'", "''")+"'::"+e.typ)
	}
	sql := "SELECT " + strings.Join(columns, ", ")
	if e.typ == "cstring" {
		return sql
	}
	array := "ARRAY[" + strings.Join(columns, ", ") + "]"
	return sql + ", " + array + ", ARRAY[" + array + ", " + array + "], ROW(" + strings.Join(columns, ", ") + ", NULL)"
}

var (
	nines   = strings.Repeat("9", 131072)
	oddText = []string{
		"", " ", "a", "NULL", "null", "nul", "it's", `a"b`, `a\b`, "a,b", "a;b", "{}", "(x)", "[y]",
		"tab\there", "line\nend", "\v", "grüße 🐘", "-", `\`, `"`, `""`, "x\u0085y",
	}
)

var edgeValues = []edge{
	{"bool", []string{"t", "f"}},
	{"int2", []string{"0", "-1", "32767", "-32768"}},
	{"int4", []string{"0", "-1", "2147483647", "-2147483648"}},
	{"int8", []string{"0", "-1", "9223372036854775807", "-9223372036854775808"}},
	{"oid", []string{"0", "4294967295"}},
	{"xid", []string{"0", "3", "4294967295"}},
	{"cid", []string{"0", "4294967295"}},
	{"xid8", []string{"0", "18446744073709551615"}},
	{"regproc", []string{"0", "999999"}},
	{"regprocedure", []string{"0", "999999"}},
	{"regoper", []string{"0", "999999"}},
	{"regoperator", []string{"0", "999999"}},
	{"regclass", []string{"0", "999999"}},
	{"regrole", []string{"0", "999999"}},
	{"regnamespace", []string{"0", "999999"}},
	{"regconfig", []string{"0", "999999"}},
	{"regdictionary", []string{"0", "999999"}},
	{"regcollation", []string{"0", "999999"}},
	{"regtype", []string{"0", "999999", "int4", "timestamptz[]", "\"char\"", "char", "record", "varbit", "pg_type"}},
	{"float4", []string{
		"0", "-0", "1", "-1.5", "1e-4", "9.9999e-5", "1e5", "999999", "1e6", "1e-45", "3.4028235e38",
		"1.1754944e-38", "NaN", "Infinity", "-Infinity", "0.1", "8589973504", "33554432", "16777216", "123456.7",
	}},
	{"float8", []string{
		"0", "-0", "1", "-1.5", "1e-4", "9.999999999999999e-5", "0.001", "1e14", "999999999999999", "1e15",
		"123456789012345.6", "1e22", "1e23", "9007199254740993", "5e-324", "1.7976931348623157e308", "2.2250738585072014e-308",
		"NaN", "Infinity", "-Infinity", "0.1", "0.30000000000000004", "3.141592653589793", "100", "-1e-7", "1e100", "1e-100",
	}},
	{"numeric", []string{
		"0", "0.0", "0.000000", "-0", "1", "-1", "10000", "99999999", "1.10", "-1.5", "0.0001", "0.00001", "0.00010000",
		"1234567890.0987654321", "NaN", "Infinity", "-Infinity", "1e100", "1e-100", "1e131071", "1e-16383", "12345.6789", "0.1000", "100000000.00000001",
		"-0.0000000000000000000001", nines,
	}},
	{"money", []string{"0", "0.01", "-0.01", "1", "1234.5", "-1234567.89", "92233720368547758.07", "-92233720368547758.08", "999.99", "1000", "100000"}},
	{"text", oddText},
	{"varchar", oddText},
	{"bpchar", oddText},
	{"char(5)", []string{"a", "abc", ""}},
	{"name", oddText},
	{"refcursor", []string{"c", "a b"}},
	{"cstring", []string{"a", "", "ö"}},
	{"json", []string{`{"a": [1, 2.50, null], "b":"x"}`, `""`, "null", " 1 "}},
	{"jsonb", []string{`{"b": 1, "a": [1, 2.50, 1e5], "c": {"d": "\u00e9\"\\"}}`, "null", `"x"`, "[]"}},
	{"jsonpath", []string{"$", "strict $.a[*] ? (@.x > 1)", `$."k k"`}},
	{"xml", []string{"<a b='1'>x</a>", "", `<?xml version="1.0" encoding="UTF-8"?><a/>`, `<?xml version="1.1"?><a/>`}},
	{`"char"`, []string{"a", "", " ", `\200`, `\377`, `\303`, `\`}},
	{"bytea", []string{"", `\x00ff10`, `\xdeadbeef`, "abc"}},
	{"uuid", []string{"00000000-0000-0000-0000-000000000000", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "ffffffff-ffff-ffff-ffff-ffffffffffff"}},
	{"date", []string{
		"2000-01-01", "1999-12-31", "2024-02-29", "1900-03-01", "0001-01-01", "0001-12-31 BC", "0005-02-29 BC", "4713-01-01 BC",
		"4714-11-24 BC", "5874897-12-31", "infinity", "-infinity", "1970-01-01", "9999-12-31", "10000-01-01", "2000-02-29", "2100-02-28", "2400-12-31",
	}},
	{"time", []string{"00:00", "23:59:59.999999", "24:00", "12:34:56.7", "00:00:00.000001", "01:02:03.100"}},
	{"timetz", []string{"00:00+00", "23:59:59.999999-12", "24:00+14:30", "12:34:56.7+15:59:59", "10:00-15:59:59", "01:02:03-00:30", "01:02:03+00:00:07"}},
	{"timestamp", []string{
		"2000-01-01", "1999-12-31 23:59:59.999999", "2024-02-29 12:34:56.789", "0044-03-15 10:00 BC", "4714-11-24 00:00:00 BC",
		"294276-12-31 23:59:59.999999", "infinity", "-infinity", "1970-01-01", "0001-01-01 00:00:00", "12024-01-01 01:00",
	}},
	{"timestamptz", []string{
		"2000-01-01 00:00+00", "1999-12-31 23:59:59.999999+00", "2024-07-01 12:34:56.789+00", "2024-01-01 00:00+00", "0044-03-15 10:00+00 BC",
		"4714-11-25 00:00:00+00 BC", "294276-12-30 23:59:59.999999+00", "infinity", "-infinity", "1883-11-18 12:00+00", "1800-01-01 00:00+00",
		"2024-03-10 06:59:59.5+00", "2024-11-03 05:30+00", "2500-07-01 00:00+00", "0001-01-01 00:30+00",
	}},
	{"interval", []string{
		"0", "1 year", "-1 year", "1 year 2 mons 3 days 04:05:06.789", "-1 year -2 mons +3 days -04:05:06.789", "1 mon -1 day",
		"-1 mon +1 day 1 sec", "-1 day +1 sec", "1 day -00:00:00.000001", "23:59:59.999999", "-23:00", "100:00:00", "2562047788:00:54.775807",
		"-2562047788:00:54.775807", "178956970 years 7 mons", "-178956970 years -8 mons", "2147483647 days", "-2147483648 days", "13 mons", "-13 mons", "2 days 3 us",
	}},
	{"inet", []string{
		"0.0.0.0", "255.255.255.255", "192.168.1.5/24", "10.0.0.1/0", "::", "::1", "::1/64", "::/0", "::2", "1::", "1::8", "1:0:0:4::8", "1:2:3:4:5:6:7:8",
		"::ffff:1.2.3.4", "::1.2.3.4", "::ffff:1.2.3.4/96", "2001:db8::1", "2001:0:0:1:0:0:0:1", "1:0:2:0:3:0:4:0", "::ffff:0:0", "::1:0:0", "fe80::1/10", "0:0:0:0:0:1:2:3", "::fffe:1.2.3.4", "1:2:3:4:5:6:0:0", "0:1:2:3:4:5:6:7",
	}},
	{"cidr", []string{"0.0.0.0/0", "10.0.0.0/8", "192.168.1.5/32", "::/0", "::1/128", "2001:db8::/32", "::ffff:1.2.3.0/120"}},
	{"macaddr", []string{"08:00:2b:01:02:03", "ff:ff:ff:ff:ff:ff"}},
	{"macaddr8", []string{"08:00:2b:01:02:03:04:05", "08:00:2b:01:02:03"}},
	{"bit(3)", []string{"101", "000"}},
	{"bit(17)", []string{"10101010101010101"}},
	{"varbit", []string{"", "1", "01010101", "010101011"}},
	{"point", []string{"(1,2)", "(-1.5,1e300)", "(NaN,Infinity)", "(0.1,-0)"}},
	{"lseg", []string{"[(1,2),(3,4)]"}},
	{"path", []string{"[(1,2),(3,4)]", "((1,2),(3,4),(5,6))", "((0,0))"}},
	{"box", []string{"(1,1),(0,0)", "(0,0),(1.5,2)"}},
	{"polygon", []string{"((0,0))", "((1,2),(3,4),(5,6.5))"}},
	{"line", []string{"{1,2,3}", "{-1,0,0.5}"}},
	{"circle", []string{"<(1,2),3>", "<(0,0),0>"}},
	{"int4range", []string{"empty", "[1,5)", "(,)", "[1,)", "(,5)", "[-3,-1]"}},
	{"int8range", []string{"empty", "[1,9223372036854775807)", "(,)"}},
	{"numrange", []string{"empty", "[1.5,2.50]", "(1,2)", "(,NaN]", "[1,1]"}},
	{"tsrange", []string{"empty", "[2024-01-01 10:00,2024-01-02)", "[-infinity,infinity]", "(0044-01-01 BC,)"}},
	{"tstzrange", []string{"empty", "[2024-01-01 10:00+00,2024-07-02 00:00+00)", "[,infinity]"}},
	{"daterange", []string{"empty", "[2024-01-01,2024-02-01)", "(,infinity)", "[0044-01-01 BC,)"}},
	{"int4multirange", []string{"{}", "{[1,5)}", "{[1,5),[7,9)}", "{(,)}"}},
	{"int8multirange", []string{"{}", "{[1,5),[7,)}"}},
	{"nummultirange", []string{"{}", "{[1.5,2),(3,4.50]}"}},
	{"tsmultirange", []string{"{}", "{[2024-01-01 10:00,2024-01-02),[2025-01-01,)}"}},
	{"tstzmultirange", []string{"{}", "{[2024-01-01 10:00+00,2024-07-02 00:00+00)}"}},
	{"datemultirange", []string{"{}", "{[2024-01-01,2024-02-01),[2025-01-01,)}"}},
	{"tsvector", []string{"", "a", "a:1 b:2,3A", "'it''s':1B 'back\\\\slash':3C,4 'two words':16383D", "ö:5", `'"':2`}},
	{"tsquery", []string{
		"", "a", "a & b", "a & b | c", "a & (b | c)", "!a", "!(a & b)", "!!a", "a <-> b", "a <2> b", "a <-> (b <-> c)", "(a <-> b) <-> c",
		"a:*", "a:AB", "a:*D & 'it''s'", "'x\\\\y' | !b & c", "(a | b) <-> c", "a <0> b", "a | b & c & d | !e", "(a & b) & (c & d)", "!(a <-> b) & c",
	}},
	{"pg_lsn", []string{"0/0", "16/B374D848", "FFFFFFFF/FFFFFFFF", "0/10"}},
	{"tid", []string{"(0,0)", "(4294967295,65535)"}},
	{"txid_snapshot", []string{"1:1:", "10:20:10,14,15"}},
	{"pg_snapshot", []string{"1:1:", "10:20:10,14,15"}},
	{"int2vector", []string{"", "1", "1 -2 3"}},
	{"oidvector", []string{"", "1", "1 4294967295"}},
}

// edgeQueries are what the table has no room for.
var edgeQueries = []string{
	`SELECT '[0:2]={1,2,3}'::int4[], '[-1:0][5:6]={{1,2},{3,4}}'::int4[], '{}'::int4[], ARRAY[[[1],[2]],[[3],[4]]], '{NULL,NULL}'::int4[], '{{NULL,1}}'::int8[],
		'[2147483640:2147483646]={1,2,3,4,5,6,7}'::int2[], '{{{{{{1,2}}}}}}'::int4[], array_fill(7, ARRAY[2,3,2])`,
	`SELECT ARRAY['(1,1),(0,0)', NULL, '(2,2),(1,1)']::box[], '[5:6]={(1,1),(0,0);(2,2),(1,1)}'::box[], ARRAY[['(1,1),(0,0)'::box],['(1,1),(0,0)'::box]]`,
	`SELECT ROW(), ROW(NULL), ROW(NULL, NULL), ROW(''), ROW(1, 'a'), ROW('(', ')', ',', '"', '\', ' '), ROW(ROW(1, ROW('x y'))), ROW(ARRAY['a b', '"']), ARRAY[ROW(1, 'a b'), ROW(NULL, '"')]`,
	`SELECT ROW(ROW(ROW(ROW('"\'))))`,
	`SELECT ROW('[2024-01-01 10:00,)'::tsrange, '{[1,2)}'::int4multirange), ARRAY['[2024-01-01 10:00,)'::tsrange, 'empty']`,
	`SELECT pg_sleep(0)`,
	`SELECT ''::int2vector::int2[], ''::oidvector::oid[], '1 2'::int2vector::int2[]`,
	`SELECT interval '-2562047788:00:54.775807' - interval '00:00:00.000001'`,
	`SELECT c FROM pg_class c WHERE relname IN ('pg_type', 'pg_class') AND relacl IS NULL`,
	`SELECT conbin, adbin FROM pg_constraint FULL JOIN pg_attrdef ON false`,
	`SELECT ev_action FROM pg_rewrite LIMIT 3`,
	`SELECT most_common_vals, histogram_bounds FROM pg_stats WHERE tablename IN ('pg_type', 'pg_attribute', 'pg_index') AND attname ~ '(name|len|num|key|category|byval|relid)$' ORDER BY tablename, attname LIMIT 200`,
	`SELECT (string_to_array(repeat('word ', 200), ' '))::text[], (SELECT string_agg('w' || g, ' & ') FROM generate_series(1, 300) g)::tsquery`,
	`SELECT (SELECT string_agg('w' || g, ' | ( ') FROM generate_series(1, 100) g)::text || repeat(')', 99)`,
	`SELECT ((SELECT string_agg('w' || g, ' <-> ( ') FROM generate_series(1, 100) g)::text || repeat(')', 99))::tsquery`,
	`SELECT to_tsvector('simple', repeat('alpha beta gamma ', 50))`,
}

// randomValues are select lists of expressions that differ from row to row.
var randomValues = [][]string{
	{
		"random()",
		"random() * 1e15",
		"random() * power(10::float8, (random() * 600 - 300)::int)",
		"-1 / (random() + 1e-300)",
		"(random() * power(10::float8, (random() * 70 - 36)::int))::float4",
		"(random() * 1e6)::float4",
	},
	{
		"floor(random() * 1e15) / 100",
		"round((random() * 1e9)::numeric, (random() * 12)::int)",
		"(random() * 1e300)::numeric",
		"random()::numeric(30, 20) - 0.5",
		"(random() * 1000)::int::numeric * 10000",
		"(random() * 1e6)::numeric::money",
	},
	{
		"timestamp '2000-01-01' + random() * interval '500 years'",
		"timestamptz '2300-01-01 00:00+00' - random() * interval '430 years'",
		"date '4713-01-01 BC' + (random() * 5000000)::int",
		"timestamp '4713-02-01 BC' + random() * interval '100000 days' * 100",
		"(random() * 86400 * interval '1 second')::time",
	},
	{
		"make_interval((random() * 20 - 10)::int, (random() * 30 - 15)::int, 0, (random() * 60 - 30)::int, 0, 0, random() * 200000 - 100000)",
		"justify_interval((random() - 0.5) * interval '1000 days')",
	},
	{
		"gen_random_uuid()",
		"(('x' || md5(random()::text))::bit(64))",
		"('x' || left(md5(random()::text), (1 + random() * 31)::int))::varbit",
		"decode(md5(random()::text), 'hex')",
		"('x' || left(md5(random()::text), 16))::bit(64)::bigint",
	},
	{
		"point(random() * 1e10, random())",
		"circle(point(random(), random()), random())",
		"box(point(random(), random()), point(random(), random()))",
		"lseg(point(random(), 0), point(random(), random()))",
	},
	{
		"ARRAY[random(), NULL, random() * 1e20]",
		"ARRAY[md5(random()::text), 'a b']",
		"numrange(random()::numeric, 1 + random()::numeric)",
		"tstzrange(timestamptz '2024-01-01 00:00+00' + random() * interval '1 year', NULL)",
	},
	{
		"set_masklen(inet '0.0.0.0' + (random() * 4294967295)::bigint, (random() * 32)::int)",
		"inet '2001:db8::' + (random() * 1e15)::bigint",
		"('0/0'::pg_lsn + (random() * 1e15)::numeric)",
	},
}
