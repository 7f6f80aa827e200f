package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/ulikunitz/xz"
)

const replicationDir = "../../testdata/replication"

// replications are captures of replication, with what a decoder that was written
// for this alone, after the manual, made of them.
var replications = []struct {
	name, capture string
	inferred      bool // it begins in the middle
	others        int  // messages of connections that began before the capture
}{
	{name: "logical_pg15_to_pg18"},
	{name: "pg19rc1_logical"},
	{name: "pg19rc1_stream2pc", others: 4},
	{name: "receivewal"},
	{name: "midstream_copyboth", inferred: true},
	{name: "recvlogical_test_decoding", capture: capturePath("recvlogical_test_decoding")},
}

func replicationPath(name, capture string) string {
	if capture != "" {
		return capture
	}
	return filepath.Join(replicationDir, name+".pcap.xz")
}

// replicationTruth reads NAME.truth.jsonl.xz, those lines of it that are messages.
func replicationTruth(t *testing.T, name string) (list []map[string]any) {
	t.Helper()
	f, err := os.Open(filepath.Join(replicationDir, name+".truth.jsonl.xz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := xz.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for s := jsonLines(r); s.Scan(); {
		var m map[string]any
		if err := json.Unmarshal(s.Bytes(), &m); err != nil {
			t.Fatal(err)
		}
		if m["message"] != nil && m["message"] != "other" {
			list = append(list, m)
		}
	}
	return list
}

func jsonLines(r interface{ Read([]byte) (int, error) }) *bufio.Scanner {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	return s
}

// spot is where a message was: those of one packet and direction are in order.
func spot(frame, dir any) string { return fmt.Sprint(frame, " ", dir) }

func TestReplicationTruth(t *testing.T) {
	for _, c := range replications {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := make(map[string][]map[string]any)
			n := 0
			out := output(t, "read", replicationPath(c.name, c.capture), "--json", "--max-value-bytes", "0")
			for s := jsonLines(bytes.NewReader(out)); s.Scan(); {
				var m map[string]any
				if err := json.Unmarshal(s.Bytes(), &m); err != nil {
					t.Fatal(err)
				}
				if notes := fmt.Sprint(m["notes"]); m["msg"] == "CopyData" && m["notes"] != nil && !strings.Contains(notes, "code:inferred") {
					t.Errorf("frame %v: %v", m["frame"], notes)
				}
				if body, ok := m["body"].(map[string]any); ok && body["replication"] != nil {
					p := spot(m["frame"], m["dir"])
					got[p] = append(got[p], body["replication"].(map[string]any))
					n++
				}
			}
			truth := replicationTruth(t, c.name)
			if len(truth) == 0 || n != len(truth)+c.others {
				t.Errorf("%d messages, in truth %d", n, len(truth))
			}
			for _, want := range truth {
				p := spot(want["frame"], want["dir"])
				if len(got[p]) == 0 {
					t.Fatalf("%s: nothing, in truth %v", p, want)
				}
				compareReplication(t, p, got[p][0], want, c.inferred)
				got[p] = got[p][1:]
			}
		})
	}
}

// compareReplication compares a message with the truth, field by field.
func compareReplication(t *testing.T, where string, got, want map[string]any, inferred bool) {
	t.Helper()
	for _, field := range []string{"message", "start_lsn", "end_lsn", "write_lsn", "flush_lsn", "apply_lsn", "bytes"} {
		if want[field] != nil && got[field] != want[field] {
			t.Fatalf("%s: %s is %v, in truth %v", where, field, got[field], want[field])
		}
	}
	wantTime(t, where, got["time"], want["t"])
	if want["reply"] != nil && got["reply"] != (want["reply"] != 0.0) {
		t.Fatalf("%s: reply is %v", where, got["reply"])
	}
	if want["text"] != nil && got["output"] != want["text"] {
		t.Fatalf("%s: output is %v, in truth %v", where, got["output"], want["text"])
	}
	if l, ok := want["logical"].(map[string]any); ok {
		g, _ := got["logical"].(map[string]any)
		compareLogical(t, where, g, l)
		if (got["inferred"] != nil) != inferred {
			t.Fatalf("%s: inferred is %v", where, got["inferred"])
		}
	}
}

func wantTime(t *testing.T, where string, got, micros any) {
	t.Helper()
	us, ok := micros.(float64)
	if !ok {
		return
	}
	epoch := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	want := epoch.Add(time.Duration(us) * time.Microsecond).Format("2006-01-02T15:04:05.000000000Z")
	if got != want {
		t.Fatalf("%s: the time is %v, in truth %s", where, got, want)
	}
}

