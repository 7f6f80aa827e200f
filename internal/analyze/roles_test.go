package analyze_test

import (
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// TestJoinedWrongWay joins captures at each packet, told the server's port, the
// client's, both or none, and holds what is said of the connections to the whole
// capture: a query that calls itself complete is one of the whole, and messages are
// the right way round a few packets after the first that tells, or a notice gives up
// what was concluded.
func TestJoinedWrongWay(t *testing.T) {
	for _, name := range []string{"copy", "libpq_extended", "libpq_pipeline", "client_jdbc", "large_objects", "auth_scram", "cancel_pg18_proto32", "auth_md5"} {
		t.Run(name, func(t *testing.T) {
			b := readCapture(t, name+".pcap")
			f, err := hostile.ParsePcap(b)
			if err != nil {
				t.Fatal(err)
			}
			whole := collect(t, b, way{})
			ports := map[string]uint16{}
			for i := range f.Records {
				if src, dst := f.Ports(i); src == 5432 || dst == 5432 {
					ports["client"] = src + dst - 5432
				}
			}
			if len(ports) == 0 {
				t.Skip("not on port 5432")
			}
			turned := 0
			for i := 1; i < len(f.Records); i += 1 + len(f.Records)/60 {
				for _, listed := range [][]uint16{{5432}, {ports["client"]}, {5432, ports["client"]}, {1}} {
					got := collect(t, f.From(i).Bytes(), way{ports: listed})
					turned += checkRoles(t, whole, got, i, listed)
				}
			}
			if turned == 0 {
				t.Error("no direction was ever given up")
			}
		})
	}
}

// checkRoles returns 1 if the sides were turned.
func checkRoles(t *testing.T, whole, got *collector, from int, listed []uint16) int {
	t.Helper()
	queries := map[string]int{}
	for _, q := range whole.queries {
		queries[q.sql+q.tags]++
	}
	for _, q := range got.queries {
		if q.complete && queries[q.sql+q.tags] == 0 {
			t.Errorf("from packet %d, ports %v: a complete query that never was: %+v", from, listed, q)
		}
	}
	type place struct {
		frame uint64
		dir   messages.Direction
		kind  messages.Kind
	}
	sent := map[place]bool{}
	for _, m := range whole.messages {
		sent[place{m.frame - uint64(from), m.dir, m.kind}] = true
	}
	var given []session.Notice
	for _, n := range got.notices {
		if n.Code == session.NoticeInference && strings.Contains(n.Text, "is the server") {
			given = append(given, n)
		}
	}
	for _, m := range got.messages {
		right := sent[place{m.frame, m.dir, m.kind}]
		switch {
		case right || m.inferred && (len(given) == 0 || m.frame <= given[0].At.Frame):
		default:
			t.Errorf("from packet %d, ports %v: packet %d has no %v %v", from, listed, m.frame, m.dir, m.kind)
		}
	}
	return min(len(given), 1)
}

// TestCopyTurnsOutToBeReplication joins replication where its data proves nothing
// yet, and goes on to a keepalive, which does.
func TestCopyTurnsOutToBeReplication(t *testing.T) {
	p := new(hostile.Packets)
	c := hostile.NewConn(1)
	for range 8 {
		p.Send(c, 1, hostile.Message('d', []byte("wa row of text\n")))
	}
	now := []byte{0, 2, 0xf0, 0, 0, 0, 0, 0} // in 2026, in microseconds since 2000
	for range 8 {
		p.Send(c, 1, hostile.Message('d', append(append([]byte{'k', 0, 0, 0, 0, 1, 2, 3, 4}, now...), 0)))
	}
	got := collect(t, p.File(), way{ports: []uint16{5432}})
	n := 0
	for _, x := range got.notices {
		if x.Code == session.NoticeInference {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d notices that an inference was given up: %+v", n, got.notices)
	}
}
