//go:build linux && (amd64 || arm64)

package attach_test

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// backend has a server's functions. It answers each line with one of its own, and between
// the two a thread begins and ends.
const backend = `
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#define KEEP __attribute__((noipa))
KEEP void pq_init(void) {}
KEEP ssize_t secure_read(void *port, void *b, size_t n) { return read(0, b, n); }
KEEP ssize_t secure_write(void *port, const void *b, size_t n) { return write(1, b, n); }
static char port[512], line[512];
static void *work(void *p) { return p; }
int main(void) {
	pq_init();
	for (;;) {
		ssize_t n = secure_read(port, line, sizeof line);
		if (n <= 0) return 0;
		pthread_t t;
		if (pthread_create(&t, 0, work, 0) || pthread_join(t, 0)) return 1;
		if (secure_write(port, "done\n", 5) != 5) return 2;
	}
}
`

// conversation starts a backend, says lines to it, and waits for its end. It returns its pid.
func conversation(t *testing.T, program string, lines int) int {
	t.Helper()
	cmd := exec.Command(program)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	for n := range lines {
		if _, err := fmt.Fprintf(in, "line %d\n", n); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("done\n"))); err != nil {
			t.Fatal(err)
		}
	}
	_ = in.Close()
	if err := cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

// told checks that a backend's conversation was told as one connection.
func told(t *testing.T, list []*seen, pid, lines int) {
	t.Helper()
	if len(list) != 1 || list[0].conn.PID != pid || list[0].conn.Joined || !list[0].closed {
		t.Fatalf("%d connections, the first %+v; the backend is %d", len(list), list[0].conn, pid)
	}
	c := list[0]
	front, back := strings.Count(string(c.data[messages.Frontend]), "line "), strings.Count(string(c.data[messages.Backend]), "done\n")
	if front != lines || back != lines || c.missing != [2]int64{} {
		t.Errorf("%d and %d of %d lines, %d missing", front, back, lines, c.missing)
	}
}

// A backend may have threads, by what extensions bring along: their ends are not its own.
func TestBackendWithThreads(t *testing.T) {
	program := compiled(t, backend)
	r := recordProgram(t, program)
	pid := conversation(t, program, 3)
	told(t, r.ended(1), pid, 3)
}

// inNamespace is the program of a backend, for the run of this test within a namespace.
const inNamespace = "PGSNIFF_TEST_IN_NAMESPACE"

// In a namespace of processes, as a container has one, a backend is chosen and told by the
// number that it has there, and none outside of it is told.
func TestNamespaceOfProcesses(t *testing.T) {
	if program := os.Getenv(inNamespace); program != "" {
		withinNamespace(t, program)
		return
	}
	program := compiled(t, backend)
	_ = recordProgram(t, program).stop() // skips the test where this system cannot attach
	cmd := exec.Command(os.Args[0], "-test.run=^TestNamespaceOfProcesses$", "-test.v")
	cmd.Env = append(os.Environ(), inNamespace+"="+program)
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWPID | unix.CLONE_NEWNS, Pdeathsig: syscall.SIGKILL}
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skipf("this test makes a namespace of processes: %v", err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	var said strings.Builder
	for b := make([]byte, 1); !strings.HasSuffix(said.String(), "attached\n"); said.Write(b) {
		if _, err := out.Read(b); err != nil {
			t.Fatalf("%v\n%s", err, said.String())
		}
	}
	conversation(t, program, 2) // outside
	_ = in.Close()
	rest, _ := io.ReadAll(out)
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v\n%s%s", err, said.String(), rest)
	}
}

func withinNamespace(t *testing.T, program string) {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		t.Fatal(err)
	}
	// Its parent is this process, as a server is that of its backends.
	r := recordWith(t, attach.Options{Programs: []string{program}, Servers: []int{os.Getpid()}, Times: true})
	fmt.Println("attached")
	if _, err := io.ReadAll(os.Stdin); err != nil {
		t.Fatal(err)
	}
	pid := conversation(t, program, 3)
	told(t, r.ended(1), pid, 3)
}