// truthNames are the fields that the truth calls otherwise.
var truthNames = map[string][]string{
	"t":        {"commit_timestamp", "abort_timestamp", "prepare_timestamp"},
	"t2":       {"rollback_timestamp"},
	"lsn":      {"lsn", "prepare_lsn", "commit_lsn"},
	"identity": {"replica_identity"}, "first": {"first_segment"}, "oids": {"relation_oids"},
}

func compareLogical(t *testing.T, where string, got, want map[string]any) {
	t.Helper()
	columns, _ := want["columns"].([]any)
	for field, w := range want {
		names := truthNames[field]
		if names == nil {
			names = []string{field}
		}
		var g any
		for _, n := range names {
			if got[n] != nil {
				g = got[n]
			}
		}
		switch field {
		case "t", "t2":
			wantTime(t, where, g, w)
		case "columns":
			if want["message"] == "Relation" {
				compareColumns(t, where, g, columns)
			}
		case "new", "old", "key":
			compareRow(t, where, g, w.([]any), columns, field == "key", got["unchanged"])
		case "first":
			if g != (w != 0.0) {
				t.Fatalf("%s: first_segment is %v", where, g)
			}
		case "identity":
			if s, _ := g.(string); s == "" || s[:1] != w {
				t.Fatalf("%s: replica_identity is %v, in truth %v", where, g, w)
			}
		case "options":
			if bits := w.(float64); got["cascade"] != (int(bits)&1 != 0) || got["restart_identity"] != (int(bits)&2 != 0) {
				t.Fatalf("%s: options %v", where, got)
			}
		default:
			if fmt.Sprint(g) != fmt.Sprint(w) {
				t.Fatalf("%s: %s is %v, in truth %v\n%v", where, field, g, w, got)
			}
		}
	}
}

func compareColumns(t *testing.T, where string, got any, want []any) {
	t.Helper()
	list, _ := got.([]any)
	if len(list) != len(want) {
		t.Fatalf("%s: %d columns, in truth %d", where, len(list), len(want))
	}
	for i := range want {
		g, w := list[i].(map[string]any), want[i].([]any)
		if g["name"] != w[0] || g["key"] != (w[1] != 0.0) || g["type_oid"] != w[2] || g["type_modifier"] != w[3] {
			t.Fatalf("%s: column %v, in truth %v", where, g, w)
		}
	}
}

// compareRow compares a row with its values in truth: a text, nil for NULL, {u} for
// unchanged, {b} for binary ones, whose text package value decides.
func compareRow(t *testing.T, where string, got any, want, columns []any, key bool, unchanged any) {
	t.Helper()
	row, ok := got.(map[string]any)
	if !ok || len(columns) != len(want) {
		t.Fatalf("%s: the row is %v, in truth %v of %v", where, got, want, columns)
	}
	n := 0
	for i, w := range want {
		name := columns[i].(string)
		g, has := row[name]
		if special, ok := w.(map[string]any); ok {
			if special["u"] != nil {
				if list, _ := unchanged.([]any); has || !strings.Contains(fmt.Sprint(list), name) {
					t.Fatalf("%s: %s is unchanged in truth: %v", where, name, row)
				}
				continue
			}
			n++
			if special["b"] != nil && !has {
				t.Fatalf("%s: %s is not there", where, name)
			}
			if s, _ := special["b"].(string); len(s) == 8 && g != nil {
				if v, err := strconv.ParseUint(s, 16, 32); err == nil && name == "a" && g != strconv.Itoa(int(int32(v))) {
					t.Fatalf("%s: %s is %v, in truth %v", where, name, g, int32(v))
				}
			}
			continue
		}
		if key && w == nil && !has {
			continue // not of the key
		}
		n++
		if !has || g != w {
			t.Fatalf("%s: %s is %v, in truth %v", where, name, g, w)
		}
	}
	if n != len(row) {
		t.Fatalf("%s: %d values, in truth %d: %v", where, len(row), n, row)
	}
}

