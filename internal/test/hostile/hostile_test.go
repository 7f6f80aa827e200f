package hostile

import (
	"bytes"
	"io"
	"os"
	"testing"
)

func TestPcapRoundTrip(t *testing.T) {
	for _, name := range []string{"psql_simple.pcap", "nanosecond.pcap", "linux_sll.pcap"} {
		b, err := os.ReadFile("../../../testdata/pcaps/" + name)
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParsePcap(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !bytes.Equal(f.Bytes(), b) {
			t.Errorf("%s: put together again it is not the same", name)
		}
		for cut := range len(b) {
			if _, err := ParsePcap(b[:cut]); err == nil && cut != 24 && !endsRecord(f, cut) {
				t.Errorf("%s: cut at %d it is no whole file", name, cut)
			}
		}
	}
}

func endsRecord(f *File, at int) bool {
	end := len(f.Header)
	for _, r := range f.Records {
		if end += 16 + len(r.Data); end == at {
			return true
		}
	}
	return false
}

// TestMutations changes the file in every case, in the same way each time, and
// leaves the original alone.
func TestMutations(t *testing.T) {
	b, err := os.ReadFile("../../../testdata/pcaps/psql_simple.pcap")
	if err != nil {
		t.Fatal(err)
	}
	f, err := ParsePcap(bytes.Clone(b))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range Mutations {
		var out [2][]byte
		for i := range out {
			c := f.Clone()
			m.Do(Rand(7), c)
			out[i] = c.Bytes()
		}
		if bytes.Equal(out[0], b) {
			t.Errorf("%s changes nothing", m.Name)
		}
		if !bytes.Equal(out[0], out[1]) {
			t.Errorf("%s is not deterministic", m.Name)
		}
		if !bytes.Equal(f.Bytes(), b) {
			t.Fatalf("%s changes the original", m.Name)
		}
	}
}

// TestScenarios makes a little of each: whole pcap files with packets.
func TestScenarios(t *testing.T) {
	for _, s := range Scenarios {
		n := 200
		if s.N > 1<<20 { // counted in bytes or thousands
			n = 100_000
		}
		b, err := io.ReadAll(s.Make(n))
		if err != nil {
			t.Fatal(err)
		}
		f, err := ParsePcap(b)
		if err != nil || len(f.Records) == 0 {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}
