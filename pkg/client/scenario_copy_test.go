package client

import (
	"strings"
	"testing"
)

// write sends bytes without waiting for an answer.
func (d *driver) write(out []byte, err error) {
	d.t.Helper()
	if err == nil {
		_, err = d.transport.Write(out)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.note()
}

func copyIn(t *testing.T, d *driver) {
	d.must(d.DoSimpleQuery("CREATE TEMP TABLE t (n int, s text)"))
	d.states = nil
	events := d.must(d.DoSimpleQuery("COPY t FROM STDIN; SELECT count(*) FROM t"))
	format := find[*CopyIn](t, events)
	same(t, format.CopyFormat, "{false [0 0]}")
	d.write(d.DoCopyData([]byte("1\tone\n2\t")))
	d.write(d.DoCopyData([]byte("two\n")))
	events = d.must(d.DoCopyDone())
	same(t, names(events), "[CommandComplete RowDescription Row CommandComplete Ready]")
	same(t, *find[*CommandComplete](t, events), "{COPY 2 COPY 2}")
	same(t, rows(t, events), "[[2]]")
	d.passed(StateQuerySent, StateCopyIn, StateCopyInEnded, StateQueryComplete, StateQueryRows, StateQueryComplete, StateReady)
}

func copyInExtended(t *testing.T, d *driver) {
	d.must(d.DoSimpleQuery("CREATE TEMP TABLE t (n int)"))
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("", "/* comment */ COPY t FROM STDIN")))
	for _, o := range []ExecuteOptions{{}, {MaxRows: 1}} {
		d.states = nil
		events := d.must(d.DoBindExecute(s, nil, o))
		same(t, names(events), "[BindComplete CopyIn]")
		d.write(d.DoCopyData([]byte("1\n2\n3\n")))
		events = d.must(d.DoCopyDone())
		same(t, names(events), "[CommandComplete Ready]")
		same(t, *find[*CommandComplete](t, events), "{COPY 3 COPY 3}")
		d.passed(StateBindSent, StateRows, StateCopyIn, StateCopyInEnded, StateExecuteComplete, StateReady)
	}
	same(t, rows(t, d.must(d.DoSimpleQuery("SELECT count(*) FROM t"))), "[[6]]")
}

func copyInFailures(t *testing.T, d *driver) {
	d.must(d.DoSimpleQuery("CREATE TEMP TABLE t (n int)"))
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("s", "COPY t FROM STDIN")))
	begin := []func() []Event{
		func() []Event { return d.must(d.DoSimpleQuery("COPY t FROM STDIN")) },
		func() []Event { return d.must(d.DoBindExecute(s, nil, ExecuteOptions{})) },
	}
	for _, begin := range begin {
		find[*CopyIn](t, begin())
		d.states = nil
		events := d.fails("57014")(d.DoCopyFail("no more paper"))
		d.passed(StateCopyInEnded, StateRecoverableError, StateReady)
		if e := find[*ServerError](t, events); !strings.Contains(e.Message, "no more paper") {
			t.Errorf("%v", e)
		}

		find[*CopyIn](t, begin())
		d.write(d.DoCopyData([]byte("no number\n")))
		d.fails("22P02")(d.DoCopyDone())

		// Noticed before the end.
		find[*CopyIn](t, begin())
		d.states = nil
		d.fails("22P02")(d.DoCopyData([]byte("no number\n2\n3\n")))
		d.passed(StateCopyIn, StateRecoverableError, StateReady)

		if _, err := d.DoCopyData(nil); err == nil {
			t.Error("data outside of COPY")
		}
		if _, err := d.DoCopyDone(); err == nil {
			t.Error("CopyDone outside of COPY")
		}
		same(t, rows(t, d.must(d.DoSimpleQuery("SELECT count(*) FROM t"))), "[[0]]")
	}
}

func copyOut(t *testing.T, d *driver) {
	const sql = "COPY (SELECT i, 'é' FROM generate_series(1, 2) i) TO STDOUT"
	events := d.must(d.DoSimpleQuery(sql))
	same(t, names(events), "[CopyOut CopyData CopyData CopyDone CommandComplete Ready]")
	d.passed(StateQuerySent, StateCopyOut, StateCopyOutEnded, StateQueryComplete, StateReady)
	text, err := d.DecodeText(find[*CopyData](t, events).Data)
	if text != "1\té\n" || err != nil {
		t.Errorf("%q, %v", text, err)
	}
	s := find[*PreparedStatement](t, d.must(d.DoPrepare("", sql)))
	d.states = nil
	events = d.must(d.DoBindExecute(s, nil, ExecuteOptions{}))
	same(t, names(events), "[BindComplete CopyOut CopyData CopyData CopyDone CommandComplete Ready]")
	d.passed(StateBindSent, StateRows, StateCopyOut, StateCopyOutEnded, StateExecuteComplete, StateReady)
	events = d.fails("22012")(d.DoSimpleQuery("COPY (SELECT 1/(2 - i) FROM generate_series(1, 2) i) TO STDOUT"))
	same(t, names(events), "[CopyOut CopyData ServerError Ready]")
	events = d.must(d.DoSimpleQuery("COPY (SELECT 1) TO STDOUT (FORMAT binary)"))
	same(t, find[*CopyOut](t, events).CopyFormat, "{true [1]}")
}
