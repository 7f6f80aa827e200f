//go:build amd64 || arm64

package attach

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// Each error says what to do.
func TestExplain(t *testing.T) {
	const all = 1<<39 | 1<<38 | 1<<19
	denied := fmt.Errorf("program: %w", unix.EPERM)
	for name, c := range map[string]struct {
		host host
		err  error
		want []string
	}{
		"user":     {host{release: "6.18.1"}, denied, []string{"CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE are missing", "sudo", "setcap", "Kubernetes"}},
		"one":      {host{release: "6.18.1", capabilities: 1<<39 | 1<<38}, denied, []string{"CAP_SYS_PTRACE is missing"}},
		"before":   {host{release: "6.1.0-9", capabilities: all}, denied, []string{"CAP_SYS_ADMIN is missing", "cap_sys_admin,cap_sys_ptrace+ep"}},
		"old":      {host{release: "5.4.0"}, fmt.Errorf("ring buffer: %w", unix.EINVAL), []string{"5.4.0, is too old: it takes 5.8"}},
		"lockdown": {host{release: "6.18.1", capabilities: all, lockdown: "confidentiality"}, denied, []string{"locked down (confidentiality)"}},
		"seccomp":  {host{release: "6.18.1", capabilities: all}, denied, []string{"seccomp"}},
		"lacking":  {host{release: "6.18.1", capabilities: all}, unix.ENOSYS, []string{"CONFIG_UPROBE_EVENTS"}},
		"gone":     {host{release: "6.18.1", capabilities: all}, os.ErrNotExist, []string{"no such program"}},
	} {
		got := c.host.explain(c.err).Error()
		for _, want := range c.want {
			if !strings.Contains(got, want) {
				t.Errorf("%s: %s\nlacks %q", name, got, want)
			}
		}
	}
	if got := chosen("none integrity [confidentiality]\n"); got != "confidentiality" {
		t.Error(got)
	}
	if got := chosen("[none] integrity confidentiality\n"); got != "" {
		t.Error(got)
	}
	if n := (host{release: "5.10.0-30-amd64"}).kernelVersion(); n != 5<<16|10<<8 {
		t.Errorf("%x", n)
	}
}
