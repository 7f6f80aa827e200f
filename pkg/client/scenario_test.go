package client

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// scenarios are run against each version, reading one byte at a time and more.
var scenarios = []struct {
	name string
	run  func(t *testing.T, d *driver)
}{
	{"simple", simpleQueries},
	{"simple errors", simpleErrors},
	{"prepare", preparedStatements},
	{"errors of extended queries", extendedErrors},
	{"suspended portals", suspendedPortals},
	{"portals in a transaction", portalsInTransaction},
	{"close", closing},
	{"COPY in", copyIn},
	{"COPY in, extended", copyInExtended},
	{"COPY in, failures", copyInFailures},
	{"COPY out", copyOut},
	{"function call", functionCall},
	{"notifications and notices", asynchronous},
	{"the session's parameters", sessionParameters},
}

func TestServerScenarios(t *testing.T) {
	onServers(t, func(t *testing.T, s *pgtest.Server) {
		s.Exec(t, "GRANT ALL ON SCHEMA public TO PUBLIC")
		for _, chunk := range []int{1, 7, 4096} {
			for _, sc := range scenarios {
				t.Run(fmt.Sprintf("%s by %d", sc.name, chunk), func(t *testing.T) {
					d := newDriver(t, New(Config{User: users[AuthTrust], Database: "postgres"}), dial(t, address(s)), chunk)
					d.must(d.DoStartup())
					d.states = nil
					sc.run(t, d)
				})
			}
		}
	})
}

// passed checks the states that were gone through since the last call.
func (d *driver) passed(states ...State) {
	d.t.Helper()
	if !slices.Equal(d.states, states) {
		d.t.Errorf("states\n\t%v\nwant\n\t%v", d.states, states)
	}
	d.states = nil
}

// same compares what is printed alike.
func same(t testing.TB, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("got %s\nwant %s", g, w)
	}
}

// fails returns a function that runs a request which fails; the session goes on.
func (d *driver) fails(sqlstate string) func([]byte, error) []Event {
	return func(out []byte, err error) []Event {
		d.t.Helper()
		events, err := d.run(out, err)
		if err != nil {
			d.t.Fatalf("%v after %v", err, names(events))
		}
		e := find[*ServerError](d.t, events)
		if e.SQLState != sqlstate || !e.Recoverable || e.Message == "" || e.Severity != "ERROR" {
			d.t.Errorf("error %+v", e)
		}
		if !d.IsReady() {
			d.t.Errorf("state %v", d.State())
		}
		return events
	}
}

func simpleQueries(t *testing.T, d *driver) {
	events := d.must(d.DoSimpleQuery("SELECT 1 AS a, NULL AS b, '' AS c; BEGIN; SELECT 'x' WHERE false"))
	same(t, names(events), "[RowDescription Row CommandComplete CommandComplete RowDescription CommandComplete Ready]")
	d.passed(StateQuerySent, StateQueryRows, StateQueryComplete, StateQueryRows, StateQueryComplete, StateReady)
	same(t, rows(t, events), "[[1  ]]")
	row := find[*Row](t, events)
	if row.Len() != 3 || row.IsNull(0) || !row.IsNull(1) || row.IsNull(2) || row.Raw(2) == nil || row.Columns()[1].Name != "b" {
		t.Errorf("row %+v", row)
	}
	if d.TxStatus() != 'T' || !d.InTransaction() {
		t.Errorf("status %c", d.TxStatus())
	}
	events = d.must(d.DoSimpleQuery(" "))
	same(t, names(events), "[EmptyQuery Ready]")
	d.passed(StateQuerySent, StateQueryComplete, StateReady)
	same(t, *find[*CommandComplete](t, d.must(d.DoSimpleQuery("COMMIT"))), "{COMMIT COMMIT 0}")
	d.must(d.DoSimpleQuery("CREATE TEMP TABLE t (n int)"))
	same(t, *find[*CommandComplete](t, d.must(d.DoSimpleQuery("INSERT INTO t VALUES (1), (2)"))), "{INSERT 0 2 INSERT 2}")
	if d.InTransaction() {
		t.Error("in a transaction")
	}
}

