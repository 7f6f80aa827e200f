package app

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
)

// pcapPackets splits a capture into its header and its packets, each with its own.
func pcapPackets(t *testing.T, path string) (head []byte, packets [][]byte) {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	for rest := b[24:]; len(rest) > 0; {
		n := 16 + int(binary.LittleEndian.Uint32(rest[8:]))
		packets, rest = append(packets, rest[:n]), rest[n:]
	}
	return b[:24], packets
}

// changesOf are the records of the view changes over packets, by kind and position.
func changesOf(t *testing.T, path string, head []byte, packets [][]byte) (list []map[string]any) {
	t.Helper()
	if err := os.WriteFile(path, append(bytes.Clone(head), bytes.Join(packets, nil)...), 0o600); err != nil {
		t.Fatal(err)
	}
	out := output(t, "read", path, "-q", "--json", "--view", "changes", "--max-value-bytes", "0")
	for s := jsonLines(bytes.NewReader(out)); s.Scan(); {
		var m map[string]any
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		list = append(list, m)
	}
	return list
}

func changePlace(m map[string]any) string { return fmt.Sprint(m["kind"], m["lsn"]) }

// contradicts tells what a record says of a change that the record of the same change
// in the whole capture says otherwise. It may say less.
func contradicts(got, want map[string]any) string {
	torn := got["truncated"] == true
	for k, v := range got {
		w := want[k]
		switch k {
		case "conn", "client", "server", "duration_ns", "inferred", "relation_oid", "truncated", "cut", "partial", "ts":
			continue
		case "key_values", "old_values", "new_values":
			continue // in the order of columns, which an object has not kept
		case "changes", "bytes":
			if got["partial"] == true || k == "changes" && len(v.(map[string]any)) == len(asMap(w)) && numbered(v) {
				continue
			}
		case "relations":
			if torn || numbered(v) {
				continue
			}
		case "old", "new", "key":
			if holds(v.(map[string]any), asMap(w), torn && k != "key") {
				continue
			}
		}
		if !reflect.DeepEqual(v, w) {
			return fmt.Sprintf("%s: %v, in the whole %v", k, v, w)
		}
	}
	return ""
}

func asMap(v any) map[string]any { m, _ := v.(map[string]any); return m }

// numbered tells whether relations are named by their numbers.
func numbered(v any) bool { return !strings.Contains(fmt.Sprint(v), ".") }

// holds reports whether a row is another one; of a torn one, a part of it, of which one
// value may be the beginning.
func holds(got, want map[string]any, torn bool) bool {
	if len(got) > len(want) || !torn && len(got) < len(want) {
		return false
	}
	parts := 0
	for k, v := range got {
		if v == want[k] {
			continue
		}
		if a, ok := v.(string); ok && torn && strings.HasPrefix(fmt.Sprint(want[k]), a) {
			parts++
		} else if _, hex := v.(map[string]any); hex && torn {
			parts++ // it ends inside a character
		} else {
			return false
		}
	}
	return parts <= 1
}

// TestChangesLossy loses packets, begins later and captures less of each packet: what
// is told then of changes does not contradict what the whole capture tells.
func TestChangesLossy(t *testing.T) {
	for _, name := range []string{"pg19rc1_stream2pc", "logical_pg15_to_pg18", "pg19rc1_logical", "midstream_copyboth"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "lossy.pcap")
			head, packets := pcapPackets(t, replicationPath(name, ""))
			whole := map[string][]map[string]any{}
			for _, m := range changesOf(t, path, head, packets) {
				whole[changePlace(m)] = append(whole[changePlace(m)], m)
			}
			told := 0
			check := func(what string, packets [][]byte) {
				for _, m := range changesOf(t, path, head, packets) {
					told++
					why := "there is none"
					for _, w := range whole[changePlace(m)] {
						if why = contradicts(m, w); why == "" {
							break
						}
					}
					if why != "" {
						t.Fatalf("%s: %s of xid %v at %v: %s", what, m["kind"], m["xid"], m["lsn"], why)
					}
				}
			}
			const variants = 12
			for i := range variants {
				at := len(packets) * (2*i + 1) / (2 * variants)
				check(fmt.Sprint("without packet ", at), append(append([][]byte{}, packets[:at]...), packets[at+1:]...))
				check(fmt.Sprint("from packet ", at), packets[at:])
			}
			for _, snap := range []int{100, 120, 150, 200, 300, 600, 1500} {
				check(fmt.Sprint("with packets of ", snap, " bytes"), snapped(packets, snap))
			}
			if told < 20 {
				t.Errorf("%d changes were told of", told)
			}
		})
	}
}

// snapped are packets of which the beginning was captured.
func snapped(packets [][]byte, snap int) (list [][]byte) {
	for _, p := range packets {
		n := min(snap, len(p)-16)
		p = bytes.Clone(p[:16+n])
		binary.LittleEndian.PutUint32(p[8:], uint32(n))
		list = append(list, p)
	}
	return list
}
