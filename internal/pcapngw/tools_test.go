package pcapngw

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// tool runs a program that reads captures, skipping the test without it.
func tool(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is required in CI", name)
		}
		t.Skip(err)
	}
	out, err := exec.Command(path, args...).Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("%s: %v\n%s", name, err, failed.Stderr)
		}
		t.Fatal(err)
	}
	return string(out)
}

func TestOtherPrograms(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.pcapng")
	w := newWriter(t, Options{Path: name})
	want := samplePackets(500)
	if err := w.Secrets(SecretsTLS, []byte("CLIENT_RANDOM "+strings.Repeat("ab", 32)+" "+strings.Repeat("cd", 48)+"\n")); err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, want)
	w.SetStatistics(1, Statistics{Received: 1000, KernelDropped: 9})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	t.Run("tcpdump", func(t *testing.T) {
		out := tool(t, "tcpdump", "-nn", "-tt", "--nano", "-r", name)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if len(lines) != len(want) {
			t.Fatalf("%d packets", len(lines))
		}
		for i, line := range lines {
			ns := strconv.FormatInt(want[i].ns, 10)
			if !strings.HasPrefix(line, ns[:10]+"."+ns[10:]+" IP ") || !strings.Contains(line, "10.0.0.1.5432 > 10.0.0.2.5433: UDP") {
				t.Fatalf("packet %d: %s", i, line)
			}
		}
	})
	t.Run("tshark", func(t *testing.T) {
		out := tool(t, "tshark", "-r", name, "-T", "fields", "-e", "frame.interface_name", "-e", "frame.len", "-e", "frame.cap_len")
		var expected strings.Builder
		for _, p := range want {
			fmt.Fprintf(&expected, "%s\t%d\t%d\n", []string{"eth0", "lo"}[p.iface], p.origLen, len(p.data))
		}
		if out != expected.String() {
			t.Errorf("tshark read %.300s", out)
		}
	})
	t.Run("capinfos", func(t *testing.T) {
		out := tool(t, "capinfos", name)
		for _, line := range []string{
			"Capture application: pgsniff", "Time precision = nanoseconds (9)", "Name = eth0", "Name = lo",
			"Filter string = tcp port 5432", "Number of decryption secrets in file: 1",
			"Number of stat entries = 1", "Number of packets = 250",
		} {
			if !strings.Contains(out, line) {
				t.Errorf("capinfos does not say %q:\n%s", line, out)
			}
		}
	})
}
