package app

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOutputsAreKept wants the output of an earlier run to be there after one whose
// input cannot be read, and to be gone after one that had nothing to write.
func TestOutputsAreKept(t *testing.T) {
	dir := t.TempDir()
	to := filepath.Join(dir, "out")
	none := filepath.Join(dir, "nothing.pcap")
	if err := os.WriteFile(none, []byte("no capture"), 0o600); err != nil {
		t.Fatal(err)
	}
	capture := "../../testdata/pcaps/base_mix.pcap"
	for _, c := range []struct {
		args []string
		want string // "": it is empty
	}{
		{[]string{"read", "nosuch.pcap", "--view", "stats", "--to", to}, "earlier"},
		{[]string{"read", none, "-o", "json", "--to", to}, "earlier"},
		{[]string{"report", dir, "-o", to}, "earlier"},
		{[]string{"read", capture, "-o", "json", "--user", "nobody", "--to", to}, ""},
	} {
		if err := os.WriteFile(to, []byte("earlier"), 0o600); err != nil {
			t.Fatal(err)
		}
		command(c.args...)
		if got, err := os.ReadFile(to); err != nil || string(got) != c.want {
			t.Errorf("%v left %q, %v", c.args, got, err)
		}
	}
}
