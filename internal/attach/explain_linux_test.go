//go:build amd64 || arm64

package attach

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cilium/ebpf/btf"
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
		"user":      {host{release: "6.18.1"}, denied, []string{"CAP_BPF, CAP_PERFMON, CAP_SYS_PTRACE are missing", "sudo", "setcap", "Kubernetes"}},
		"one":       {host{release: "6.18.1", capabilities: 1<<39 | 1<<38}, denied, []string{"CAP_SYS_PTRACE is missing"}},
		"before":    {host{release: "6.1.0-9", capabilities: all}, denied, []string{"CAP_SYS_ADMIN is missing", "cap_sys_admin,cap_sys_ptrace+ep"}},
		"locking":   {host{release: "5.10.0-30", capabilities: 1<<21 | 1<<19}, denied, []string{"CAP_SYS_RESOURCE is missing", "cap_sys_admin,cap_sys_ptrace,cap_sys_resource+ep"}},
		"unlocked":  {host{release: "5.10.0-30", capabilities: 1<<21 | 1<<19, unlocked: true}, denied, []string{"seccomp"}},
		"member":    {host{release: "6.18.1", copied: all}, denied, []string{"for good:      sudo usermod -aG pgsniff-attach $USER"}},
		"older":     {host{release: "6.1.0-9", copied: 1<<21 | 1<<19}, denied, []string{"for good:      sudo usermod -aG pgsniff-attach $USER"}},
		"other":     {host{release: "6.1.0-9", copied: all}, denied, []string{"sudo setcap cap_net_raw,cap_sys_admin,cap_sys_ptrace+ep /usr/libexec/pgsniff/pgsniff-attach; sudo usermod"}},
		"copy":      {host{release: "6.1.0-9", capabilities: all, program: attachingCopy}, denied, []string{"sudo setcap cap_net_raw,cap_sys_admin,cap_sys_ptrace+ep /usr/libexec/pgsniff/pgsniff-attach\n"}},
		"old":       {host{release: "5.4.0"}, fmt.Errorf("ring buffer: %w", unix.EINVAL), []string{"5.4.0, is too old: it takes 5.8"}},
		"lockdown":  {host{release: "6.18.1", capabilities: all, lockdown: "confidentiality"}, denied, []string{"seccomp", "locked down (confidentiality)"}},
		"in secret": {host{release: "6.18.1", capabilities: all, lockdown: "confidentiality"}, fmt.Errorf("program: %w", unix.EINVAL), []string{"CONFIG_UPROBE_EVENTS", "locked down (confidentiality)"}},
		"seccomp":   {host{release: "6.18.1", capabilities: all}, denied, []string{"seccomp"}},
		"lacking":   {host{release: "6.18.1", capabilities: all}, unix.ENOSYS, []string{"CONFIG_UPROBE_EVENTS"}},
		"gone":      {host{release: "6.18.1", capabilities: all}, os.ErrNotExist, []string{"no such program"}},
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
	for release, want := range map[string]string{"6.18.1": "CAP_BPF", "6.1.0-56": "CAP_SYS_ADMIN and CAP_SYS_PTRACE", "5.10.0-46": "CAP_SYS_RESOURCE"} {
		if got := (host{release: release}).who(); !strings.Contains(got, want) {
			t.Errorf("%s: %s", release, got)
		}
	}
	if n := (host{release: "5.10.0-30-amd64"}).kernelVersion(); n != 5<<16|10<<8 {
		t.Errorf("%x", n)
	}
}

// What takes the kernel's description of its types, or its memory, says so where there is
// none, and what to do instead.
func TestNoKernelMemory(t *testing.T) {
	before := readTypes
	defer func() { readTypes = before }()
	locked := host{lockdown: "confidentiality"}
	if k, err := locked.types(); k != nil || !errors.Is(err, errLockedDown) {
		t.Errorf("%v, %v", k, err)
	}
	readTypes = func() (*kernel, error) { return nil, btf.ErrNotFound }
	for lockdown, want := range map[string][]string{
		"":                {"/sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)", "look into the server", "--keylog"},
		"integrity":       {"/sys/kernel/btf/vmlinux (CONFIG_DEBUG_INFO_BTF)"},
		"confidentiality": {"locked down for confidentiality", "look into the server", "boot without lockdown="},
	} {
		_, err := host{lockdown: lockdown}.types()
		if err == nil {
			t.Fatalf("%s: types are known", lockdown)
		}
		text := noTypes(err).Error()
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: %s\nlacks %q", lockdown, text, w)
			}
		}
	}
}

// What a program has by its file is read as setcap writes it.
func TestFileCapabilities(t *testing.T) {
	setcap, err := exec.LookPath("setcap")
	if err != nil || os.Geteuid() != 0 {
		if os.Getenv("CI") == "true" {
			t.Fatal("root and setcap are missing (Debian: apt-get install libcap2-bin)")
		}
		t.Skip("takes root and setcap (Debian: apt-get install libcap2-bin)")
	}
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, nil, 0o700); err != nil {
		t.Fatal(err)
	}
	if n := fileCapabilities(path); n != 0 {
		t.Errorf("%#x without", n)
	}
	if text, err := exec.Command(setcap, "cap_net_raw,cap_sys_ptrace,cap_sys_admin,cap_bpf,cap_perfmon+ep", path).CombinedOutput(); err != nil {
		t.Skipf("%v\n%s", err, text) // the file system keeps none
	}
	if n, want := fileCapabilities(path), uint64(1<<13|1<<19|1<<21|1<<39|1<<38); n != want {
		t.Errorf("%#x, want %#x", n, want)
	}
}
