package metrics

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
)

func query(who *record.Who, class int, ns int64) *record.Query {
	sql := fmt.Sprintf("select c%d from t%d", class, class)
	return &record.Query{
		Who: who, SQL: []byte(sql), SQLLen: len(sql), Normalized: []byte(sql), Fingerprint: uint64(class) + 1,
		Duration: ns, Complete: true, Rows: 1,
	}
}

// TestCountsAreComplete holds, over random traffic of more classes than have series,
// that the series are bounded, that no counter ever gets smaller, and that their sums
// are what came.
func TestCountsAreComplete(t *testing.T) {
	const top = 10
	rnd := rand.New(rand.NewPCG(1, 2))
	r := New(top)
	whos := []*record.Who{{User: "a", Database: "d"}, {User: "b", Database: "d", Application: "x"}}
	var calls uint64
	last := make(map[string]uint64)
	now, seen := int64(1), uint64(0)
	for range 300 {
		for range 200 {
			// Later classes take more time: they have to take the places of others.
			class := int(rnd.ExpFloat64()*8) + int(now/20e9)
			ns := int64(rnd.ExpFloat64() * 1e6 * float64(class+1))
			r.Query(query(whos[rnd.IntN(2)], class, ns))
			calls++
		}
		now += 1e9
		r.Tick(now, &record.Totals{})
		s := r.Snapshot()
		if len(s.Series) > 2*top+len(whos) {
			t.Fatalf("%d series", len(s.Series))
		}
		present := make(map[string]bool)
		for _, v := range s.Series {
			key := v.labels()
			if present[key] = true; v.Calls < last[key] {
				t.Fatalf("%s fell from %d to %d", key, last[key], v.Calls)
			}
			seen += v.Calls - last[key]
			last[key] = v.Calls
		}
		for key := range last {
			if !present[key] {
				delete(last, key) // the series has ended
			}
		}
	}
	if len(r.candidates) > maxCandidates {
		t.Errorf("%d candidates", len(r.candidates))
	}
	// The classes with most time have series in the end.
	own := 0
	for _, v := range r.Snapshot().Series {
		if v.Fingerprint > 12 {
			own++
		}
	}
	if own < top/2 {
		t.Errorf("%d of the late classes have series", own)
	}
	if seen != calls {
		t.Errorf("who looks once a second sees %d of %d calls", seen, calls)
	}
}

// TestSums holds that nothing is lost where classes stay.
func TestSums(t *testing.T) {
	r := New(3)
	who := &record.Who{User: "u", Database: "d"}
	for i := range 100 {
		r.Query(query(who, i%5, int64(i)*1e6))
	}
	r.Tick(1, &record.Totals{Packets: 7})
	var calls, timed, buckets uint64
	for _, s := range r.Snapshot().Series {
		calls, timed = calls+s.Calls, timed+s.Timed
		for _, n := range s.Buckets {
			buckets += n
		}
	}
	if calls != 100 || timed != 100 || buckets != 100 {
		t.Error(calls, timed, buckets)
	}
}

// TestWhosAreBounded holds that users and applications made up by the hundred do not
// make series by the hundred.
func TestWhosAreBounded(t *testing.T) {
	r := New(10)
	for i := range 10_000 {
		w := &record.Who{User: fmt.Sprint("u", i), Database: "d"}
		r.Opened(w)
		r.Query(query(w, i, 1))
		q := query(w, i, 1)
		q.Error = fmt.Appendf(nil, "C%05d\x00\x00", i)
		r.Query(q)
	}
	s := r.Snapshot()
	if len(s.Series) > maxWhos+11 || len(s.Connections) > maxWhos+1 || len(s.Errors) > maxErrors+1 {
		t.Error(len(s.Series), len(s.Connections), len(s.Errors))
	}
}

// TestText has Prometheus' own linter read the exposition, hostile labels included.
func TestText(t *testing.T) {
	r := New(5)
	who := &record.Who{User: "a\"b\\c\nd", Database: "x\xff\x1b[2J", Application: "é{}=,"}
	r.Opened(who)
	r.Query(query(who, 1, 3e6))
	q := query(who, 2, 20e9)
	q.Error = []byte("C22012\x00\x00")
	r.Query(q)
	r.Tick(1, &record.Totals{Packets: 3})
	var b bytes.Buffer
	if err := r.Snapshot().WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`pgsniff_query_duration_seconds_bucket{database="x` + "\ufffd\x1b" + `[2J",user="a\"b\\c\nd",application="é{}=,",query="select t1",fingerprint="0000000000000002",le="0.005"} 1`,
		`le="+Inf"} 1`, `sqlstate="22012"} 1`, "pgsniff_packets_total 3\n",
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %s in\n%s", want, b.String())
		}
	}
	tool, err := exec.LookPath("promtool")
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("needs promtool: apt-get install prometheus")
		}
		t.Skip("install prometheus to have promtool check the text")
	}
	cmd := exec.Command(tool, "check", "metrics")
	cmd.Stdin = &b
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}
