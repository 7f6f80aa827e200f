package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/scram"
)

// TestServerSessions runs what needs more than one session, or one of its own
// kind.
func TestServerSessions(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		t.Run("cancel", func(t *testing.T) { cancel(t, s) })
		t.Run("terminated by an administrator", func(t *testing.T) { terminated(t, s) })
		t.Run("replication", func(t *testing.T) { replication(t, s) })
		t.Run("protocol 3.2", func(t *testing.T) { version32(t, s) })
		t.Run("startup parameters", func(t *testing.T) { startupParameters(t, s) })
		t.Run("no such database", func(t *testing.T) { noDatabase(t, s) })
		t.Run("values", func(t *testing.T) { values(t, s) })
		t.Run("encodings", func(t *testing.T) { clientEncodings(t, s) })
	})
}

func trusted(database string) Config { return Config{User: users[AuthTrust], Database: database} }

func cancel(t *testing.T, s *pgtest.Server) {
	d := open(t, s, trusted("postgres"))
	d.states = nil
	d.write(d.DoSimpleQuery("DO $$BEGIN RAISE NOTICE 'begun'; PERFORM pg_sleep(60); END$$"))
	for {
		e, err := d.NextEvent()
		if errors.Is(err, ErrNeedData) {
			err = d.wait()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, begun := e.(*Notice); begun {
			break
		}
	}
	out, err := d.DoCancel()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := dial(t, address(s)).Write(out); err != nil {
		t.Fatal(err)
	}
	d.fails("57014")(nil, nil)
	d.passed(StateQuerySent, StateRecoverableError, StateReady)
	if _, err := New(trusted("")).DoCancel(); !errors.Is(err, ErrNoBackendKey) {
		t.Error(err)
	}
}

func terminated(t *testing.T, s *pgtest.Server) {
	d := open(t, s, trusted("postgres"))
	s.Exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '"+users[AuthTrust]+"'")
	// Idle: the program happens to read.
	var e *ServerError
	events, err := d.run(nil, nil)
	if !errors.As(err, &e) || e.SQLState != "57P01" || e.Recoverable || fmt.Sprint(names(events)) != "[ServerError]" {
		t.Errorf("%v after %v", err, names(events))
	}
	if d.State() != StateUnrecoverableError || d.Err() != err || d.Lost(nil) != err {
		t.Errorf("state %v, %v", d.State(), d.Err())
	}
	if _, err := d.DoTerminate(); err == nil {
		t.Error("terminated twice")
	}
}

func replication(t *testing.T, s *pgtest.Server) {
	d := open(t, s, Config{User: s.SuperUser, Database: "postgres", Parameters: map[string]string{"replication": "database"}})
	position := rows(t, d.must(d.DoSimpleQuery("IDENTIFY_SYSTEM")))[0][2]
	d.states = nil
	events := d.must(d.DoSimpleQuery("START_REPLICATION PHYSICAL " + position))
	same(t, names(events), "[CopyBoth]")
	status := append([]byte{'r'}, make([]byte, 33)...)
	d.write(d.DoCopyData(status))
	events = d.must(d.DoCopyDone())
	if list := names(events); list[len(list)-1] != "Ready" || !slices.Contains(list, "CopyDone") {
		t.Errorf("events %v", list)
	}
	d.passed(StateQuerySent, StateCopyBoth, StateCopyBothEnded, StateQueryComplete, StateReady)
	same(t, rows(t, d.must(d.DoSimpleQuery("SHOW wal_level"))), "[[replica]]")
}

func version32(t *testing.T, s *pgtest.Server) {
	config := trusted("postgres")
	config.ProtocolVersion = messages.Version32
	config.Parameters = map[string]string{"_pq_.something": "on"}
	d := newDriver(t, New(config), dial(t, address(s)), 4096)
	events := d.must(d.DoStartup())
	v := find[*VersionNegotiated](t, events)
	key := find[*BackendKey](t, events)
	want, length := messages.ProtocolVersion(messages.Version32), 32
	if s.Version < 18 {
		want, length = messages.Version30, 4
	}
	if v.Version != want || fmt.Sprint(v.Unsupported) != "[_pq_.something]" || len(key.SecretKey) != length {
		t.Errorf("%+v, a key of %d bytes", v, len(key.SecretKey))
	}
	same(t, rows(t, d.must(d.DoSimpleQuery("SELECT 1"))), "[[1]]")
}

func startupParameters(t *testing.T, s *pgtest.Server) {
	config := trusted("postgres")
	config.ApplicationName = "täst"
	config.Parameters = map[string]string{"search_path": "a, b", "datestyle": "", "intervalstyle": "iso_8601"}
	d := open(t, s, config)
	got := rows(t, d.must(d.DoSimpleQuery("SELECT current_setting('search_path'), interval '1 day', current_setting('application_name')")))
	name := `t\xc3\xa4st` // what PostgreSQL makes of it, since 16
	if s.Version < 16 {
		name = "t??st"
	}
	same(t, got, [][]string{{"a, b", "P1D", name}})
}

func noDatabase(t *testing.T, s *pgtest.Server) {
	d := newDriver(t, New(trusted("none")), dial(t, address(s)), 4096)
	events, err := d.run(d.DoStartup())
	var e *ServerError
	if !errors.As(err, &e) || e.SQLState != "3D000" || fmt.Sprint(names(events)) != "[Authenticated ServerError]" {
		t.Errorf("%v after %v", err, names(events))
	}
}

// typed are values, what pgtype makes of them in both formats, and their text.
var typed = []struct {
	sql, text string
	want      any
}{
	{"true", "t", true},
	{"7::int2", "7", int16(7)},
	{"-1::int8", "-1", int64(-1)},
	{"1.5::float8", "1.5", 1.5},
	{"'x'::text", "x", "x"},
	{"'x'::varchar", "x", "x"},
	{"'\\x00ff'::bytea", "\\x00ff", []byte{0, 255}},
	{"'{\"a\": [1, null]}'::jsonb", `{"a": [1, null]}`, map[string]any{"a": []any{1.0, nil}}},
	{"ARRAY[1, NULL, 3]", "{1,NULL,3}", []any{int32(1), nil, int32(3)}},
	{"'2024-02-29'::date", "2024-02-29", time.Date(2024, 2, 29, 0, 0, 0, 0, time.UTC)},
	{"'2024-02-29 12:34:56.789'::timestamp", "2024-02-29 12:34:56.789", time.Date(2024, 2, 29, 12, 34, 56, 789e6, time.UTC)},
	{"'2024-02-29 12:34:56+01'::timestamptz", "2024-02-29 11:34:56+00", time.Date(2024, 2, 29, 11, 34, 56, 0, time.UTC)},
	{"'infinity'::date", "infinity", pgtype.Infinity},
	{"'1 year 2 mons 3 days 04:05:06'::interval", "1 year 2 mons 3 days 04:05:06", pgtype.Interval{Months: 14, Days: 3, Microseconds: 14706e6, Valid: true}},
	{"'[1,5)'::int4range", "[1,5)", pgtype.Range[any]{Lower: int32(1), Upper: int32(5), LowerType: pgtype.Inclusive, UpperType: pgtype.Exclusive, Valid: true}},
}

func values(t *testing.T, s *pgtest.Server) {
	d := open(t, s, trusted("postgres"))
	for _, v := range typed {
		statement := find[*PreparedStatement](t, d.must(d.DoPrepare("", "SELECT "+v.sql)))
		for _, binary := range []bool{false, true} {
			row := find[*Row](t, d.must(d.DoBindExecute(statement, nil, ExecuteOptions{Binary: binary})))
			got, err := row.Value(0)
			if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", v.want) || err != nil {
				t.Errorf("%s, binary %v: %#v, %v", v.sql, binary, got, err)
			}
			if text, err := row.Text(0); text != v.text || err != nil {
				t.Errorf("%s, binary %v: %q, %v", v.sql, binary, text, err)
			}
			if _, ok := got.(pgtype.Range[any]); ok {
				continue // pgtype does not take it back
			}
			// What came can be sent.
			back := find[*PreparedStatement](t, d.must(d.DoPrepare("", "SELECT $1 = "+v.sql, row.Columns()[0].TypeOID)))
			row = find[*Row](t, d.must(d.DoBindExecute(back, []any{got}, ExecuteOptions{})))
			if text, _ := row.Text(0); text != "t" {
				t.Errorf("%s, binary %v: sent back it is another", v.sql, binary)
			}
			statement = find[*PreparedStatement](t, d.must(d.DoPrepare("", "SELECT "+v.sql)))
		}
	}
	unknownTypes(t, s, d)
	scanning(t, d)
}

