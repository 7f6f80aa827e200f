//go:build amd64 || arm64

package attach

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/cilium/ebpf"
	"golang.org/x/sys/unix"
)

// host is what decides whether programs may be attached.
type host struct {
	release      string // of the kernel
	lockdown     string // its mode; empty where there is none
	capabilities uint64 // effective ones
	paranoid     string // kernel.perf_event_paranoid
	program      string // this one's path
	copied       uint64 // capabilities of the copy that a package made of it for a group; 0: there is none
	unlocked     bool   // it may lock as much memory as it likes
}

// The capabilities that it takes, by number (include/uapi/linux/capability.h).
var needed = []struct {
	bit  int
	name string
}{{39, "CAP_BPF"}, {38, "CAP_PERFMON"}, {capSysPtrace, "CAP_SYS_PTRACE"}}

const (
	capSysPtrace   = 19
	capSysAdmin    = 21
	capSysResource = 24
)

// The oldest kernel that has all that is used: ring buffers are the latest of it.
const oldestMajor, oldestMinor = 5, 8

// attachingCopy is the copy of the program that packages make for the members of
// pgsniff-attach (packaging/postinstall.sh).
const attachingCopy = "/usr/libexec/pgsniff/pgsniff-attach"

// fileCapabilities are those that a program has by its file, 0 where it has none: struct
// vfs_cap_data, whose words are little-endian.
func fileCapabilities(path string) uint64 {
	var b [24]byte
	const low, high, end = 4, 12, 20 // of what is permitted
	if n, err := unix.Getxattr(path, "security.capability", b[:]); err != nil || n < end {
		return 0
	}
	return uint64(binary.LittleEndian.Uint32(b[low:])) | uint64(binary.LittleEndian.Uint32(b[high:]))<<32
}

func thisHost() host {
	h := host{program: "/path/to/pgsniff"}
	if p, err := os.Executable(); err == nil {
		if h.program = p; p == "/usr/bin/pgsniff" {
			h.copied = fileCapabilities(attachingCopy)
		}
	}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		h.release = unix.ByteSliceToString(u.Release[:])
	}
	if b, err := os.ReadFile("/sys/kernel/security/lockdown"); err == nil {
		h.lockdown = chosen(string(b))
	}
	var limit unix.Rlimit
	h.unlocked = unix.Getrlimit(unix.RLIMIT_MEMLOCK, &limit) == nil && limit.Cur == unix.RLIM_INFINITY
	if b, err := os.ReadFile("/proc/sys/kernel/perf_event_paranoid"); err == nil {
		h.paranoid = strings.TrimSpace(string(b))
	}
	if b, err := os.ReadFile("/proc/self/status"); err == nil {
		_, rest, _ := strings.Cut(string(b), "CapEff:")
		line, _, _ := strings.Cut(rest, "\n")
		h.capabilities, _ = strconv.ParseUint(strings.TrimSpace(line), 16, 64)
	}
	return h
}

// chosen returns the word in brackets: "none [integrity] confidentiality".
func chosen(s string) string {
	_, rest, _ := strings.Cut(s, "[")
	word, _, _ := strings.Cut(rest, "]")
	if word == "none" {
		return ""
	}
	return word
}

// missing are the capabilities that this process lacks. CAP_SYS_ADMIN stands for the
// first two, and must do so before Linux 6.6. Before 5.11 what the kernel keeps for a program
// is memory that it locks: more than users may.
func (h host) missing() (list []string) {
	if h.before(6, 6) {
		if h.capabilities>>capSysAdmin&1 == 0 {
			list = append(list, "CAP_SYS_ADMIN")
		}
		if h.capabilities>>capSysPtrace&1 == 0 {
			list = append(list, "CAP_SYS_PTRACE")
		}
		if h.before(5, 11) && !h.unlocked && h.capabilities>>capSysResource&1 == 0 {
			list = append(list, "CAP_SYS_RESOURCE")
		}
		return list
	}
	for _, c := range needed {
		if h.capabilities>>c.bit&1 == 0 && (h.capabilities>>capSysAdmin&1 == 0 || c.bit < 38) {
			list = append(list, c.name)
		}
	}
	return list
}

const asMembers = ", as the members of pgsniff-attach have with the packages"

// having is the host with other capabilities of this process.
func (h host) having(capabilities uint64) host {
	h.capabilities = capabilities
	return h
}

// Who says who may look into servers on this host.
func Who() string { return thisHost().who() }

