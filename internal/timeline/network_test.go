package timeline

import (
	"bytes"
	"encoding/json"
	"io"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

type closer struct{ io.Writer }

func (closer) Close() error { return nil }

// TestNetwork: what the network did stands on the track of its connection, from when
// that has one until it is over.
func TestNetwork(t *testing.T) {
	var buf bytes.Buffer
	env := &sink.Env{Create: func() (io.WriteCloser, error) { return closer{&buf}, nil }, Now: time.Now}
	s, err := Output.Setup(nil)(env)
	if err != nil {
		t.Fatal(err)
	}
	if !s.Wants().Network {
		t.Fatal("it does not want to know of the network")
	}
	c := &record.Conn{ID: 7, Client: "10.0.0.1:1", Server: "10.0.0.2:5432"}
	fact := func(kind netfacts.Kind, at int64) {
		s.Record(&netfacts.Record{Event: netfacts.Event{Kind: kind, Conn: 7, FromClient: true, N: 100, Length: 5000, At: reassembly.Stamp{Time: at}}})
	}
	fact(netfacts.Reset, 500) // nothing is known of its connection
	q := &record.Query{Conn: c, Who: &record.Who{}, ID: 1, Start: record.Stamp{Time: 1000, Frame: 1}, Duration: 2000}
	s.Record(q)
	fact(netfacts.Retransmission, 2000)
	fact(netfacts.RTT, 2500)
	s.Record(&record.Connection{Conn: c, Who: &record.Who{}})
	fact(netfacts.Reset, 3000)
	if err := s.End(&record.Totals{}); err != nil {
		t.Fatal(err)
	}
	var trace struct {
		TraceEvents []struct {
			Ph, Name string
			Ts       float64
			Tid, Pid int
			Args     map[string]any
		}
	}
	if err := json.Unmarshal(buf.Bytes(), &trace); err != nil {
		t.Fatalf("%v\n%s", err, buf.Bytes())
	}
	n := 0
	for _, e := range trace.TraceEvents {
		if e.Ph != "i" {
			continue
		}
		n++
		if e.Name != "segment repeated" || e.Ts != 1 || e.Tid != 7*lanes || e.Pid != 1 || e.Args["from"] != "client" || e.Args["bytes"] != 100. || e.Args["took_us"] != 5. {
			t.Errorf("%+v", e)
		}
	}
	if n != 1 {
		t.Errorf("%d marks in\n%s", n, buf.Bytes())
	}
}
