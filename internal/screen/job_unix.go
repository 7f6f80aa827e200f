//go:build unix

package screen

import (
	"bytes"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// jobSignals are those that stop a job and continue it, as far as they are for this
// process: a SIGTSTP that was ignored when the program began is to be ignored.
func jobSignals() []os.Signal {
	if signal.Ignored(unix.SIGTSTP) {
		return []os.Signal{unix.SIGCONT}
	}
	return []os.Signal{unix.SIGTSTP, unix.SIGCONT}
}

// isStop and isContinue tell which of the two a signal is.
func isStop(s os.Signal) bool     { return s == unix.SIGTSTP }
func isContinue(s os.Signal) bool { return s == unix.SIGCONT }

// stopGroup stops all processes of the job: the shell waits until none of them runs, a
// program neither that writes what this one reads. It reports whether it could.
func stopGroup() bool { return unix.Kill(0, unix.SIGSTOP) == nil }

// inBackground stops the job if its terminal is somebody else's, as the kernel does with
// those that change its modes, and reports whether it was.
func inBackground(fd uintptr) bool {
	group, err := unix.IoctlGetInt(int(fd), unix.TIOCGPGRP)
	if err != nil || group == unix.Getpgrp() {
		return false
	}
	_ = unix.Kill(0, unix.SIGTTOU)
	return true
}

// endAnywhere lets the program give the terminal back when it has become somebody else's
// while the program was stopped: the kernel would stop it again.
func endAnywhere() { signal.Ignore(unix.SIGTTOU) }

// alone reports whether no shell is there to go on with the job where it was stopped, as
// in a container: no process of it has a parent that is of the same session and not of the
// job. The kernel lets the keyboard stop no such job. Of the processes of the job this one
// and those that it descends from are looked at.
func alone() bool {
	session, err := unix.Getsid(0)
	if err != nil {
		return false
	}
	group := unix.Getpgrp()
	for pid := os.Getppid(); pid > 0; pid = parent(pid) {
		s, err := unix.Getsid(pid)
		if err != nil || s != session {
			return true
		}
		if g, err := unix.Getpgid(pid); err != nil || g != group {
			return err != nil
		}
	}
	return session == os.Getpid()
}

// parent returns the parent of a process, 0 where it is not known: where there is no /proc.
func parent(pid int) int {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:])) // the state, the parent
	if len(fields) < 2 {
		return 0
	}
	n, err := strconv.Atoi(fields[1])
	if err != nil {
		return 0
	}
	return n
}
