package metrics

import (
	"fmt"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
)

func failing(who *record.Who, state string, ns int64) *record.Query {
	q := query(who, 1, ns)
	q.Error = []byte("SERROR\x00C" + state + "\x00Mm\x00\x00")
	return q
}

// TestFailedTimes holds that the histograms of SQLSTATEs are parts of that of all calls,
// that they are bounded, and that a snapshot does not change.
func TestFailedTimes(t *testing.T) {
	r := New(10)
	who := &record.Who{User: "a", Database: "d"}
	r.Query(query(who, 1, 2e6))
	r.Query(failing(who, "42P01", 3e9))
	r.Query(failing(who, "00000", 1e6)) // no error by its class
	before := r.Snapshot().Series[0]
	for i := range maxStates + 5 {
		r.Query(failing(who, fmt.Sprintf("22%03d", i), 1e6))
	}
	if len(before.Failed) != 1 || before.Failed[0].State != "42P01" || before.Failed[0].Sum != 3e9 || before.Timed != 3 {
		t.Fatalf("%+v", before)
	}
	s := r.Snapshot().Series[0]
	if len(s.Failed) != maxStates+1 || s.Failed[maxStates].State != OtherState || s.Failed[maxStates].Timed != 6 {
		t.Fatalf("%+v", s.Failed)
	}
	good := s.Times
	for i := range s.Failed {
		good.Subtract(&s.Failed[i].Times)
	}
	if good.Timed != 2 || good.Sum != 3e6 || good.Buckets[0] != 1 || good.Buckets[1] != 1 {
		t.Errorf("%+v", good)
	}
}

// TestSchemas holds that a schema for each tenant leaves users apart.
func TestSchemas(t *testing.T) {
	r := New(10)
	for i := range 10 * maxWhos {
		r.Query(query(&record.Who{Database: "d", User: fmt.Sprint("u", i%5), SearchPath: fmt.Sprint("tenant", i)}, 1, 1e6))
	}
	if len(r.others) > maxWhos {
		t.Errorf("%d combinations", len(r.others))
	}
	var b strings.Builder
	if err := r.Snapshot().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for i := range 5 {
		if want := fmt.Sprintf(`{database="d",user="u%d",application=""`, i); !strings.Contains(b.String(), want) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(b.String(), `{database="d",schema="tenant1",user="u1"`) || strings.Contains(b.String(), `database="other"`) {
		t.Error(b.String())
	}
}
