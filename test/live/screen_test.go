//go:build linux

package live

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/pgtest"
)

// pane is a terminal of tmux with a shell in it.
type pane struct {
	t      *testing.T
	tmux   string
	socket string
}

// newPane starts a shell on a terminal of 80 columns and 24 lines.
func newPane(t *testing.T, env ...string) *pane {
	t.Helper()
	p := &pane{t: t, tmux: pgtest.Tool(t, "tmux"), socket: filepath.Join(t.TempDir(), "tmux")}
	args := []string{"-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24"}
	for _, e := range append(env, asProgram+"=1", "PS1=ready> ", "TERM=screen-256color") {
		args = append(args, "-e", e)
	}
	p.run(append(args, "bash", "--noprofile", "--norc", "-i")...)
	t.Cleanup(func() { _ = exec.Command(p.tmux, "-S", p.socket, "kill-server").Run() })
	p.wait("ready>")
	return p
}

// run runs a command of tmux and returns what it prints.
func (p *pane) run(args ...string) string {
	p.t.Helper()
	out, err := exec.Command(p.tmux, append([]string{"-S", p.socket}, args...)...).CombinedOutput()
	if err != nil {
		p.t.Fatalf("tmux %v: %v: %s", args, err, out)
	}
	return string(out)
}

func (p *pane) keys(list ...string) { p.run(append([]string{"send-keys"}, list...)...) }

func (p *pane) screen() string { return p.run("capture-pane", "-p") }

// wait waits until all texts are on the screen.
func (p *pane) wait(texts ...string) string {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		screen, missing := p.screen(), ""
		for _, text := range texts {
			if !strings.Contains(screen, text) {
				missing = text
			}
		}
		if missing == "" {
			return screen
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("there is no %q on the screen:\n%s", missing, screen)
		}
	}
}

// quiet holds that the terminal is as it was before the program.
func (p *pane) quiet() {
	p.t.Helper()
	if state := strings.TrimSpace(p.run("display-message", "-p", "#{alternate_on} #{cursor_flag} #{mouse_any_flag}")); state != "0 1 0" {
		p.t.Errorf("alternate screen, cursor, mouse: %s", state)
	}
}

// child returns the program that the shell runs.
func (p *pane) child() int {
	p.t.Helper()
	shell := strings.TrimSpace(p.run("display-message", "-p", "#{pane_pid}"))
	b, err := os.ReadFile("/proc/" + shell + "/task/" + shell + "/children")
	list := strings.Fields(string(b))
	if err != nil || len(list) != 1 {
		p.t.Fatalf("the shell's children: %q, %v", b, err)
	}
	pid, _ := strconv.Atoi(list[0]) // of the kernel
	return pid
}

// colored is a colour in what tmux captured.
var colored = regexp.MustCompile("\x1b\\[[0-9;]*(3[0-7]|9[0-7]|4[0-7])[0-9;]*m")

// TestScreen watches a real pgbench in a real terminal: what is shown, filters, another
// size, suspending, the end by a signal.
func TestScreen(t *testing.T) {
	needCapture(t)
	server := pgtest.Start(t)
	bench := pgtest.Tool(t, "pgbench")
	host, port := "127.0.0.1", strconv.Itoa(server.Port)
	database := server.DSN("postgres", "postgres")
	if out, err := exec.Command(bench, "-i", "-q", database).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	load := exec.Command(bench, "-n", "-c", "2", "-T", "300", "-R", "100", database)
	load.Env = append(os.Environ(), "PGAPPNAME=shop")
	if err := load.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = load.Process.Kill(); _ = load.Wait() }()

	p := newPane(t)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	p.keys("-l", fmt.Sprintf("cd %s && clear && %s top -i lo --port %s", dir, program, port))
	p.keys("Enter")
	p.wait("pgsniff top lo", "1 Activity", "Q/S")
	p.keys("2")
	p.wait("update pgbench_accounts", "select abalance", "insert into pgbench")
	if !colored.MatchString(p.run("capture-pane", "-p", "-e")) {
		t.Error("there are no colours")
	}
	p.keys("/")
	p.keys("-l", "pgbench_acc")
	p.keys("Enter")
	p.wait("/pgbench_acc: 2")
	p.keys("Enter")
	p.wait("PARAMETERS", "pgbench_accounts", "mean")
	p.keys("Enter")
	p.wait("pgbench_accounts", "──▶", "CommandComplete", net.JoinHostPort(host, port))
	p.keys("w")
	p.wait("write the packets")
	p.keys("Enter")
	p.wait("written to pgsniff-conn")
	p.run("resize-window", "-x", "130", "-y", "40")
	p.wait("│ began ")
	p.run("resize-window", "-x", "80", "-y", "24")

	// A filter that nothing passes, and none again.
	p.keys("2", "F")
	p.wait("capture filter:")
	p.keys("-l", "port 1 and")
	p.keys("Enter")
	p.wait("-f: ")
	p.keys("F")
	p.keys("-l", "port 1")
	p.keys("Enter")
	p.wait("the filter is port 1")
	p.keys("x")
	p.wait("  0 q/s")
	p.keys("F", "C-u", "Enter")
	p.wait("the filter is off")
	p.keys("4")
	p.wait("in all queries since")

	p.keys("C-z")
	p.wait("Stopped")
	p.quiet()
	p.keys("-l", "fg")
	p.keys("Enter")
	p.wait("SEVERITY")
	if err := syscall.Kill(p.child(), syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.wait("dropped by the kernel")
	p.keys("-l", "echo status $?")
	p.keys("Enter")
	p.wait("status 0")
	p.quiet()
	written, err := filepath.Glob(filepath.Join(dir, "pgsniff-conn*.pcapng"))
	if err != nil || len(written) != 1 {
		t.Fatal(written, err)
	}
	read := exec.Command(program, "read", written[0], "--port", port, "--view", "queries")
	read.Env = append(os.Environ(), asProgram+"=1")
	if out, err := read.Output(); err != nil || !strings.Contains(string(out), "pgbench_") {
		t.Errorf("%v: %s", err, out)
	}
}