func simpleErrors(t *testing.T, d *driver) {
	events := d.fails("42601")(d.DoSimpleQuery("SELEC 1"))
	if e := find[*ServerError](t, events); e.Position != 1 || e.Line == 0 || e.Routine == "" || !strings.Contains(e.Error(), "SQLSTATE 42601") {
		t.Errorf("error %+v", e)
	}
	d.passed(StateQuerySent, StateRecoverableError, StateReady)
	events = d.fails("22012")(d.DoSimpleQuery("SELECT 1; SELECT 1/x FROM generate_series(1, 0, -1) x"))
	same(t, names(events), "[RowDescription Row CommandComplete RowDescription Row ServerError Ready]")
	d.passed(StateQuerySent, StateQueryRows, StateQueryComplete, StateQueryRows, StateRecoverableError, StateReady)
	d.must(d.DoSimpleQuery("BEGIN"))
	d.fails("22012")(d.DoSimpleQuery("SELECT 1/0"))
	if d.TxStatus() != 'E' || !d.InTransaction() {
		t.Errorf("status %c", d.TxStatus())
	}
}

func preparedStatements(t *testing.T, d *driver) {
	events := d.must(d.DoPrepare("sum", "SELECT $1::int4 + $2::int4 AS sum, $3::text AS t"))
	same(t, names(events), "[ParseComplete ParameterDescription PreparedStatement Ready]")
	d.passed(StateParseSent, StateParseComplete, StateParametersDescribed, StateStatementDescribed, StateReady)
	s := find[*PreparedStatement](t, events)
	same(t, s.ParameterOIDs, "[23 23 25]")
	if s.Name != "sum" || len(s.Columns) != 2 || s.Columns[0].Name != "sum" || s.Columns[0].TypeOID != 23 || s.Columns[0].TypeSize != 4 {
		t.Errorf("statement %+v", s)
	}
	for _, binary := range []bool{false, true} {
		events = d.must(d.DoBindExecute(s, []any{2, int64(40), nil}, ExecuteOptions{Binary: binary}))
		same(t, names(events), "[BindComplete Row CommandComplete Ready]")
		d.passed(StateBindSent, StateRows, StateExecuteComplete, StateReady)
		values, err := find[*Row](t, events).Values()
		if err != nil || values[0] != int32(42) || values[1] != nil {
			t.Errorf("%#v, %v", values, err)
		}
		same(t, rows(t, events), "[[42 ]]")
	}
	s = find[*PreparedStatement](t, d.must(d.DoPrepare("", "CREATE TEMP TABLE t (n int)")))
	if s.Columns != nil || s.ParameterOIDs == nil && len(s.ParameterOIDs) != 0 {
		t.Errorf("statement %+v", s)
	}
	d.states = nil
	events = d.must(d.DoBindExecute(s, nil, ExecuteOptions{}))
	same(t, names(events), "[BindComplete CommandComplete Ready]")
	same(t, names(d.must(d.DoBindExecute(&PreparedStatement{Name: "sum", ParameterOIDs: []uint32{23, 23, 25}, Columns: make([]Column, 2)},
		[]any{"1", "2", "é"}, ExecuteOptions{}))), "[BindComplete Row CommandComplete Ready]")
	// Without its text the statement may be a COPY: the Sync comes later.
	s = find[*PreparedStatement](t, d.must(d.DoPrepare("", "INSERT INTO t VALUES ($1)", 20)))
	same(t, s.ParameterOIDs, "[20]")
	s.SQL = ""
	d.states = nil
	events = d.must(d.DoBindExecute(s, []any{5}, ExecuteOptions{Portal: "p"}))
	same(t, names(events), "[BindComplete CommandComplete Ready]")
	d.passed(StateBindSent, StateRows, StateExecuteComplete, StateReady)
	s = find[*PreparedStatement](t, d.must(d.DoPrepare("", "")))
	same(t, names(d.must(d.DoBindExecute(s, nil, ExecuteOptions{}))), "[BindComplete EmptyQuery Ready]")
}

