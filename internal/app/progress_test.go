package app

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// The bar comes when a file takes long, and tells the rate since the beginning, not
// since it came.
func TestProgress(t *testing.T) {
	// The head of a capture and nothing that is read of the rest: a megabyte.
	file := append([]byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00"), make([]byte, 1<<20)...)
	path := filepath.Join(t.TempDir(), "large.pcap")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name  string
		paths []string
		shown bool
	}{
		{"a file", []string{path}, true},
		{"standard input", []string{"-"}, false},
	} {
		var out bytes.Buffer
		files, err := capture.OpenFiles(c.paths, capture.FileOptions{Stdin: bytes.NewReader(file)})
		if err != nil {
			t.Fatal(err)
		}
		env := &Env{Err: &out, ErrTerminal: true, Width: func() int { return 0 }}
		stop := showProgress(env, false, files)
		time.Sleep(progressAfter + 3*progressEvery)
		stop()
		files.Close()
		if shown := out.Len() > 0; shown != c.shown {
			t.Errorf("%s: %q", c.name, out.String())
		}
		if c.shown && !regexp.MustCompile(`reading +\d+% .*\([0-9.]+ k?B/s\)`).Match(out.Bytes()) {
			t.Errorf("%s: %q", c.name, out.String())
		}
	}
}
