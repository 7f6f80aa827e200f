package exchange_test

import (
	"math/rand/v2"
	"net"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgproto3"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// TestAgainstServer sends strings of commands in odd spellings to a real server, and
// compares after each what the server has prepared and declared with what is known of it
// here: names, and texts by what they return.
func TestAgainstServer(t *testing.T) {
	const rounds = 200
	for _, major := range []int{15, 18} {
		t.Run(strconv.Itoa(major), func(t *testing.T) {
			server := pgtest.Start(t, pgtest.WithVersion(major))
			server.Exec(t, "create database latin encoding 'LATIN1' lc_collate 'C' lc_ctype 'C' template template0")
			t.Run("table", func(t *testing.T) {
				c := connect(t, server, encodings[0])
				for _, sql := range oddStrings {
					c.round(sql)
				}
			})
			for _, e := range encodings {
				t.Run(e.client+" of "+e.database, func(t *testing.T) {
					c := connect(t, server, e)
					g := &generator{encoding: e, Rand: rand.New(rand.NewPCG(15, uint64(major)))}
					for range rounds {
						c.roundOf(g)
					}
					if c.statements < rounds/2 || c.cursors < rounds/10 {
						t.Errorf("compared %d statements and %d cursors only", c.statements, c.cursors)
					}
				})
			}
		})
	}
}

// encoding is one of a client.
type encoding struct {
	client, database string
	// instead are the letters that it has instead of others, and bytes are those of them.
	instead, bytes *strings.Replacer
	// without is how many of the last names are left out, which it cannot show when they
	// are cut by bytes.
	without int
	// wary tells that some names are not known, and what has them neither.
	wary bool
}

// encodings are that which goes without saying; others of the server or of both; and one of
// a client of which all characters that are used here end in a backslash.
var encodings = []encoding{
	{client: "UTF8", database: "postgres", instead: strings.NewReplacer(), bytes: strings.NewReplacer()},
	{
		client: "LATIN1", database: "latin", wary: true,
		instead: strings.NewReplacer("日本", "ß", "😀", "àá"),
		bytes:   strings.NewReplacer("é", "\xe9", "É", "\xc9", "ß", "\xdf", "à", "\xe0", "á", "\xe1"),
	},
	{client: "UTF8", database: "latin", wary: true, instead: strings.NewReplacer("日本", "ß", "😀", "àá"), bytes: strings.NewReplacer()},
	{
		client: "SJIS", database: "postgres", wary: true, without: 2,
		instead: strings.NewReplacer("é", "表", "É", "ソ", "日本", "予十"),
		bytes:   strings.NewReplacer("表", "\x95\\", "ソ", "\x83\\", "予", "\x97\\", "十", "\x8f\\"),
	},
}

func (e encoding) encode(s string) string { return e.bytes.Replace(e.instead.Replace(s)) }

// oddStrings are sent one after the other on one connection.
var oddStrings = []string{
	`prepare p(int)as select 'a'`,
	`deallocate"p"`,
	`prepare "p"as/**/select 'b';deallocate p;prepare/*;*/p/**/as--;` + "\n" + `select 'c'`,
	`DEALLOCATE/* a /* b; */ */PREPARE--` + "\r" + `P`,
	`prepare prepare as select 'd'; prepare "Prepare" as select 'e'`,
	`deallocate prepare`,
	`deallocate prepare "Prepare"`,
	`prepare "all" as select 'f'; deallocate "all"`,
	`prepare U&"\0061!b" as select 'g'; prepare U&"d!0061t!+000061" /**/ uescape -- a` + "\n" + `'!' (numeric(10, 2)[], "pg_catalog".text)as select 'h'`,
	`deallocate data; deallocate "a!b"`,
	`prepare É as select 'i'; prepare é as select 'j'; deallocate É`,
	`deallocate U&"\00e9"`,
	`prepare ` + strings.Repeat("Long", 20) + ` as select 'k'`,
	`deallocate ` + strings.Repeat("lonG", 16),
	`prepare x` + strings.Repeat("é", 40) + ` as select 'l'; prepare "y` + strings.Repeat("é", 40) + `" as select 'm'`,
	`deallocate x` + strings.Repeat("é", 31) + `ü; deallocate U&"y` + strings.Repeat(`\00e9`, 31) + `x"`,
	`prepare a$b$ as select $x$;'"$x$||'n'; prepare b as select 'o'`,
	`deallocate a$b$`,
	`deallocate b; prepare b as select e'\';'||'p' as e; select namee';' from (values (1)) as v(namee)`,
	`prepare c as select namee'\' from (values (1)) as v(namee)`,
	`prepare c as select 'q'` + "\n-- a\n" + `'\;' as "a;""b"; prepare d as select U&'\0041;''' as "U&"`,
	`prepare e as select 'r'; select 1/0; prepare f as select 's'`,
	`prepare f as select 't'; deallocate c; prepare d as select 'u'`,
	`deallocate all; prepare g as select 'v'; deallocate g; prepare g as select 'w'`,
	`create or replace function pg_temp.f(int default 1) returns int language sql begin atomic select case when true then 1 end; select 2; end; prepare h as select 'x'`,
	`create temp table t(a int); create rule r as on insert to t do also (select 1; select 2); prepare i as select 'y'`,
	`set standard_conforming_strings to off`,
	`prepare j as select 'a\';'; deallocate i`,
	`prepare k as select 'b\\'; prepare l as select n'c\';'; deallocate j`,
	`prepare U&"k!0041" uescape '!' as select b'101'||x'f'::bit(4)`,
	`set standard_conforming_strings to on; prepare m as select 'd\';'`,
	`prepare m as select 'e\'; prepare n as select ';\'`,
	`deallocate all`,
	`begin; declare c cursor for select 'a'; declare"C"no scroll cursor without hold for/*;*/(select 'b')`,
	`close c; declare c binary cursor for select 'c'::text`,
	`close U&"\0043"; declare cursor cursor for select 'd'; declare ` + strings.Repeat("c", 70) + ` cursor for select 'e'`,
	`close all; declare d cursor for select 'f'`,
	`commit`,
	`begin; prepare o as select 'z'; declare d cursor for select 'g'; rollback; declare d cursor for select 1`,
	`begin; declare d insensitive cursor for values ('h')`,
	`rollback; discard all`,
}

// connection is one to the server, and what is known of it from its bytes.
type connection struct {
	*testing.T
	front   *pgproto3.Frontend
	session *session.Session
	seen    []seen
	status  byte
	other   *connection // where texts are executed
	setting string      // standard_conforming_strings, when the latest string was sent
	encoding
	// When the latest was made by each name, of those whose texts were executed.
	prepared, declared map[string]string

	statements, cursors int // what was compared
}

// unknown is the text of what is not known.
const unknown = "?"

// seen is what was reported of an exchange.
type seen struct{ sql, statement string }

// tap tells a session what goes by.
type tap struct {
	net.Conn
	*connection
	at int64
}

func (c *tap) tell(d messages.Direction, b []byte) {
	c.at++
	c.session.Data(d, b, session.Stamp{Time: c.at, Frame: uint64(c.at)})
}

func (c *tap) Write(b []byte) (int, error) {
	c.tell(messages.Frontend, b)
	return c.Conn.Write(b)
}

func (c *tap) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if n > 0 {
		c.tell(messages.Backend, b[:n])
	}
	return n, err
}

