package app

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
		env := &Env{Err: &out, Now: time.Now, ErrTerminal: true, Width: func() int { return 0 }}
		stop := showProgress(env, false, files)
		time.Sleep(progressAfter + 3*progressEvery)
		stop()
		files.Close()
		if shown := out.Len() > 0; shown != c.shown {
			t.Errorf("%s: %q", c.name, out.String())
		}
		if c.shown && !regexp.MustCompile(`reading +\d+% \|█* *\| [0-9.]+ k?B of 1.05 MB(, [0-9.]+ k?B/s, \d+h?\d*m?\d*s left)?`).Match(out.Bytes()) {
			t.Errorf("%s: %q", c.name, out.String())
		}
	}
}

// TestBar wants each line to cover the one before it, and nothing left in the end.
func TestBar(t *testing.T) {
	var out bytes.Buffer
	at := time.Unix(100, 0)
	b := bar{w: &out, since: at}
	b.clear()
	for _, c := range []struct {
		read, total int64
		after       time.Duration
		want        string
	}{
		{0, 0, 0, ""},
		{0, 3_000_000, time.Second, "\rreading   0% |                              | 0 B of 3.00 MB"},
		{1_000_000, 3_000_000, 2 * time.Second, "\rreading  33% |██████████                    | 1.00 MB of 3.00 MB, 500 kB/s, 4s left"},
		{4_000_000, 3_000_000, 30 * time.Second, "\rreading 100% |██████████████████████████████| 3.00 MB of 3.00 MB, 100 kB/s, 0s left"},
		{1 << 62, 1 << 62, time.Nanosecond, ""},
		{-5, 7, time.Second, "\rreading   0% |                              | 0 B of 7 B" + strings.Repeat(" ", 28)},
	} {
		out.Reset()
		b.show(c.read, c.total, at.Add(c.after))
		if c.want != "" && out.String() != c.want {
			t.Errorf("%q, not %q", out.String(), c.want)
		}
	}
	out.Reset()
	b.clear()
	if s := out.String(); len(s) != b.width+2 || s[0] != '\r' || s[len(s)-1] != '\r' {
		t.Errorf("%q", s)
	}
}
