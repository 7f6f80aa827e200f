package value_test

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/internal/value"
)

// eachServer runs f against the versions that are tested.
func eachServer(t *testing.T, f func(t *testing.T, s *pgtest.Server)) {
	for _, major := range []int{15, 18} {
		t.Run(fmt.Sprint("PostgreSQL", major), func(t *testing.T) {
			f(t, pgtest.Start(t, pgtest.WithVersion(major)))
		})
	}
}

// query returns a result in one format, 0 text or 1 binary.
func query(t *testing.T, conn *pgconn.PgConn, sql string, format int16) *pgconn.Result {
	t.Helper()
	r := conn.ExecParams(context.Background(), sql, nil, nil, nil, []int16{format}).Read()
	if r.Err != nil {
		t.Fatalf("%v: %s", r.Err, sql)
	}
	return r
}

// compare runs a query twice and holds what Append makes of the binary result
// against the server's text. It returns the number of values compared.
func compare(t *testing.T, conn *pgconn.PgConn, sql string, session *value.Session) int {
	t.Helper()
	text, binary := query(t, conn, sql, 0), query(t, conn, sql, 1)
	count := 0
	for i, row := range binary.Rows {
		for j, b := range row {
			want := text.Rows[i][j]
			if b == nil || want == nil {
				if b != nil || want != nil {
					t.Fatalf("%s: row %d column %d is NULL in one format alone", sql, i, j)
				}
				continue
			}
			oid := binary.FieldDescriptions[j].DataTypeOID
			got, ok := appendAny(oid, b, session)
			if !ok || !bytes.Equal(got, want) {
				t.Errorf("type %s (%d), bytes %x:\n got %.300q, %v\nwant %.300q", value.TypeName(oid), oid, b, got, ok, want)
			}
			count++
		}
	}
	return count
}

// appendAny prints as a caller would, who falls back for unknown types.
func appendAny(oid uint32, b []byte, session *value.Session) ([]byte, bool) {
	if value.TypeName(oid) == "" {
		return value.AppendUnknown(nil, b, session)
	}
	return value.Append(nil, oid, b, session)
}

func exec(t *testing.T, conn *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := conn.Exec(context.Background(), sql).ReadAll(); err != nil {
		t.Fatalf("%v: %s", err, sql)
	}
}

// sessionIn sets conn's time zone and returns a Session of what the server then
// reports.
func sessionIn(t *testing.T, conn *pgconn.PgConn, zone string) *value.Session {
	t.Helper()
	exec(t, conn, "SET TIME ZONE "+zone)
	name := conn.ParameterStatus("TimeZone")
	location := value.Zone(name)
	if location == nil {
		t.Fatalf("TimeZone %q is unknown", name)
	}
	return &value.Session{TimeZone: location}
}

func TestEdgeValuesAgainstServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		exec(t, conn, "ANALYZE pg_type; ANALYZE pg_attribute; ANALYZE pg_proc; ANALYZE pg_index")
		for _, zone := range []string{"UTC", "'America/St_Johns'", "'Asia/Kolkata'", "INTERVAL '-09:45' HOUR TO MINUTE", "'XYZ4:30'"} {
			session := sessionIn(t, conn, zone)
			if zone == "UTC" {
				session = nil
			}
			for _, e := range edgeValues {
				compare(t, conn, e.query(), session)
			}
			for _, sql := range edgeQueries {
				compare(t, conn, sql, session)
			}
			if s.Version >= 17 {
				compare(t, conn, "SELECT 'infinity'::interval, '-infinity'::interval, ARRAY['infinity'::interval]", session)
			}
		}
	})
}