func extendedErrors(t *testing.T, d *driver) {
	events := d.fails("42601")(d.DoPrepare("", "SELEC"))
	same(t, names(events), "[ServerError Ready]")
	d.passed(StateParseSent, StateRecoverableError, StateReady)

	s := find[*PreparedStatement](t, d.must(d.DoPrepare("s", "SELECT 1/(i - $1::int4) FROM generate_series(1, 1) i")))
	d.states = nil
	events = d.fails("22P02")(d.DoBindExecute(s, []any{"no number"}, ExecuteOptions{}))
	same(t, names(events), "[ServerError Ready]")
	d.passed(StateBindSent, StateRecoverableError, StateReady)
	events = d.fails("22P02")(d.DoBindExecute(s, []any{"no number"}, ExecuteOptions{MaxRows: 1}))
	same(t, names(events), "[ServerError Ready]") // the Sync comes from Outgoing
	d.passed(StateBindSent, StateRecoverableError, StateReady)
	d.fails("22012")(d.DoBindExecute(s, []any{1}, ExecuteOptions{}))
	d.passed(StateBindSent, StateRows, StateRecoverableError, StateReady)
	d.fails("22012")(d.DoBindExecute(s, []any{1}, ExecuteOptions{MaxRows: 9}))
	d.passed(StateBindSent, StateRows, StateRecoverableError, StateReady)

	for _, arguments := range [][]any{nil, {1, 2}, {struct{}{}}, {make(chan int)}} {
		_, err := d.DoBindExecute(s, arguments, ExecuteOptions{})
		var a *ArgumentError
		if !errors.As(err, &a) || !d.IsReady() {
			t.Errorf("%v: %v in %v", arguments, err, d.State())
		}
	}
	d.must(d.DoSimpleQuery("DEALLOCATE s"))
	d.fails("26000")(d.DoBindExecute(s, []any{1}, ExecuteOptions{}))
	d.fails("34000")(d.DoContinue(&Portal{Name: "none"}, 0))
	d.fails("34000")(d.DoContinue(&Portal{Name: "none"}, 5))
	_, err := d.DoPrepare("a\x00b", "SELECT 1")
	if err == nil || !d.IsReady() {
		t.Errorf("%v in %v", err, d.State())
	}
	same(t, rows(t, d.must(d.DoSimpleQuery("SELECT 'still here'"))), "[[still here]]")
}

func suspendedPortals(t *testing.T, d *driver) {
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("", "SELECT * FROM generate_series(1, 5)")))
	d.states = nil
	events := d.must(d.DoBindExecute(s, nil, ExecuteOptions{MaxRows: 2}))
	same(t, names(events), "[BindComplete Row Suspended]")
	same(t, rows(t, events), "[[1] [2]]")
	p := find[*Suspended](t, events).Portal
	events = d.must(d.DoContinue(p, 2))
	same(t, rows(t, events), "[[3] [4]]")
	d.passed(StateBindSent, StateRows, StatePortalSuspended, StateRows, StatePortalSuspended)
	events = d.must(d.DoContinue(p, 2))
	same(t, names(events), "[Row CommandComplete Ready]")
	same(t, rows(t, events), "[[5]]")
	d.passed(StateRows, StateExecuteComplete, StateReady)

	p = find[*Suspended](t, d.must(d.DoBindExecute(s, nil, ExecuteOptions{MaxRows: 1}))).Portal
	d.states = nil
	events = d.must(d.DoContinue(p, 0))
	same(t, rows(t, events), "[[2] [3] [4] [5]]")
	d.passed(StateRows, StateExecuteComplete, StateReady)

	// A limit that is met exactly suspends as well.
	p = find[*Suspended](t, d.must(d.DoBindExecute(s, nil, ExecuteOptions{MaxRows: 5}))).Portal
	same(t, *find[*CommandComplete](t, d.must(d.DoContinue(p, 5))), "{SELECT 0 SELECT 0}")

	d.must(d.DoBindExecute(s, nil, ExecuteOptions{MaxRows: 1}))
	d.states = nil
	same(t, names(d.must(d.DoSync())), "[Ready]")
	d.passed(StateSyncSent, StateReady)
	d.fails("34000")(d.DoContinue(p, 1))

	d.must(d.DoBindExecute(s, nil, ExecuteOptions{MaxRows: 1, Portal: "other"}))
	d.states = nil
	same(t, names(d.must(d.DoClosePortal("other"))), "[CloseComplete Ready]")
	d.passed(StateCloseSent, StateCloseComplete, StateReady)
}

func portalsInTransaction(t *testing.T, d *driver) {
	d.must(d.DoSimpleQuery("BEGIN"))
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("", "SELECT i, 'x' FROM generate_series(1, 3) i")))
	p := find[*Suspended](t, d.must(d.DoBindExecute(s, nil, ExecuteOptions{MaxRows: 1, Portal: "cursor", Binary: true}))).Portal
	d.must(d.DoSync())
	d.must(d.DoSimpleQuery("SELECT 1"))
	events := d.must(d.DoContinue(p, 1))
	same(t, rows(t, events), "[[2 x]]")
	d.must(d.DoSync())
	same(t, rows(t, d.must(d.DoSimpleQuery("FETCH cursor"))), "[[3 x]]")
}

