package app

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// program runs the program in memory.
func program(args ...string) (stdout, stderr string, code int) {
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	code = Run(env, args)
	return out.String(), errs.String(), code
}

// packetsOf reads the packets of a capture.
func packetsOf(t *testing.T, paths ...string) (list []capture.Packet) {
	t.Helper()
	f, err := capture.OpenFiles(paths, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for {
		var p capture.Packet
		if err := f.Next(&p); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		p.Data = bytes.Clone(p.Data)
		list = append(list, p)
	}
}

func samePackets(t *testing.T, got, want []capture.Packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := &got[i], &want[i]
		if !bytes.Equal(g.Data, w.Data) || g.Time != w.Time || g.OrigLen != w.OrigLen || g.LinkType != w.LinkType {
			t.Errorf("packet %d is another", i+1)
		}
	}
}

func TestParseSize(t *testing.T) {
	good := map[string]int64{
		"1": 1, "100": 100, "2k": 2048, "2K": 2048, "3M": 3 << 20, "3MiB": 3 << 20, "3MB": 3 << 20, "1G": 1 << 30, "2T": 2 << 40,
	}
	for s, want := range good {
		if got, err := parseSize(s); err != nil || got != want {
			t.Errorf("%s is %d, %v, want %d", s, got, err, want)
		}
	}
	for _, s := range []string{"", "0", "-1", "M", "1X", "1KM", "1.5M", "9223372036854775807", "9000000000T", "1 M"} {
		if n, err := parseSize(s); err == nil {
			t.Errorf("%q is %d", s, n)
		}
	}
}

// TestReadFilter compares -f and --bpf-file with tcpdump on a file.
func TestReadFilter(t *testing.T) {
	tcpdump := pgtest.Tool(t, "tcpdump")
	dir := t.TempDir()
	for _, expr := range []string{"src port 5432", "greater 200", "tcp[tcpflags] & tcp-syn != 0", "ip6"} {
		for _, name := range []string{"base_mix", "ipv6", "linux_sll2"} {
			in := capturePath(name)
			want, got := filepath.Join(dir, "want.pcap"), filepath.Join(dir, "got.pcapng")
			if out, err := exec.Command(tcpdump, "-r", in, "-w", want, expr).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
			ddd, err := exec.Command(tcpdump, "-ddd", "-r", in, expr).Output()
			if err != nil {
				t.Fatal(err)
			}
			file := filepath.Join(dir, "ddd")
			if err := os.WriteFile(file, ddd, 0o600); err != nil {
				t.Fatal(err)
			}
			for _, flags := range [][]string{{"-f", expr}, {"--bpf-file", file}} {
				_, stderr, code := program(append([]string{"read", in, "-w", got}, flags...)...)
				if code != ExitOK {
					t.Fatalf("%s %q: exit status %d: %s", name, flags, code, stderr)
				}
				samePackets(t, packetsOf(t, got), packetsOf(t, want))
			}
		}
	}
}

// TestCountKept counts the packets taken, not those refused.
func TestCountKept(t *testing.T) {
	got := filepath.Join(t.TempDir(), "x.pcapng")
	if _, stderr, code := program("read", capturePath("base_mix"), "-f", "src port 5432", "-c", "7", "-w", got); code != ExitOK {
		t.Fatal(stderr)
	}
	if n := len(packetsOf(t, got)); n != 7 {
		t.Errorf("%d packets", n)
	}
}

// TestDuration ends a file by the packets' times.
func TestDuration(t *testing.T) {
	all := packetsOf(t, capturePath("base_mix"))
	span := time.Duration(all[len(all)-1].Time - all[0].Time)
	got := filepath.Join(t.TempDir(), "x.pcapng")
	if _, stderr, code := program("read", capturePath("base_mix"), "--duration", (span / 2).String(), "-w", got); code != ExitOK {
		t.Fatal(stderr)
	}
	n := 0
	for n < len(all) && all[n].Time < all[0].Time+int64(span/2) {
		n++
	}
	if n == 0 || n == len(all) {
		t.Fatal("the capture does not fit the test")
	}
	samePackets(t, packetsOf(t, got), all[:n])
}

// TestRotateRead writes all packets, over several files.
func TestRotateRead(t *testing.T) {
	dir := t.TempDir()
	if _, stderr, code := program("read", capturePath("base_mix"), "-w", filepath.Join(dir, "x.pcapng"), "--rotate-size", "20k"); code != ExitOK {
		t.Fatal(stderr)
	}
	files, _ := filepath.Glob(filepath.Join(dir, "x_*.pcapng"))
	if len(files) < 3 {
		t.Fatalf("files are %q", files)
	}
	samePackets(t, packetsOf(t, files...), packetsOf(t, capturePath("base_mix")))
}

// TestOnlyMatching compares with a filter for the connections that match.
func TestOnlyMatching(t *testing.T) {
	cases := []struct {
		name, expr string
		args       []string
	}{
		{"all", "", nil},
		{"number", "port 56282", []string{"--conn", "2"}},
		{"other views", "port 56282", []string{"--conn", "2", "--view", "stats"}},
		{"application", "port 56268", []string{"--app", "base-simple", "--view", "queries"}},
		{"none", "port 1", []string{"--user", "nobody"}},
		{"message", "port 1", []string{"--type", "CopyFail"}},
		{"text", "port 56268 or port 56282", []string{"--errors"}},
	}
	dir := t.TempDir()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			want, got := filepath.Join(dir, "want.pcapng"), filepath.Join(dir, "got.pcapng")
			args := []string{"read", capturePath("base_mix"), "-w", want}
			if c.expr != "" {
				args = append(args, "-f", c.expr)
			}
			if _, stderr, code := program(args...); code != ExitOK {
				t.Fatal(stderr)
			}
			args = append([]string{"read", capturePath("base_mix"), "-w", got, "--only-matching"}, c.args...)
			if _, stderr, code := program(args...); code != ExitOK {
				t.Fatal(stderr)
			}
			g, w := packetsOf(t, got), packetsOf(t, want)
			byTime(g) // what was held comes when it is released
			byTime(w)
			samePackets(t, g, w)
		})
	}
}

// TestKeptUsage refuses flags that say nothing together.
func TestKeptUsage(t *testing.T) {
	in := capturePath("base_mix")
	for _, args := range [][]string{
		{"--rotate-size", "1M"},
		{"--rotate-time", "1m"},
		{"--rotate-files", "3"},
		{"--only-matching"},
		{"-w", "-"},
		{"-w", "x", "--rotate-files", "3"},
		{"-w", "x", "--rotate-size", "nothing"},
		{"-w", "x", "--rotate-time", "-1s", "--rotate-size", "1M"},
		{"-f", "tcp", "--bpf-file", "x"},
		{"-f", "tcp prot 3"},
		{"--duration", "-1s"},
		{"--slow", "-1s"},
	} {
		if _, stderr, code := program(append([]string{"read", in}, args...)...); code != ExitUsage || stderr == "" {
			t.Errorf("%q: exit status %d: %s", args, code, stderr)
		}
	}
	if _, err := os.Stat("x"); err == nil {
		t.Error("a file was made for nothing")
	}
}
