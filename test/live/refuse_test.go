//go:build linux

package live

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestRefuses(t *testing.T) {
	cases := []struct {
		name string
		args []string
		code int
		want []string
	}{
		{"no interface named", []string{"live"}, 2, []string{"-i", "pgsniff interfaces"}},
		{"no such interface", []string{"live", "-i", "nosuch0"}, 1, []string{"nosuch0", "lo", "any"}},
		{"any and another", []string{"live", "-i", "any", "-i", "lo"}, 1, []string{"any"}},
		{"filter", []string{"live", "-i", "lo", "-f", "prot 5432"}, 2, []string{"-f", "prot"}},
		{"file", []string{"live", "-i", "lo", "-w", "/nonexistent/dir/x"}, 1, []string{"-w", "/nonexistent/dir/x"}},
		{"buffer", []string{"live", "-i", "lo", "--buffer-size", "0"}, 2, []string{"--buffer-size"}},
		{"snap length", []string{"live", "-i", "lo", "--snaplen", "10"}, 2, []string{"--snaplen"}},
		{"user", []string{"live", "-i", "lo", "--user-drop", "no-such-user"}, 1, []string{"no-such-user"}},
	}
	needCapture(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			cmd := pgsniff("", c.args...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			_ = cmd.Run()
			if code := cmd.ProcessState.ExitCode(); code != c.code {
				t.Errorf("exit code %d, want %d", code, c.code)
			}
			for _, w := range c.want {
				if !strings.Contains(stderr.String(), w) {
					t.Errorf("says nothing of %q:\n%s", w, &stderr)
				}
			}
		})
	}
}

// TestNoPermission runs in a user namespace, whose root has no right to the
// network outside of it.
func TestNoPermission(t *testing.T) {
	cmd := pgsniff("", "live", "-i", "lo")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	var stderr strings.Builder
	cmd.Stderr = &stderr
	if err := cmd.Run(); err != nil {
		if _, ran := err.(*exec.ExitError); !ran {
			missing(t, "no user namespaces: %v", err)
		}
	}
	if code := cmd.ProcessState.ExitCode(); code != 1 {
		t.Errorf("exit code %d", code)
	}
	for _, w := range []string{"CAP_NET_RAW", "sudo", "setcap cap_net_raw", "securityContext", "NET_RAW"} {
		if !strings.Contains(stderr.String(), w) {
			t.Errorf("says nothing of %q:\n%s", w, &stderr)
		}
	}
}

// TestDropsPrivileges goes on as who called sudo, who gets the file, too.
func TestDropsPrivileges(t *testing.T) {
	needCapture(t)
	if os.Geteuid() != 0 {
		missing(t, "only root can drop privileges")
	}
	path := filepath.Join(t.TempDir(), "x.pcapng")
	for _, c := range []struct {
		args []string
		uid  string
	}{
		{nil, "65534"},
		{[]string{"--user-drop", "root"}, "0"},
	} {
		cmd := pgsniff("", append([]string{"live", "-i", "lo", "--port", "1", "-w", path}, c.args...)...)
		cmd.Env = append(cmd.Env, "SUDO_UID=65534", "SUDO_GID=65534", "SUDO_USER=nobody")
		p := startCommand(t, cmd)
		checkThreads(t, cmd.Process.Pid, c.uid)
		var st syscall.Stat_t
		if err := syscall.Stat(path, &st); err != nil || fmt.Sprint(st.Uid) != c.uid {
			t.Errorf("the file's owner is %d: %v", st.Uid, err)
		}
		if code := p.signal(syscall.SIGTERM); code != 0 {
			t.Errorf("exit code %d\n%s", code, p.stderr)
		}
		_ = os.Remove(path)
	}
}

// TestDropsCapabilities gives up what setcap granted.
func TestDropsCapabilities(t *testing.T) {
	needCapture(t)
	if os.Geteuid() != 0 {
		missing(t, "only root can grant capabilities")
	}
	if cgo() {
		t.Skip("programs that are linked with C keep their capabilities")
	}
	dir, err := os.MkdirTemp("", "pgsniff-") // not t.TempDir, which is closed to others
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	self, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "pgsniff")
	if err := errors.Join(os.Chmod(dir, 0o755), os.WriteFile(path, self, 0o755)); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "live", "-i", "lo", "--port", "1")
	cmd.Env = append(os.Environ(), asProgram+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Credential:  &syscall.Credential{Uid: 65534, Gid: 65534},
		AmbientCaps: []uintptr{unix.CAP_NET_RAW},
	}
	p := startCommand(t, cmd)
	checkThreads(t, cmd.Process.Pid, "65534")
	if code := p.signal(syscall.SIGTERM); code != 0 {
		t.Errorf("exit code %d\n%s", code, p.stderr)
	}
}

// cgo reports whether this program, which is the tested one, is linked with C.
func cgo() bool {
	info, _ := debug.ReadBuildInfo()
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" {
			return s.Value == "1"
		}
	}
	return false
}

// checkThreads looks at the user of each thread.
func checkThreads(t *testing.T, pid int, uid string) {
	t.Helper()
	time.Sleep(50 * time.Millisecond)
	files, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/status", pid))
	if len(files) == 0 {
		t.Fatal("no threads")
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			continue // it has ended
		}
		for line := range strings.Lines(string(b)) {
			fields := strings.Fields(line)
			switch {
			case fields[0] == "Uid:" && strings.Join(fields[1:], " ") != strings.Join([]string{uid, uid, uid, uid}, " "):
				t.Errorf("%s: %s", f, line)
			case (fields[0] == "CapEff:" || fields[0] == "CapPrm:") && uid != "0" && strings.Trim(fields[1], "0") != "":
				t.Errorf("%s: %s", f, line)
			}
		}
	}
}
