//go:build unix

package app

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestFilesAreTheirOwnersAlone: what is written of other people's traffic is nobody
// else's to read, also where a file was there that everybody may read.
func TestFilesAreTheirOwnersAlone(t *testing.T) {
	dir := t.TempDir()
	name := func(n string) string { return filepath.Join(dir, n) }
	for _, tt := range []struct {
		file string
		args []string
	}{
		{"w.pcapng", []string{"-w", name("w.pcapng")}},
		{"q.jsonl", []string{"--view", "queries", "-o", "json", "--to", name("q.jsonl")}},
		{"s.txt", []string{"--view", "stats", "--to", name("s.txt")}},
		{"log.csv", []string{"-o", "csvlog", "--to", name("log.csv")}},
		{"trace.json", []string{"-o", "trace-events", "--to", name("trace.json")}},
	} {
		for _, before := range []os.FileMode{0, 0o644, 0o666, 0o600} {
			os.Remove(name(tt.file))
			if before != 0 {
				if err := os.WriteFile(name(tt.file), []byte("what was there before, and is longer than nothing"), before); err != nil {
					t.Fatal(err)
				}
				if err := os.Chmod(name(tt.file), before); err != nil {
					t.Fatal(err)
				}
			}
			if _, errs, code := command(append([]string{"read", psqlSimple}, tt.args...)...); code != ExitOK {
				t.Fatalf("%q: exit %d, %s", tt.args, code, errs)
			}
			info, err := os.Stat(name(tt.file))
			if err != nil || info.Mode().Perm() != 0o600 || info.Size() < 100 {
				t.Errorf("%s, which had %v: %v, %v", tt.file, before, info.Mode(), err)
			}
			if b, _ := os.ReadFile(name(tt.file)); strings.Contains(string(b), "was there before") {
				t.Errorf("%s: what was there is there still", tt.file)
			}
		}
	}
}

// TestPacketsThatNobodyReads: the end of a pipe's reader is the end of the packets in
// it, with a message and an exit code, and of nothing else.
func TestPacketsThatNobodyReads(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "packets")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan int64)
	go func() {
		f, err := os.Open(fifo)
		if err != nil {
			read <- -1
			return
		}
		n, _ := io.CopyN(io.Discard, f, 100)
		f.Close()
		read <- n
	}()
	large := filepath.Join("..", "..", "testdata", "pcaps", "base_mix.pcap") // more than a pipe holds
	whole, _, _ := command("read", large, "-o", "json")
	out, errs, code := command("read", large, "-o", "json", "-w", fifo)
	if n := <-read; n != 100 {
		t.Fatalf("%d bytes were read", n)
	}
	if code != ExitFailure || strings.Count(errs, "nobody reads the packets any more") != 1 {
		t.Errorf("exit %d, %s", code, errs)
	}
	if out != whole {
		t.Errorf("%d bytes of results, not %d", len(out), len(whole))
	}
}
