// Package export holds the formats that other programs read against those programs:
// libpq's traces, a server's own log, pgbadger, pgreplay, psql, DuckDB.
package export

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/app"
)

// asProgram makes the test binary behave as pgsniff.
const asProgram = "PGSNIFF_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(app.Main())
	}
	os.Exit(m.Run())
}

const pcaps = "../../testdata/pcaps"

// missing skips the test, or fails it where skipping would hide a hole.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// pgsniff runs the program and returns what it writes.
func pgsniff(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1", "TZ=UTC")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("pgsniff %s: %v\n%s", strings.Join(args, " "), err, stderr.Bytes())
	}
	return out
}

// read returns the output of a capture in testdata, with its keys if it has some.
func read(t *testing.T, name string, args ...string) []byte {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(pcaps, name+".pcap*"))
	if len(files) == 0 {
		t.Fatalf("no capture %s", name)
	}
	args = append([]string{"read", "-q", "--any-port", files[0]}, args...)
	if keys := filepath.Join(pcaps, name+".keys"); exists(keys) {
		args = append(args, "--keylog", keys)
	}
	return pgsniff(t, args...)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// file returns a file beside the captures, which may be compressed.
func file(t *testing.T, name string) []byte {
	t.Helper()
	path := filepath.Join(pcaps, name)
	if b, err := os.ReadFile(path); err == nil {
		return b
	}
	f, err := os.Open(path + ".gz")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// records decodes NDJSON.
func records[T any](t *testing.T, out []byte) (all []T) {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(out))
	for d.More() {
		var r T
		if err := d.Decode(&r); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}