// TestChangesTruth wants a record for each row of the truth, in its order.
func TestChangesTruth(t *testing.T) {
	kinds := map[string]string{
		"Insert": "insert", "Update": "update", "Delete": "delete", "Truncate": "truncate", "Commit": "commit", "StreamCommit": "commit",
		"StreamAbort": "abort", "Prepare": "prepare", "StreamPrepare": "prepare", "CommitPrepared": "commit_prepared", "RollbackPrepared": "rollback_prepared",
	}
	for _, c := range replications {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []map[string]any
			out := output(t, "read", replicationPath(c.name, c.capture), "--json", "--view", "changes", "--max-value-bytes", "0")
			for s := jsonLines(bytes.NewReader(out)); s.Scan(); {
				var m map[string]any
				if err := json.Unmarshal(s.Bytes(), &m); err != nil {
					t.Fatal(err)
				}
				got = append(got, m)
			}
			n := 0
			for _, w := range replicationTruth(t, c.name) {
				l, ok := w["logical"].(map[string]any)
				if !ok || kinds[l["message"].(string)] == "" {
					continue
				}
				if n == len(got) {
					t.Fatalf("%d changes, in truth more: %v", n, l)
				}
				g := got[n]
				n++
				where := fmt.Sprintf("frame %v", w["frame"])
				if g["kind"] != kinds[l["message"].(string)] || g["lsn"] != w["start_lsn"] {
					t.Fatalf("%s: %v at %v, in truth %v at %v", where, g["kind"], g["lsn"], l["message"], w["start_lsn"])
				}
				if l["relation"] != g["relation"] || l["gid"] != nil && l["gid"] != g["gid"] {
					t.Fatalf("%s: %v, in truth %v", where, g, l)
				}
				columns, _ := l["columns"].([]any)
				for _, row := range []string{"new", "old"} {
					if l[row] != nil {
						compareRow(t, where, g[row], l[row].([]any), columns, false, g["unchanged"])
					}
				}
				if l["key"] != nil {
					compareRow(t, where, g["key"], l["key"].([]any), columns, true, nil)
				}
			}
			if n != len(got) {
				t.Errorf("%d changes, in truth %d: %v", len(got), n, got[n])
			}
		})
	}
}

// TestReplicationWorkers wants the same from any number of goroutines.
func TestReplicationWorkers(t *testing.T) {
	for _, view := range [][]string{{"--view", "changes"}, {"--json", "--view", "messages,queries,connections,changes,stats"}, {"--view", "messages"}} {
		args := append([]string{"read", replicationPath("pg19rc1_stream2pc", "")}, view...)
		one := output(t, append(args, "--workers", "1")...)
		if three := output(t, append(args, "--workers", "3")...); !bytes.Equal(one, three) {
			t.Errorf("%v: one goroutine gives other records than three", view)
		}
	}
}

// TestWALOut wants the WAL of a capture in a file that pg_waldump reads: what was
// inserted while it was made, 3,000 rows in one transaction.
func TestWALOut(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "wal")
	out := output(t, "read", replicationPath("receivewal", ""), "--wal-out", dir, "--type", "XLogData", "--json")
	if n := bytes.Count(out, []byte(`"message":"WALData"`)); n != 5 || n != bytes.Count(out, []byte("\n")) {
		t.Errorf("--type XLogData shows %d of %d", n, bytes.Count(out, []byte("\n")))
	}
	if _, err := os.Stat(filepath.Join(dir, "000000010000000000000009")); err != nil {
		t.Fatal(err)
	}
	dump := "/usr/lib/postgresql/15/bin/pg_waldump"
	if _, err := os.Stat(dump); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("needs pg_waldump: install postgresql-15")
	}
	// It ends with an error where the log ends.
	text, _ := exec.Command(dump, "-p", dir, "-s", "0/9000028").Output()
	rows, commits := bytes.Count(text, []byte("rmgr: Heap")), bytes.Count(text, []byte("desc: COMMIT"))
	if rows != 3000 || commits != 1 || !bytes.Contains(text, []byte("lsn: 0/09075898")) {
		t.Errorf("pg_waldump finds %d rows and %d commits", rows, commits)
	}
}

// Rows hold no more than --redact lets them.
func TestReplicationRedacted(t *testing.T) {
	for _, view := range []string{"changes", "messages"} {
		out := output(t, "read", replicationPath("logical_pg15_to_pg18", ""), "--json", "--view", view, "--redact", "all")
		for _, value := range []string{"single", "subxact aborted", "żółć", "streamed streamed"} {
			if bytes.Contains(out, []byte(value)) {
				t.Errorf("--view %s --redact all shows %q", view, value)
			}
		}
		if !bytes.Contains(out, []byte("public.lr_many")) {
			t.Errorf("--view %s --redact all hides more than values", view)
		}
	}
}