func unknownTypes(t *testing.T, s *pgtest.Server, d *driver) {
	name := fmt.Sprintf("mood%d", time.Now().UnixNano())
	s.Exec(t, "CREATE TYPE "+name+" AS ENUM ('sad', 'happy')")
	sql := "SELECT 'happy'::" + name + ", $1::" + name
	for _, refuse := range []bool{false, true} {
		config := trusted("postgres")
		config.RefuseUnknownTypes = refuse
		d := open(t, s, config)
		statement := find[*PreparedStatement](t, d.must(d.DoPrepare("", sql)))
		for _, binary := range []bool{false, true} {
			row := find[*Row](t, d.must(d.DoBindExecute(statement, []any{"sad"}, ExecuteOptions{Binary: binary})))
			got, err := row.Values()
			switch {
			case refuse:
				var v *ValueError
				if !errors.Is(err, ErrUnknownType) || !errors.As(err, &v) || v.Index != 0 || v.Column.TypeOID < 16384 {
					t.Errorf("%v, %v", got, err)
				}
			case fmt.Sprint(got) != "[happy sad]" || err != nil:
				t.Errorf("%v, %v", got, err)
			}
		}
	}
	_, err := d.DoBindExecute(&PreparedStatement{ParameterOIDs: []uint32{99999}}, []any{struct{ X int }{}}, ExecuteOptions{})
	var a *ArgumentError
	if !errors.As(err, &a) || a.OID != 99999 {
		t.Errorf("a struct of an unknown type: %v", err)
	}
}