func (c *connection) Message(*session.Event)                   {}
func (c *connection) Notice(*session.Session, *session.Notice) {}
func (c *connection) End(*session.Session)                     {}

func (c *connection) Exchange(_ *session.Session, x *exchange.Exchange) {
	sql := unknown
	if x.SQL != nil {
		sql = string(x.SQL)
	}
	c.seen = append(c.seen, seen{sql, string(x.Statement)})
}

// connect opens a connection, and the other one that it is compared by.
func connect(t *testing.T, server *pgtest.Server, e encoding) *connection {
	c := open(t, server, e)
	c.other = open(t, server, e)
	return c
}

func (c *connection) latest() seen { return c.seen[len(c.seen)-1] }

func open(t *testing.T, server *pgtest.Server, e encoding) *connection {
	conn, err := net.Dial("tcp", net.JoinHostPort(server.Host, strconv.Itoa(server.Port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	c := &connection{T: t, encoding: e, prepared: map[string]string{}, declared: map[string]string{}}
	shared := session.NewShared(session.Config{Exchanges: true}, exchange.Limits{}, c)
	c.session = shared.New(session.Opening{ID: 1, Client: "127.0.0.1:1", Server: "127.0.0.1:5432"})
	through := &tap{Conn: conn, connection: c}
	c.front = pgproto3.NewFrontend(through, through)
	c.ask(&pgproto3.StartupMessage{
		ProtocolVersion: pgproto3.ProtocolVersionNumber,
		Parameters:      map[string]string{"user": "postgres", "database": e.database, "client_encoding": e.client},
	})
	return c
}

// ask sends messages and returns the rows that come, and the error, if one does, until all
// of them are answered.
func (c *connection) ask(list ...pgproto3.FrontendMessage) (rows [][]string, failed *pgproto3.ErrorResponse) {
	c.Helper()
	due := 0
	for _, m := range list {
		switch m.(type) {
		case *pgproto3.StartupMessage, *pgproto3.Query, *pgproto3.Sync:
			due++
		}
		c.front.Send(m)
	}
	if err := c.front.Flush(); err != nil {
		c.Fatal(err)
	}
	for due > 0 {
		m, err := c.front.Receive()
		if err != nil {
			c.Fatal(err)
		}
		switch m := m.(type) {
		case *pgproto3.DataRow:
			var row []string
			for _, v := range m.Values {
				row = append(row, string(v))
			}
			rows = append(rows, row)
		case *pgproto3.ErrorResponse:
			e := *m
			failed = &e
		case *pgproto3.ReadyForQuery:
			c.status = m.TxStatus
			due--
		}
	}
	return rows, failed
}

// must is ask for what does not fail.
func (c *connection) must(list ...pgproto3.FrontendMessage) [][]string {
	c.Helper()
	rows, failed := c.ask(list...)
	if failed != nil {
		c.Fatalf("%+v: %s", list[0], failed.Message)
	}
	return rows
}

func (c *connection) query(sql string) [][]string {
	c.Helper()
	return c.must(&pgproto3.Query{String: sql})
}

// round sends a string and compares.
func (c *connection) round(sql string) {
	c.Helper()
	c.setting = c.query("show standard_conforming_strings")[0][0]
	_, _ = c.ask(&pgproto3.Query{String: sql})
	c.compare(sql)
}

// roundOf sends two strings without waiting between them, or the requests of the protocol
// that do what commands do, and compares.
func (c *connection) roundOf(g *generator) {
	c.Helper()
	c.setting = c.query("show standard_conforming_strings")[0][0]
	a, b := g.string(), ""
	switch g.IntN(5) {
	case 0:
		if g.IntN(2) == 0 {
			a = g.set()
		}
		b = g.string()
		rows, _ := c.ask(&pgproto3.Query{String: a}, &pgproto3.Query{String: "show standard_conforming_strings"}, &pgproto3.Query{String: b})
		for _, row := range rows {
			if len(row) == 1 && (row[0] == "on" || row[0] == "off") {
				c.setting = row[0] // there are no texts of a but in transactions that do not set it
			}
		}
	case 1:
		a = g.command()
		_, _ = c.ask(&pgproto3.Parse{Query: a}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	case 2:
		a = "Parse " + g.encode(g.oneOf())
		_, _ = c.ask(&pgproto3.Parse{Name: a[6:], Query: g.query()}, &pgproto3.Sync{})
	case 3:
		name := g.encode(g.oneOf())
		a = "begin; Bind " + name
		_, _ = c.ask(&pgproto3.Query{String: "begin"}, &pgproto3.Parse{Query: g.query()}, &pgproto3.Bind{DestinationPortal: name}, &pgproto3.Sync{})
	default:
		_, _ = c.ask(&pgproto3.Query{String: a})
	}
	c.compare(a + b)
}

// compare compares what is prepared and declared after a string.
func (c *connection) compare(after string) {
	c.Helper()
	if c.status == 'E' {
		c.query("rollback")
	}
	c.compareStatements(after)
	c.compareCursors(after)
	if c.Failed() {
		c.FailNow() // what comes after would differ, too
	}
}

// compareStatements compares what is prepared.
func (c *connection) compareStatements(after string) {
	c.Helper()
	known := map[string]string{}
	for _, s := range c.session.Snapshot().Statements {
		if s.Name != "" {
			known[s.Name[:c.kept(s.Name)]] = s.SQL
		}
	}
	for _, s := range c.query("select name, statement, prepare_time, cardinality(parameter_types) from pg_prepared_statements") {
		name := s[0]
		text, ok := known[name]
		for n := range known {
			if c.wary && len(name) >= 60 && strings.HasPrefix(n, name) {
				text, ok = known[n], true
				delete(known, n)
			}
		}
		delete(known, name)
		if !ok && c.wary {
			continue
		}
		if !ok {
			c.Errorf("after %q\n%q is not known", after, name)
			continue
		}
		n, _ := strconv.Atoi(s[3])
		as := c.asSent(name)
		rows := c.must(&pgproto3.Bind{PreparedStatement: as, Parameters: make([][]byte, n)}, &pgproto3.Execute{}, &pgproto3.Sync{})
		if x := c.latest(); x.sql != text || !strings.HasPrefix(x.statement, name) {
			c.Errorf("after %q\n%q executes %q, which is said to be %q", after, name, text, x)
		}
		c.sameText(after, c.prepared, s, text, rows)
		c.statements++
	}
	for name, text := range known {
		c.Errorf("after %q\n%q is gone, not %q", after, name, text)
	}
}

// kept returns how many bytes of a name of the protocol are kept, as far as that is known.
func (c *connection) kept(name string) int {
	if c.wary {
		return len(name)
	}
	return min(len(name), 63)
}

// asSent returns a name that is kept as name, which is no text where it was cut in the
// middle of a character.
func (c *connection) asSent(name string) string {
	for _, n := range names {
		n = c.encode(n)
		if strings.HasPrefix(n, name) && (!utf8.ValidString(name) || c.wary) {
			return n
		}
	}
	return name
}

// compareCursors compares what is declared.
func (c *connection) compareCursors(after string) {
	c.Helper()
	known := map[string]bool{}
	for _, name := range exchange.PortalsOf(c.session) {
		known[name] = true
	}
	for _, s := range c.query("select name, statement, creation_time from pg_cursors") {
		name := s[0]
		for n := range known {
			if n == name || c.wary && len(name) >= 60 && strings.HasPrefix(n, name) {
				delete(known, n)
			}
		}
		rows := c.must(&pgproto3.Execute{Portal: c.asSent(name), MaxRows: 1}, &pgproto3.Sync{})
		if c.wary && c.latest().sql == unknown {
			continue
		}
		c.sameText(after, c.declared, s, c.latest().sql, rows)
		c.cursors++
	}
	for name := range known {
		c.Errorf("after %q\nthe cursor %q is gone", after, name)
	}
}

// sameText demands of a text that it is of the string by which what has a name was made,
// and that it returns the same: name, string and time are those that the server tells.
// compared are the times of those that were compared.
func (c *connection) sameText(after string, compared map[string]string, made []string, text string, rows [][]string) {
	c.Helper()
	name, whole, at := made[0], made[1], made[2]
	if !strings.Contains(whole, text) || strings.HasSuffix(text, ";") {
		c.Errorf("after %q\n%q is %q, not of %q", after, name, text, whole)
	}
	if compared[name] == at {
		return // there are no rows of a cursor any more
	}
	compared[name] = at
	c.other.query("set standard_conforming_strings to " + c.setting)
	if want := c.other.query(text); !reflect.DeepEqual(rows, want) {
		c.Errorf("after %q\n%q returns %q, and %q, which it is said to be, %q", after, name, rows, text, want)
	}
}
