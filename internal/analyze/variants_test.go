package analyze_test

import (
	"bytes"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/hostile"
)

// volatile are the keys that may differ between a capture and one that says the
// same in another way.
var volatile = []string{
	"ts", "frame", "conn", "end", "duration_ns", "first_reply_ns", "first_row_ns", "pause_ns",
	"paused_in_transaction", "idle_in_transaction_ns", "retransmitted_bytes", "started_mid_stream",
}

// records returns what the pipeline writes, by client, without what is volatile.
func records(t *testing.T, w way, captures ...[]byte) map[string][]string {
	t.Helper()
	readers := make([]io.Reader, len(captures))
	for i := range captures {
		readers[i] = bytes.NewReader(captures[i])
	}
	out, _, err := w.analyse(readers...)
	if err != nil {
		t.Fatal(err)
	}
	by := map[string][]string{}
	for line := range bytes.Lines(out) {
		var r map[string]json.RawMessage
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		client := string(r["client"])
		if w.ports[0] != 5432 {
			delete(r, "server")
		}
		for _, k := range volatile {
			delete(r, k)
		}
		b, _ := json.Marshal(r)
		by[client] = append(by[client], string(b))
	}
	return by
}

// same compares the records of a variant with those of its base.
func same(t *testing.T, base, got map[string][]string) {
	t.Helper()
	if len(base) != len(got) {
		t.Errorf("%d clients, want %d", len(got), len(base))
	}
	for client, want := range base {
		have := got[client]
		for i := range min(len(want), len(have)) {
			if want[i] != have[i] {
				t.Errorf("%s, record %d:\ngot  %.300s\nwant %.300s", client, i, have[i], want[i])
				break
			}
		}
		if len(want) != len(have) {
			t.Errorf("%s: %d records, want %d", client, len(have), len(want))
		}
	}
}

// sameData reports whether packet i and the next carry data of one flow: the
// network may have reordered them.
func sameData(f *hostile.File, i int) bool {
	a, okA := f.TCP(i)
	b, okB := f.TCP(i + 1)
	return okA && okB && a.HasData() && b.HasData() && a.Flow == b.Flow
}

// variants say the same as their base in another way.
var variants = []struct {
	name   string
	change func(f *hostile.File)
}{
	{"every packet twice", func(f *hostile.File) {
		var twice []hostile.Record
		for _, r := range f.Records {
			twice = append(twice, r, r)
		}
		f.Records = twice
	}},
	{"retransmitted later", func(f *hostile.File) {
		for i := len(f.Records) - 1; i > 0; i -= 3 {
			if p, ok := f.TCP(i); ok && p.HasData() {
				f.Records = slices.Insert(f.Records, min(i+5, len(f.Records)), f.Records[i])
			}
		}
	}},
	{"neighbours of one flow swapped", func(f *hostile.File) {
		for i := 0; i+1 < len(f.Records); i++ {
			if sameData(f, i) {
				f.Records[i], f.Records[i+1] = f.Records[i+1], f.Records[i]
				i++
			}
		}
	}},
	{"data before the acknowledgment of SYN", func(f *hostile.File) {
		for i := 0; i+1 < len(f.Records); i++ {
			a, _ := f.TCP(i)
			b, ok := f.TCP(i + 1)
			if ok && a.Flow == b.Flow && !a.HasData() && b.HasData() && a.Flags == hostile.ACK {
				f.Records[i], f.Records[i+1] = f.Records[i+1], f.Records[i]
				i++
			}
		}
	}},
	{"sequence numbers wrap", wrapAll},
	{"no SYN", func(f *hostile.File) {
		without := f.Records[:0:0]
		for i, r := range f.Records {
			if p, ok := f.TCP(i); !ok || p.Flags&hostile.SYN == 0 {
				without = append(without, r)
			}
		}
		f.Records = without
	}},
	{"time goes backwards", func(f *hostile.File) {
		for i := range f.Records {
			f.Records[i].Sec = f.Records[0].Sec + uint32(len(f.Records)-i)
		}
	}},
	{"time stands still", func(f *hostile.File) {
		for i := range f.Records {
			f.Records[i].Sec, f.Records[i].Frac = 0, 0
		}
	}},
}

// wrapAll moves the sequence numbers of all flows so that they pass zero in
// their first segments.
func wrapAll(f *hostile.File) {
	moved := map[string]bool{}
	for i := range f.Records {
		p, ok := f.TCP(i)
		if !ok || p.Flags&hostile.SYN == 0 || moved[p.Flow] {
			continue
		}
		moved[p.Flow] = true
		src, dst, _ := strings.Cut(p.Flow, ">")
		f.ShiftSeq(p.Flow, dst+">"+src, 0xffffffff-30-p.Seq)
	}
}

func TestVariants(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "psql_simple.pcap", "libpq_pipeline.pcap", "copy.pcap"} {
		b := readCapture(t, name)
		base := records(t, way{ports: []uint16{5432}}, b)
		for _, v := range variants {
			t.Run(name+"/"+v.name, func(t *testing.T) {
				f, err := hostile.ParsePcap(b)
				if err != nil {
					t.Fatal(err)
				}
				v.change(f)
				if bytes.Equal(f.Bytes(), b) {
					t.Skip("nothing to change here")
				}
				same(t, base, records(t, way{ports: []uint16{5432}}, f.Bytes()))
			})
		}
	}
}

// TestOtherPort finds PostgreSQL where no port tells of it.
func TestOtherPort(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "psql_simple.pcap"} {
		f, err := hostile.ParsePcap(readCapture(t, name))
		if err != nil {
			t.Fatal(err)
		}
		base := records(t, way{ports: []uint16{1}}, f.Bytes())
		f.SetPort(5432, 16543)
		got := records(t, way{ports: []uint16{1}}, f.Bytes())
		if len(base) == 0 {
			t.Error("nothing was found on port 5432 by its contents")
		}
		same(t, base, got)
		named := records(t, way{ports: []uint16{16543}, onlyOn: true}, f.Bytes())
		same(t, base, named)
	}
}

// TestFileTwice reads a capture twice: all of it comes twice, or the second time
// is taken for retransmissions; nothing is invented.
func TestFileTwice(t *testing.T) {
	b := readCapture(t, "base_mix.pcap")
	base := records(t, way{ports: []uint16{5432}}, b)
	twice := records(t, way{ports: []uint16{5432}}, b, b)
	for client, want := range base {
		have := twice[client]
		if len(have) != len(want) && len(have) != 2*len(want) {
			t.Errorf("%s: %d records, want %d or twice that", client, len(have), len(want))
			continue
		}
		for i := range have {
			if have[i] != want[i%len(want)] {
				t.Errorf("%s, record %d:\ngot  %.300s\nwant %.300s", client, i, have[i], want[i%len(want)])
				break
			}
		}
	}
}