func scanning(t *testing.T, d *driver) {
	row := find[*Row](t, d.must(d.DoSimpleQuery("SELECT 1 AS n, 'x' AS s, NULL AS nothing, ARRAY['a','b'] AS list")))
	var n int
	var text string
	var nothing *string
	var list []string
	if err := row.Scan(&n, &text, &nothing, &list); err != nil || n != 1 || text != "x" || nothing != nil || fmt.Sprint(list) != "[a b]" {
		t.Errorf("%v %v %v %v, %v", n, text, nothing, list, err)
	}
	var v *ValueError
	if err := row.Scan(nil, &n, nil, nil); !errors.As(err, &v) || v.Index != 1 || !strings.Contains(err.Error(), `column 2 "s" of type text`) {
		t.Error(err)
	}
	if err := row.Scan(&n); err == nil {
		t.Error("too few targets")
	}
	date := "2024-01-01"
	var out time.Time
	row = find[*Row](t, d.must(d.DoSimpleQuery("SELECT '"+date+"'::date")))
	if err := row.Scan(&out); err != nil || out.Format(time.DateOnly) != date {
		t.Errorf("%v, %v", out, err)
	}
}

// spoken is text that each encoding has.
var spoken = map[string]string{
	"LATIN1": "Größe, naïve", "LATIN2": "Łódź, žluťoučký", "LATIN5": "şığ", "LATIN9": "10 €", "LATIN10": "ștri",
	"WIN1250": "Łódź", "WIN1251": "Привет", "WIN1252": "“10 €”", "WIN1253": "Ελληνικά", "WIN1254": "şığ",
	"WIN1257": "ąčęė", "WIN866": "Привет", "WIN874": "สวัสดี", "ISO_8859_5": "Привет", "ISO_8859_7": "Ελληνικά",
	"KOI8R": "Привет", "KOI8U": "Привіт, ґ",
	"EUC_JP": "日本語テスト", "SJIS": "日本語テスト表", "EUC_KR": "한국어", "UHC": "한국어 똠", "EUC_CN": "简体中文", "GBK": "简体中文",
	"GB18030": "简体中文 😀", "BIG5": "繁體中文", "UTF8": "Größe, 日本語 😀", "SQL_ASCII": "Größe",
}

func clientEncodings(t *testing.T, s *pgtest.Server) {
	for _, encoding := range append([]string{"EUC_TW"}, sortedKeys(spoken)...) {
		t.Run(encoding, func(t *testing.T) {
			d := open(t, s, trusted("postgres"))
			d.must(d.DoSimpleQuery("SET client_encoding = '" + encoding + "'"))
			if d.ClientEncoding() != encoding {
				t.Fatalf("client_encoding %s", d.ClientEncoding())
			}
			if text, ok := spoken[encoding]; ok {
				speaks(t, d, text)
				return
			}
			_, err := d.DoSimpleQuery("SELECT 'é'")
			var e *EncodingError
			if !errors.As(err, &e) || e.Encoding != encoding || !d.IsReady() {
				t.Errorf("%v", err)
			}
			same(t, rows(t, d.must(d.DoSimpleQuery("SELECT 'e'"))), "[[e]]")
			row := find[*Row](t, d.must(d.DoSimpleQuery("SELECT U&'\\4E2D'")))
			if _, err := row.Value(0); !errors.As(err, &e) {
				t.Errorf("%v", err)
			}
		})
	}
}

