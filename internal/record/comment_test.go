package record

import "testing"

func TestComment(t *testing.T) {
	const sql = "select 1 /*route='%2Fa',traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/"
	var k Normalizer
	q := &Query{SQL: []byte(sql), SQLLen: len(sql)}
	k.comment(q)
	if len(q.Comment) != 2 || string(q.Comment[0].Name) != "route" || string(q.Comment[0].Value) != "/a" ||
		q.TraceID != "4bf92f3577b34da6a3ce929d0e0e4736" || q.SpanID != "00f067aa0ba902b7" {
		t.Errorf("%+v", q)
	}
	named := &Query{SQL: []byte(sql), SQLLen: len(sql), Statement: []byte("s1")}
	if k.comment(named); len(named.Comment) != 2 || named.TraceID != "" {
		t.Errorf("a prepared statement has the trace %s", named.TraceID)
	}
	cut := &Query{SQL: []byte(sql), SQLLen: len(sql) + 1}
	if k.comment(cut); len(cut.Comment) > 0 {
		t.Error("of a text that was cut")
	}
	plain := &Query{SQL: []byte("select a from b where c = 1"), SQLLen: 27}
	if n := testing.AllocsPerRun(100, func() { k.comment(plain) }); n > 0 {
		t.Errorf("%v allocations where there is no comment", n)
	}
}
