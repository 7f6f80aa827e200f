//go:build unix

package app

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/spf13/cobra"
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

// TestOnlyReader holds that a run goes on when the reader of standard output has gone, if
// something is written elsewhere.
func TestOnlyReader(t *testing.T) {
	file := filepath.Join(t.TempDir(), "stats.json")
	for args, alone := range map[string]bool{
		"--json": true,
		"--view stats -o json --to " + file + " --json --view messages": false,
		"--json --view messages --view stats -o json":                   true,
		"--json --to " + file:                      false,
		"--view queries --otlp http://127.0.0.1:9": false,
	} {
		var out strings.Builder
		var r *run
		o := &Options{}
		env := &Env{In: strings.NewReader(""), Out: &out, Err: io.Discard, Getenv: os.Getenv, Now: time.Now, Width: func() int { return 0 }}
		cmd := &cobra.Command{RunE: func(*cobra.Command, []string) (err error) {
			r, err = newRun(env, o)
			return err
		}}
		o.add(cmd)
		o.choice.add(cmd)
		o.selection.span = new(span)
		cmd.SetArgs(strings.Fields(args))
		if err := cmd.Execute(); err != nil {
			t.Errorf("%s: %v", args, err)
			continue
		}
		t.Cleanup(r.closeOutputs)
		if got := r.onlyReader() != nil; got != alone {
			t.Errorf("%s: %v", args, got)
		}
	}
}
