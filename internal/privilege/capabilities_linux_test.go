package privilege

import (
	"errors"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// permitted returns the capabilities of the process, as its status in /proc tells them.
func permitted(t *testing.T) string {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "CapPrm:")
	list, _, _ := strings.Cut(rest, "\n")
	return strings.Trim(list, "\t 0")
}

// TestDropCapabilities holds that who is not root has no capabilities after it, or is told.
func TestDropCapabilities(t *testing.T) {
	const child = "PGSNIFF_TEST_DROPS"
	if os.Getenv(child) != "" {
		if permitted(t) == "" {
			t.Fatal("there is nothing to give up")
		}
		err := DropCapabilities()
		if left := permitted(t); err != nil && !errors.Is(err, ErrKept) || (left != "") != (err != nil) {
			t.Errorf("%v with %q left", err, left)
		}
		return
	}
	if os.Geteuid() != 0 {
		t.Skip("only root can give capabilities to another user's process")
	}
	c := exec.Command(pgtest.Tool(t, "setpriv"), "--reuid=65534", "--inh-caps=+net_raw", "--ambient-caps=+net_raw",
		os.Args[0], "-test.run=^TestDropCapabilities$")
	c.Env = append(os.Environ(), child+"=1")
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("%v: %s", err, out)
	}
	// Root's own are what makes its files accessible.
	before := permitted(t)
	if err := DropCapabilities(); err != nil || permitted(t) != before {
		t.Errorf("root: %v, %q of %q left", err, permitted(t), before)
	}
}