func (h host) who() string {
	switch {
	case h.before(5, 11):
		return "root may, or who has CAP_SYS_ADMIN, CAP_SYS_PTRACE and CAP_SYS_RESOURCE" + asMembers
	case h.before(6, 6):
		return "root may, or who has CAP_SYS_ADMIN and CAP_SYS_PTRACE" + asMembers
	}
	return "root may, or who has CAP_BPF, CAP_PERFMON and CAP_SYS_PTRACE" + asMembers
}

// before reports whether the kernel is older than a version.
func (h host) before(major, minor int) bool {
	var x, y int
	if _, err := fmt.Sscanf(h.release, "%d.%d", &x, &y); err != nil {
		return false
	}
	return x < major || x == major && y < minor
}

// refused leaves of an error of the library's what the kernel said, where it said
// that it is not permitted: the library guesses at the reason.
func refused(err error) error {
	var no unix.Errno
	if errors.As(err, &no) && (no == unix.EPERM || no == unix.EACCES) {
		return no
	}
	return err
}

// kernelVersion is the release as the kernel's own code writes it. The library would
// look for it in this process's memory, which one with capabilities may not read.
func (h host) kernelVersion() uint32 {
	var major, minor, patch uint32
	_, _ = fmt.Sscanf(h.release, "%d.%d.%d", &major, &minor, &patch)
	return major<<16 | minor<<8 | min(patch, 255)
}

// explain says what to do about an error.
func explain(err error) error { return thisHost().explain(err) }

func (h host) explain(err error) error {
	var own *Error
	if err == nil || errors.As(err, &own) {
		return err
	}
	e := &Error{What: "cannot attach to the server", Cause: err}
	denied := errors.Is(err, unix.EPERM) || errors.Is(err, unix.EACCES)
	missing := h.missing()
	switch {
	case errors.Is(err, fs.ErrNotExist) && !strings.Contains(err.Error(), "tracepoint"):
		e.Help = "there is no such program, or its process has ended"
	case h.before(oldestMajor, oldestMinor):
		e.Help = fmt.Sprintf("this kernel, %s, is too old: it takes %d.%d or later", h.release, oldestMajor, oldestMinor)
	case denied && len(missing) > 0:
		e.Help = h.grant(missing)
	case denied:
		e.Help = "this process has the capabilities that it takes, so something else forbids it: a container's seccomp profile, which must allow bpf and perf_event_open, or a security module (AppArmor, SELinux)" + h.locked()
	case errors.Is(err, ebpf.ErrNotSupported) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS):
		e.Help = fmt.Sprintf("this kernel, %s, lacks something that it takes: CONFIG_BPF_SYSCALL, CONFIG_BPF_EVENTS and CONFIG_UPROBE_EVENTS", h.release) + h.locked()
	}
	return e
}

// locked tells that the kernel is locked down. Those that were tried take all programs for
// servers; another may forbid more.
func (h host) locked() string {
	if h.lockdown == "" {
		return ""
	}
	return fmt.Sprintf("; the kernel is locked down (%s), too", h.lockdown)
}

// grant lists the ways to give what is missing.
func (h host) grant(missing []string) string {
	all := []string{"cap_bpf", "cap_perfmon", "cap_sys_ptrace"}
	if h.before(6, 6) {
		all = []string{"cap_sys_admin", "cap_sys_ptrace"}
	}
	if h.before(5, 11) {
		all = append(all, "cap_sys_resource")
	}
	give := func(program string) string {
		return fmt.Sprintf("sudo setcap cap_net_raw,%s+ep %s", strings.Join(all, ","), program)
	}
	good := give(h.program)
	if h.copied != 0 {
		good = "sudo usermod -aG pgsniff-attach $USER, and log in anew"
		// Packages give what the kernel takes that ran when they were installed.
		if len(h.having(h.copied).missing()) > 0 {
			good = give(attachingCopy) + "; " + good
		}
	}
	short := strings.ReplaceAll(strings.Join(missing, `", "`), "CAP_", "")
	verb := "are"
	if len(missing) == 1 {
		verb = "is"
	}
	return fmt.Sprintf(`%s %s missing
  once:          sudo pgsniff live --attach …
  for good:      %s
  in Kubernetes: hostPID: true, securityContext: {runAsUser: 0, capabilities: {add: ["%s"]}}`,
		strings.Join(missing, ", "), verb, good, short)
}