// held waits until the program has the terminal, with texts on the screen, and holds that
// all of that is the program's own.
func (p *pane) held(texts ...string) {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		state := strings.TrimSpace(p.run("display-message", "-p", "#{alternate_on} #{mouse_any_flag}"))
		if state == "1 1" {
			break
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("alternate screen, mouse: %s\n%s", state, p.screen())
		}
	}
	if screen := p.wait(texts...); strings.Contains(screen, "Stopped") || strings.Contains(screen, "ready") {
		p.t.Errorf("something else is on the screen:\n%s", screen)
	}
}

// stopped waits until the program is stopped, and the shell, which looks for that when a
// line is typed, has said so.
func (p *pane) stopped(pid int) {
	p.t.Helper()
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			p.t.Fatal(err)
		}
		if strings.Contains(string(stat), ") T ") {
			if strings.Contains(p.screen(), "Stopped") {
				return
			}
			p.keys("Enter")
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("the program is not stopped, or nobody says so: %s\n%s", stat, p.screen())
		}
	}
}

// TestScreenJob stops the program as shells and others do, from the keyboard and from
// outside, and goes on with it. While it is stopped the terminal is as it was before: the
// shell is one that leaves modes as it finds them, so that stty shows which there are.
func TestScreenJob(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	capture, err := filepath.Abs("../../testdata/pcaps/base_mix.pcap")
	if err != nil {
		t.Fatal(err)
	}
	p := newPane(t)
	p.keys("-l", "clear; export PS1='ready ''in dash> '; cd "+t.TempDir()+"; exec dash -i")
	p.keys("Enter")
	p.wait("ready in dash>")
	typed := func(line string) {
		p.keys("-l", line)
		p.keys("Enter")
	}
	typed("clear; stty -g >before; echo ok $((6*7))")
	p.wait("ok 42")
	typed(program + " browse " + capture)
	p.held("CALLS", "copy m from stdin")
	pid := p.child()
	signal := func(s syscall.Signal) {
		t.Helper()
		if err := syscall.Kill(pid, s); err != nil {
			t.Fatal(err)
		}
	}
	asBefore := func() {
		t.Helper()
		p.quiet()
		typed("clear; stty -g | cmp - before && echo modes $((6*7))")
		p.wait("modes 42")
	}
	for _, how := range []string{"TSTP", "Ctrl-Z"} {
		if how == "TSTP" {
			signal(syscall.SIGTSTP)
		} else {
			p.keys("C-z")
		}
		p.stopped(pid)
		asBefore()
		typed("clear; bg") // it needs the terminal
		p.stopped(pid)
		asBefore()
		p.run("resize-window", "-x", "100", "-y", "30")
		typed("fg")
		p.held("CALLS", "copy m from stdin")
		p.keys("?")
		p.wait("Everywhere")
		p.keys("?")
		p.wait("CALLS", "copy m from stdin")
		p.run("resize-window", "-x", "80", "-y", "24")
		p.held("CALLS", "copy m from stdin")
	}

	// Nothing can be given back before SIGSTOP; going on, all is taken again.
	signal(syscall.SIGSTOP)
	p.wait("Stopped")
	p.keys("-l", "clear; stty sane; echo sane $((6*7))")
	p.keys("C-j") // the modes are the program's still
	p.wait("sane 42")
	typed("clear; bg")
	p.stopped(pid)
	typed("reset; fg")
	p.held("CALLS", "copy m from stdin")
	p.keys("1")
	p.wait("3 connections")
	p.keys("2")
	p.held("CALLS", "copy m from stdin")

	// What ends a stopped job leaves the terminal to the shell.
	signal(syscall.SIGTSTP)
	p.stopped(pid)
	typed("clear; kill %1; kill -CONT %1")
	p.wait("427 packets")
	for range 100 {
		if strings.Contains(p.screen(), "Done ") { // and not Done(1)
			break
		}
		p.keys("Enter")
		time.Sleep(50 * time.Millisecond)
	}
	p.wait("Done ")
	asBefore()
}

// TestScreenManners is what terminals of other sorts get: no colours where NO_COLOR is
// set, a pipe's packets while keys come from the terminal, a message where there is none.
func TestScreenManners(t *testing.T) {
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	capture, err := filepath.Abs("../../testdata/pcaps/base_mix.pcap")
	if err != nil {
		t.Fatal(err)
	}
	p := newPane(t, "NO_COLOR=yes")
	p.keys("-l", "clear; cat "+capture+" | "+program+" browse -; echo ended $?")
	p.keys("Enter")
	p.wait("2 Queries", "copy m from stdin")
	if screen := p.run("capture-pane", "-p", "-e"); colored.MatchString(screen) {
		t.Errorf("there are colours: %q", screen)
	}
	p.keys("Enter")
	p.wait("PARAMETERS")
	p.keys("Enter")
	p.wait("Parse select i, repeat", "──▶")
	p.keys("q")
	p.wait("ended 0")
	p.quiet()

	none := exec.Command(program, "browse", capture)
	none.Env = append(os.Environ(), asProgram+"=1")
	out, err := none.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 2 || !strings.Contains(string(out), "a full screen needs a terminal") {
		t.Errorf("%v: %s", err, out)
	}
}