// speaks sends and receives text everywhere that text can be.
func speaks(t *testing.T, d *driver, text string) {
	quoted := `"` + text + `"`
	e := find[*ServerError](t, d.fails("42703")(d.DoSimpleQuery("SELECT "+quoted)))
	if !strings.Contains(e.Message, text) {
		t.Errorf("error %q", e.Message)
	}
	s := find[*PreparedStatement](t, d.must(d.DoPrepare(text, "SELECT $1::text AS "+quoted+", length($1), ARRAY[$1, NULL], to_jsonb($1::text), '"+text+"'::varchar, ROW($1, 1, ARRAY[$1])")))
	if s.Columns[0].Name != text {
		t.Errorf("column %q", s.Columns[0].Name)
	}
	for _, binary := range []bool{false, true} {
		row := find[*Row](t, d.must(d.DoBindExecute(s, []any{text}, ExecuteOptions{Portal: text, Binary: binary})))
		if got, err := row.Text(0); got != text || err != nil {
			t.Errorf("binary %v: text %q, %v", binary, got, err)
		}
		if d.ClientEncoding() == "SQL_ASCII" {
			continue // the server counts bytes
		}
		got, err := row.Values()
		want := []any{text, int32(len([]rune(text))), []any{text, nil}, text, text, record(text, binary)}
		if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", want) || err != nil {
			t.Errorf("binary %v: values %#v, %v", binary, got, err)
		}
		var list []*string
		if err := row.Scan(nil, nil, &list, nil, nil, nil); err != nil || *list[0] != text || list[1] != nil {
			t.Errorf("binary %v: %v", binary, err)
		}
	}
	d.must(d.DoSimpleQuery("LISTEN " + quoted))
	n := find[*Notification](t, d.must(d.DoSimpleQuery("NOTIFY "+quoted+", '"+text+"'")))
	if n.Channel != text || n.Payload != text {
		t.Errorf("notification %+v", n)
	}
	if back, err := d.EncodeText(text); err != nil {
		t.Error(err)
	} else if again, err := d.DecodeText(back); again != text || err != nil {
		t.Errorf("%q, %v", again, err)
	}
	if e := newTextEncoding(d.ClientEncoding()); !e.plain && e.name != "GB18030" {
		if _, err := d.DoSimpleQuery("SELECT '😀'"); err == nil {
			t.Error("an emoji was encoded")
		}
	}
}

// record is what pgtype makes of ROW(text, 1, ARRAY[text]): text format does not
// tell the types.
func record(text string, binary bool) any {
	if binary {
		return []any{text, int32(1), []any{text}}
	}
	if strings.ContainsAny(text, " ,") {
		return `("` + text + `",1,"{""` + text + `""}")`
	}
	return "(" + text + ",1,{" + text + "})"
}

func sortedKeys[V any](m map[string]V) (list []string) {
	for k := range m {
		list = append(list, k)
	}
	slices.Sort(list)
	return list
}

// oddPasswords are what SASLprep changes or refuses, and what stands at the edges
// of its tables.
var oddPasswords = []string{
	"plain", "with space", "tab\tand\x7f", "I\u00adX", "user", "ª", "Ⅸ", "ﬁle", "a\u00a0b", "a\u200bb", "a\u3000b", "\u00ad",
	"e\u0301", "é", "Å", "가", "x\u200d", "\u2060x\ufeff", "\ue000x", "\ufffdx", "x\u06ddy", "\u0340a", "\u0627\u0628",
	"\u0627x", "\u0627\u0031", "\u06271\u0628", "1\u0627", "\u05d0\u05d1 \u05d2", "😀", "😀ﬁ", "ẞﬁ", "\u0221ﬁ", "ﬁ\u2fff", "\u0378ﬁ",
	"ﷺ", "①②", "ｆｕｌｌ", "ﾊﾝｶｸ", "½", "\u1806x", "\ufe0fﬁ", "\U000e0001ﬁ", "\u2028ﬁ", "\u200eﬁ", "\u180eﬁ", "日本語", "𝕬", "\u037eﬁ",
}

// TestServerSASLprep has servers make verifiers of odd passwords, and compares
// what they prepared with what the client does.
func TestServerSASLprep(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		conn := s.Connect(t, s.SuperUser, "postgres")
		for i, password := range oddPasswords {
			user := fmt.Sprintf("odd%d", i)
			quoted := "'" + strings.ReplaceAll(password, "'", "''") + "'"
			s.Exec(t, "CREATE ROLE "+user+" LOGIN PASSWORD "+quoted)
			verifier := conn.ExecParams(context.Background(),
				"SELECT rolpassword FROM pg_authid WHERE rolname = $1", [][]byte{[]byte(user)}, nil, nil, nil).Read()
			if verifier.Err != nil {
				t.Fatal(verifier.Err)
			}
			if got := string(verifier.Rows[0][0]); !isSecretOf(t, got, password) {
				t.Errorf("%q: prepared as %q, the server stores %s", password, scram.Prepare(password), got)
			}
		}
	})
}

// isSecretOf logs in at a server that has the stored secret.
func isSecretOf(t *testing.T, stored, password string) bool {
	t.Helper()
	secret, err := scram.ParseSecret(stored)
	if err != nil || secret.Format() != stored {
		t.Fatalf("%q: %v", stored, err)
	}
	server, c := scram.NewServer(secret, nil), scram.NewClient(password, nil, false)
	first, err := server.First(c.Mechanism(), c.First())
	if err != nil {
		t.Fatal(err)
	}
	final, err := c.Final(first)
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.Final(final)
	return err == nil
}