// TestStylesAgainstServer holds every DateStyle and IntervalStyle against the server's
// own text, with zones that have names and zones that have none.
func TestStylesAgainstServer(t *testing.T) {
	intervals := []string{
		"0", "1 year", "-1 year", "14 mons", "3 days", "-3 days", "04:05:06", "-04:05:06.789", "1 sec", "-1 sec", "0.000001 sec", "-0.5 sec",
		"1 year 2 mons 3 days 04:05:06.7", "-1 year -2 mons -3 days -04:05:06.7", "1 year -2 mons +3 days -04:05:06", "-1 year +3 days", "1 day -1 sec", "-1 day +1 sec",
		"1 mon 1 sec", "100 days 200:00:01", "-1 min", "1 hour -1 sec", "-178000000 years", "2147483647 days",
	}
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		n := 0
		for _, zone := range []string{"UTC", "'America/St_Johns'", "'Asia/Kolkata'", "'America/Sao_Paulo'", "INTERVAL '-09:45' HOUR TO MINUTE", "'XYZ4:30'"} {
			exec(t, conn, "SET TIME ZONE "+zone)
			for _, style := range []string{"ISO", "SQL", "Postgres", "German"} {
				for _, order := range []string{"MDY", "DMY", "YMD"} {
					exec(t, conn, "SET DateStyle = '"+style+", "+order+"'")
					session := value.SessionOf(conn.ParameterStatus("TimeZone") + "\x00" + conn.ParameterStatus("DateStyle") + "\x00" + conn.ParameterStatus("IntervalStyle"))
					for _, day := range []string{"2024-02-29", "2000-01-01", "1999-12-31", "0001-01-01", "0044-03-15 BC", "4713-01-01 BC", "1883-11-18", "12345-06-07", "infinity", "-infinity"} {
						n += compare(t, conn, "SELECT DATE '"+isoDate(day)+"', ARRAY[DATE '"+isoDate(day)+"', NULL], daterange(DATE '"+isoDate(day)+"', NULL)", session)
						for _, clock := range []string{"", " 12:34:56", " 00:00:00.5", " 23:59:59.999999"} {
							if clock != "" && strings.HasSuffix(day, "infinity") {
								continue
							}
							at := isoDate(day + clock)
							n += compare(t, conn, "SELECT TIMESTAMP '"+at+"', TIMESTAMPTZ '"+at+"', ARRAY[TIMESTAMPTZ '"+at+"'], tsrange(TIMESTAMP '"+at+"', NULL), ROW(TIMESTAMPTZ '"+at+"', TIMETZ '12:34:56+05:30')", session)
						}
					}
				}
			}
			exec(t, conn, "SET DateStyle = 'ISO, MDY'")
		}
		for _, style := range []string{"postgres", "postgres_verbose", "sql_standard", "iso_8601"} {
			exec(t, conn, "SET IntervalStyle = 'postgres'")
			for _, i := range intervals {
				literal := "'" + i + "'::interval"
				exec(t, conn, "DROP TABLE IF EXISTS one_interval; CREATE TEMP TABLE one_interval AS SELECT "+literal+" AS i")
				exec(t, conn, "SET IntervalStyle = '"+style+"'")
				session := value.SessionOf(conn.ParameterStatus("TimeZone") + "\x00" + conn.ParameterStatus("DateStyle") + "\x00" + conn.ParameterStatus("IntervalStyle"))
				n += compare(t, conn, "SELECT i, ARRAY[i], ROW(i) FROM one_interval", session)
				exec(t, conn, "SET IntervalStyle = 'postgres'")
			}
		}
		t.Log(n, "values")
	})
}

// isoDate moves the era to the end, where a literal has it.
func isoDate(s string) string {
	if day, clock, ok := strings.Cut(s, " BC"); ok {
		return day + clock + " BC"
	}
	return s
}

// TestEveryTypeHasEdgeValues holds the tables against the catalog: whatever has a
// binary form must be in them.
func TestEveryTypeHasEdgeValues(t *testing.T) {
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		tested := map[uint32]bool{}
		for _, e := range edgeValues {
			for _, f := range query(t, conn, e.query(), 1).FieldDescriptions {
				tested[f.DataTypeOID] = true
			}
		}
		for _, sql := range edgeQueries {
			for _, f := range query(t, conn, sql, 1).FieldDescriptions {
				tested[f.DataTypeOID] = true
			}
		}
		// Arrays of any type are one code; no column is of type unknown or any since
		// PostgreSQL 10; the statistics' types are for the planner.
		rows := query(t, conn, `SELECT oid, typname FROM pg_type WHERE oid < 10000 AND typsend <> 0
			AND typcategory <> 'A' AND typtype <> 'c' AND typname NOT IN ('any', 'unknown', 'anycompatiblearray', 'pg_ddl_command',
			'pg_ndistinct', 'pg_dependencies', 'pg_mcv_list', 'pg_brin_bloom_summary', 'pg_brin_minmax_multi_summary')`, 0).Rows
		for _, row := range rows {
			var oid uint32
			fmt.Sscan(string(row[0]), &oid)
			if !tested[oid] {
				t.Errorf("type %s (%d) has no edge values", row[1], oid)
			}
		}
	})
}

func TestTypeNamesAgainstServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		known := 0
		for _, row := range query(t, conn, "SELECT oid, typname FROM pg_type WHERE oid < 10000", 0).Rows {
			var oid uint32
			fmt.Sscan(string(row[0]), &oid)
			want := string(row[1])
			if strings.HasPrefix(want, "_") {
				want = want[1:] + "[]"
			}
			if got := value.TypeName(oid); got != want {
				t.Errorf("TypeName(%d) = %q, want %q", oid, got, want)
			}
			known++
		}
		if known < 180 {
			t.Errorf("only %d types", known)
		}
		compare(t, conn, "SELECT oid::regtype FROM pg_type WHERE oid < 10000", nil)
	})
}

func TestRandomValuesAgainstServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		for _, zone := range []string{"UTC", "'America/New_York'"} {
			session := sessionIn(t, conn, zone)
			for i, expressions := range randomValues {
				var columns []string
				for j, e := range expressions {
					columns = append(columns, fmt.Sprintf("%s AS c%d", e, j))
				}
				exec(t, conn, fmt.Sprintf("DROP TABLE IF EXISTS r; SELECT setseed(0.%d); CREATE TEMP TABLE r AS SELECT %s FROM generate_series(1, 1500)",
					i+1, strings.Join(columns, ", ")))
				if n := compare(t, conn, "SELECT *, ROW(r.*) FROM r", session); n < 1500 {
					t.Errorf("%s: %d values compared", expressions, n)
				}
			}
		}
	})
}

// TestFloatsAgainstServer covers the floats where the shortest decimal is a matter
// of taste: powers of two and of ten, and their neighbours.
func TestFloatsAgainstServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		for _, sql := range []string{
			"SELECT 2::float8 ^ g FROM generate_series(-1074, 1023) g",
			"SELECT (2::float8 ^ g)::float4 FROM generate_series(-149, 127) g",
			"SELECT ('1e' || g)::float8, ('9.999999999999999e' || g)::float8, ('5e' || g)::float8 FROM generate_series(-323, 307) g",
			"SELECT ('1e' || g)::float4, ('9.999999e' || g)::float4, ('8.5e' || g)::float4 FROM generate_series(-45, 37) g",
			"SELECT (m || 'e' || g)::float8 FROM generate_series(1, 99) m, generate_series(15, 30) g",
			"SELECT (m || 'e' || g)::float4 FROM generate_series(1, 99) m, generate_series(5, 15) g",
			"SELECT (m * 2::float8 ^ g)::float4 FROM generate_series(1, 199, 2) m, generate_series(-45, 2) g",
			"SELECT m * 2::float8 ^ g FROM generate_series(1, 199, 2) m, generate_series(-70, -10) g",
			"SELECT (16777216 + g)::float4, (16777216 + g)::float4 * 128, (16777216 + g)::float4 / 4096 FROM generate_series(0, 1000) g",
		} {
			compare(t, conn, sql, nil)
		}
	})
}

// TestUnknownTypesAgainstServer: types whose OIDs only the database knows.
func TestUnknownTypesAgainstServer(t *testing.T) {
	eachServer(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		exec(t, conn, `CREATE TYPE mood AS ENUM ('sad', 'so so', 'naïve');
			CREATE TYPE inner_row AS (a int, b text, c mood);
			CREATE TYPE outer_row AS (r inner_row, t timestamptz, many inner_row[]);
			CREATE DOMAIN short AS varchar(5)`)
		for _, sql := range []string{
			`SELECT 'so so'::mood, 'naïve'::mood, 'abc'::short`,
			`SELECT ARRAY['sad', 'so so', NULL]::mood[], '{}'::mood[], ARRAY[['sad'], ['sad']]::mood[][], ARRAY['a', 'b c']::short[]`,
			`SELECT ROW(1, 'x "y" \z', 'so so')::inner_row, ROW(NULL, '', NULL)::inner_row`,
			`SELECT ROW(ROW(1, 'a,b', 'sad'), '2024-01-02', ARRAY[ROW(1, '"', 'so so'), NULL]::inner_row[])::outer_row`,
			`SELECT ARRAY[ROW(1, 'a', 'sad')::inner_row], ROW(ARRAY['sad']::mood[], 'so so'::mood)`,
			`SELECT ROW(ROW(ROW('"')), ROW(ROW('\')))`,
		} {
			compare(t, conn, sql, nil)
		}
		r := query(t, conn, "SELECT count(*) FROM pg_available_extensions WHERE name IN ('hstore', 'citext')", 0)
		if string(r.Rows[0][0]) != "2" {
			t.Log("hstore and citext are not installed")
			return
		}
		exec(t, conn, "CREATE EXTENSION hstore; CREATE EXTENSION citext")
		compare(t, conn, `SELECT 'a=>1, "b c"=>NULL, "q\"\\"=>"v\"\\"'::hstore, ''::citext, 'Ärger'::citext,
			ARRAY['a=>1'::hstore, NULL], hstore('', ''), ARRAY['x', 'y z']::citext[]`, nil)
	})
}
