package app

import (
	"bytes"
	"encoding/json"
	"strconv"
	"testing"
)

// otlpSpan is what the tests look at of a span.
type otlpSpan struct {
	TraceID      string `json:"traceId"`
	SpanID       string `json:"spanId"`
	ParentSpanID string `json:"parentSpanId"`
	Attributes   []struct {
		Key   string
		Value struct{ IntValue string }
	}
}

func (s *otlpSpan) int(key string) (n uint64) {
	for _, a := range s.Attributes {
		if a.Key == key {
			n, _ = strconv.ParseUint(a.Value.IntValue, 10, 64) // 0 where it is none
		}
	}
	return n
}

func otlpSpans(t *testing.T, b []byte) (list []otlpSpan) {
	t.Helper()
	for line := range bytes.Lines(b) {
		var body struct {
			ResourceSpans []struct {
				ScopeSpans []struct{ Spans []otlpSpan }
			}
		}
		if err := json.Unmarshal(line, &body); err != nil {
			t.Fatal(err)
		}
		for _, r := range body.ResourceSpans {
			for _, s := range r.ScopeSpans {
				list = append(list, s.Spans...)
			}
		}
	}
	return list
}

// TestPoolerSpans wants one span of each query, and the spans of a pooler's queries to be
// children of their clients', in the same trace.
func TestPoolerSpans(t *testing.T) {
	type place struct{ conn, query uint64 }
	list := otlpSpans(t, output(t, "read", "../../testdata/pcaps/pgbouncer.pcap", "--port", "5432,6432", "-o", "otlp", "-q"))
	at := make(map[place]*otlpSpan)
	for i := range list {
		at[place{list[i].int("pgsniff.connection"), list[i].int("pgsniff.query")}] = &list[i]
	}
	if len(list) != 101 || len(at) != len(list) {
		t.Errorf("%d spans of %d queries", len(list), len(at))
	}
	children, pairs := 0, 0
	for i := range list {
		if list[i].ParentSpanID != "" {
			children++
		}
		conn := list[i].int("pgsniff.pooled.connection")
		if conn == 0 {
			continue
		}
		pairs++
		child := at[place{conn, list[i].int("pgsniff.pooled.query")}]
		if child == nil || child.ParentSpanID != list[i].SpanID || child.TraceID != list[i].TraceID {
			t.Errorf("%+v is not the child of %+v", child, list[i])
		}
	}
	if pairs != 35 || children != pairs {
		t.Errorf("%d pairs, %d children", pairs, children)
	}
}
