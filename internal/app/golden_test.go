package app

import (
	"bytes"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the expected output anew: read the difference before committing it")

const pcaps = "../../testdata/pcaps"

// goldens are the captures whose output is kept beside them: NAME.txt is the
// flow, NAME.jsonl the records.
var goldens = []struct {
	name string
	// big captures have no message records in NAME.jsonl: the flow shows them,
	// and TestTraces compares them with the client's own trace.
	big bool
}{
	{name: "any_lo_duplicates"},
	{name: "auth_md5"},
	{name: "auth_scram"},
	{name: "auth_scram_fail"},
	{name: "auth_scram_pg18_proto32"},
	{name: "base_mix", big: true},
	{name: "cancel_pg18_proto32"},
	{name: "client_jdbc", big: true},
	{name: "client_rst", big: true},
	{name: "copy", big: true},
	{name: "gssenc_refused"},
	{name: "libpq_extended"},
	{name: "libpq_pipeline"},
	{name: "large_objects", big: true},
	{name: "malformed"},
	{name: "nanosecond"},
	{name: "negotiate_pg18"},
	{name: "not_postgres_5432"},
	{name: "notify_params"},
	{name: "pgbouncer", big: true},
	{name: "pgx_modes", big: true},
	{name: "opengauss_sha256"},
	{name: "portal_suspend"},
	{name: "proxy_v1"},
	{name: "proxy_v2"},
	{name: "psql_simple"},
	{name: "recvlogical_test_decoding", big: true},
	{name: "redshift_digest"},
	{name: "sasl_plainpw"},
	{name: "sc_0_0"},
	{name: "ssl_refused_plain"},
	{name: "terminate_57P01"},
	{name: "tls13_aes128gcm", big: true},
	{name: "v_snap96", big: true},
	{name: "vertica"},
}

// capturePath is the file of a capture.
func capturePath(name string) string { return filepath.Join(pcaps, name+".pcap") }

// withKeys adds the key log of a capture that has one.
func withKeys(name string, args ...string) []string {
	keys := filepath.Join(pcaps, name+".keys")
	if _, err := os.Stat(keys); err == nil {
		args = append(args, "--keylog", keys)
	}
	return args
}

// output runs the program and returns its standard output.
func output(t *testing.T, args ...string) []byte {
	t.Helper()
	var out, stderr bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &stderr,
		Getenv: func(string) string { return "" },
		Now:    func() time.Time { return time.Unix(1700000000, 0) },
		Width:  func() int { return 0 },
	}
	if code := Run(env, args); code != ExitOK {
		t.Fatalf("pgsniff %s: exit status %d\n%s", strings.Join(args, " "), code, stderr.Bytes())
	}
	return out.Bytes()
}

func TestGoldens(t *testing.T) {
	for _, g := range goldens {
		t.Run(g.name, func(t *testing.T) {
			t.Parallel()
			file := capturePath(g.name)
			compare(t, g.name+".txt", output(t, withKeys(g.name, "read", file, "--time", "utc")...))
			views := "messages,queries,connections,stats"
			if g.big {
				views = "queries,connections,stats"
			}
			compare(t, g.name+".jsonl", output(t, withKeys(g.name, "read", file, "--json", "--view", views)...))
		})
	}
}

// TestGoldensHaveOrigin wants a page beside each capture that says where it
// comes from.
func TestGoldensHaveOrigin(t *testing.T) {
	for _, g := range goldens {
		page, err := os.ReadFile(filepath.Join(pcaps, g.name+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, fact := range []string{"Server: ", "Client: "} {
			if !bytes.Contains(page, []byte(fact)) {
				t.Errorf("%s.md does not say: %s", g.name, fact)
			}
		}
	}
}

// compare compares output with a file in testdata/pcaps, or writes the file.
func compare(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join(pcaps, name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	g, w := bytes.Split(got, []byte("\n")), bytes.Split(want, []byte("\n"))
	for i := range max(len(g), len(w)) {
		a, b := line(g, i), line(w, i)
		if a != b {
			t.Errorf("%s, line %d:\n got %s\nwant %s\n(-update writes all expected output anew)", name, i+1, a, b)
			return
		}
	}
}

func line(lines [][]byte, i int) string {
	if i < len(lines) {
		return string(lines[i])
	}
	return "(no such line)"
}

// TestWorkers wants the same bytes from any number of goroutines.
func TestWorkers(t *testing.T) {
	views := [][]string{
		{"--json", "--view", "messages,queries,connections,stats"},
		{"--json", "--view", "messages,connections"},
		{"--json", "--view", "queries"},
		{"--view", "stats"},
		{"--time", "delta"}, // messages, for reading
		{"--min-duration", "1ms"},
		{"--type", "DataRow,ErrorResponse"},
	}
	for _, name := range []string{"base_mix", "cancel_pg18_proto32", "lossy_real_server", "tls13_aes128gcm"} {
		for _, view := range views {
			args := append(withKeys(name, "read", capturePath(name)), view...)
			one := output(t, append(args, "--workers", "1")...)
			two := output(t, append(args, "--workers", "2")...)
			if !bytes.Equal(one, two) {
				t.Errorf("%s, %v: %d bytes from one goroutine, %d other ones from two", name, view, len(one), len(two))
			}
		}
	}
}

// TestFiles wants the same records from a capture however its bytes come in.
func TestFiles(t *testing.T) {
	file, err := os.Open(capturePath("psql_simple"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var out, stderr bytes.Buffer
	env := &Env{
		In: io.MultiReader(file), Out: &out, Err: &stderr, // no Seek, no file
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	if code := Run(env, []string{"read", "-", "--json"}); code != ExitOK {
		t.Fatalf("exit status %d: %s", code, stderr.Bytes())
	}
	if want := output(t, "read", capturePath("psql_simple"), "--json"); !bytes.Equal(out.Bytes(), want) {
		t.Error("standard input gives other records than the file")
	}
}