func closing(t *testing.T, d *driver) {
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("s", "SELECT 1")))
	d.states = nil
	same(t, names(d.must(d.DoCloseStatement("s"))), "[CloseComplete Ready]")
	d.passed(StateCloseSent, StateCloseComplete, StateReady)
	same(t, names(d.must(d.DoCloseStatement("was never there"))), "[CloseComplete Ready]")
	d.fails("26000")(d.DoBindExecute(s, nil, ExecuteOptions{}))
}

func functionCall(t *testing.T, d *driver) {
	const int4pl = 177
	events := d.must(d.DoFunctionCall(int4pl, false, []byte("40"), []byte("2")))
	same(t, names(events), "[FunctionResult Ready]")
	same(t, string(find[*FunctionResult](t, events).Value), "42")
	d.passed(StateFunctionCallSent, StateFunctionResult, StateReady)
	events = d.must(d.DoFunctionCall(int4pl, true, []byte{0, 0, 0, 40}, []byte{0, 0, 0, 2}))
	same(t, find[*FunctionResult](t, events).Value, "[0 0 0 42]")
	events = d.must(d.DoFunctionCall(int4pl, true, nil, []byte{0, 0, 0, 2}))
	if v := find[*FunctionResult](t, events).Value; v != nil {
		t.Errorf("%v in place of NULL", v)
	}
	d.states = nil
	d.fails("42883")(d.DoFunctionCall(4, false))
	d.passed(StateFunctionCallSent, StateRecoverableError, StateReady)
}

func asynchronous(t *testing.T, d *driver) {
	d.must(d.DoSimpleQuery("LISTEN news"))
	events := d.must(d.DoSimpleQuery("NOTIFY news, 'it rains'"))
	n := find[*Notification](t, events)
	if n.Channel != "news" || n.Payload != "it rains" || n.ProcessID == 0 {
		t.Errorf("%+v", n)
	}
	events = d.must(d.DoSimpleQuery("DO $$BEGIN RAISE WARNING 'take %', 'care' USING HINT = 'now'; END$$"))
	w := find[*Notice](t, events)
	if w.Severity != "WARNING" || w.Message != "take care" || w.Hint != "now" || w.SQLState != "01000" {
		t.Errorf("%+v", w)
	}
}

func sessionParameters(t *testing.T, d *driver) {
	if d.ClientEncoding() != "UTF8" || d.TimeZone() != time.UTC {
		t.Errorf("%s, %v", d.ClientEncoding(), d.TimeZone())
	}
	events := d.must(d.DoSimpleQuery("SET TimeZone = 'Europe/Vienna'"))
	if p := find[*ParameterStatus](t, events); p.Name != "TimeZone" || p.Value != "Europe/Vienna" || d.TimeZone().String() != "Europe/Vienna" {
		t.Errorf("%+v, %v", p, d.TimeZone())
	}
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("", "SELECT '2024-07-01 12:00+00'::timestamptz, ARRAY['2024-01-01 12:00+00'::timestamptz]")))
	for _, binary := range []bool{false, true} {
		events := d.must(d.DoBindExecute(s, nil, ExecuteOptions{Binary: binary}))
		same(t, rows(t, events), `[[2024-07-01 14:00:00+02 {"2024-01-01 13:00:00+01"}]]`)
		values, err := find[*Row](t, events).Values()
		same(t, fmt.Sprint(values, err), "[2024-07-01 14:00:00 +0200 CEST [2024-01-01 13:00:00 +0100 CET]] <nil>")
	}
	if _, ok := d.Parameter("none"); ok {
		t.Error("a parameter that was not reported")
	}
	if v, ok := d.Parameter("TimeZone"); !ok || v != "Europe/Vienna" {
		t.Error(v)
	}
}

// The log has every message and nothing of what is in them.
func TestLogger(t *testing.T) {
	var log bytes.Buffer
	config := Config{User: "alice", Password: secret, Logger: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))}
	if _, _, err := authenticate(t, config, newBackend(AuthSCRAM)); err != nil {
		t.Fatal(err)
	}
	text := log.String()
	for _, want := range []string{"message=SASLInitialResponse", "message=AuthenticationOk", "message=ReadyForQuery state=ready"} {
		if !strings.Contains(text, want) {
			t.Errorf("the log does not hold %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, secret) || strings.Contains(text, "r=") {
		t.Errorf("the log:\n%s", text)
	}
}
