//go:build linux

package live

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/pgsniff/pgsniff/internal/app"
)

// asProgram makes the test binary behave as pgsniff.
const asProgram = "PGSNIFF_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		os.Exit(app.Main())
	}
	os.Exit(m.Run())
}

// missing skips the test, or fails it where skipping would hide a hole.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}

// needCapture skips the test without the right to capture.
func needCapture(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		missing(t, "no right to capture: %v", err)
	}
	unix.Close(fd)
}

// program is a running pgsniff.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	stdout *output
	stderr *output
	exited chan struct{}
	err    error // of Wait
}

// output collects a stream and can be looked at meanwhile.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

// pgsniff makes the command, in a network namespace unless that is "".
func pgsniff(namespace string, args ...string) *exec.Cmd {
	if namespace != "" {
		args = append([]string{"netns", "exec", namespace, os.Args[0]}, args...)
		cmd := exec.Command("ip", args...)
		cmd.Env = append(os.Environ(), asProgram+"=1")
		return cmd
	}
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asProgram+"=1")
	return cmd
}

// start runs pgsniff until it says that it captures.
func start(t *testing.T, namespace string, args ...string) *program {
	t.Helper()
	return startCommand(t, pgsniff(namespace, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := launch(t, cmd)
	p.waitFor("that it captures", 30*time.Second, func() bool { return strings.Contains(p.stderr.String(), "capturing on") })
	return p
}

// launch runs a command until it ends or the test does.
func launch(t *testing.T, cmd *exec.Cmd) *program {
	t.Helper()
	p := &program{t: t, cmd: cmd, stdout: new(output), stderr: new(output), exited: make(chan struct{})}
	if cmd.Stdout == nil {
		cmd.Stdout = p.stdout
	}
	cmd.Stderr = p.stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		p.err = cmd.Wait()
		close(p.exited)
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-p.exited
	})
	return p
}

// waitFor waits until a condition holds, and fails the test if it does not come
// to.
func (p *program) waitFor(what string, limit time.Duration, done func() bool) {
	p.t.Helper()
	for end := time.Now().Add(limit); !done(); time.Sleep(5 * time.Millisecond) {
		select {
		case <-p.exited:
			if !done() {
				p.t.Fatalf("it ended while waiting for %s: %v\n%s", what, p.err, p.stderr)
			}
			return
		default:
		}
		if time.Now().After(end) {
			p.t.Fatalf("waited %v in vain for %s; standard error:\n%s", limit, what, p.stderr)
		}
	}
}

// signal ends the program and returns its exit code.
func (p *program) signal(s syscall.Signal) int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.t.Fatal(err)
	}
	return p.wait(30 * time.Second)
}

// wait waits for the program's own end.
func (p *program) wait(limit time.Duration) int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(limit):
		p.t.Fatalf("it did not end within %v; standard error:\n%s", limit, p.stderr)
	}
	var e *exec.ExitError
	switch {
	case p.err == nil:
		return 0
	case errors.As(p.err, &e):
		return e.ExitCode()
	}
	p.t.Fatal(p.err)
	return -1
}

// record is what the tests look at in a line of JSON.
type record struct {
	Type     string          `json:"type"`
	Time     time.Time       `json:"ts"`
	Conn     uint64          `json:"conn"`
	Msg      string          `json:"msg"`
	Dir      string          `json:"dir"`
	Body     json.RawMessage `json:"body"`
	SQL      string          `json:"sql"`
	Complete bool            `json:"complete"`
	Lost     uint64          `json:"lost_bytes"`
	Inferred []string        `json:"inferred"`
	Code     string          `json:"code"`
	MidWay   bool            `json:"started_mid_stream"`
	State    string          `json:"state"`
	Dropped  *uint64         `json:"kernel_dropped"`
}

// records parses NDJSON; every line must be whole.
func records(t *testing.T, r io.Reader) (list []record) {
	t.Helper()
	b := bufio.NewReader(r)
	for {
		line, err := b.ReadBytes('\n')
		if err == io.EOF && len(line) == 0 {
			return list
		}
		if err != nil {
			t.Fatalf("the last line is cut: %q", line)
		}
		var x record
		if err := json.Unmarshal(line, &x); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		list = append(list, x)
	}
}

// queries returns the text of the Query messages of a list, in order.
func queries(t *testing.T, list []record) (sql []string) {
	t.Helper()
	for _, x := range list {
		if x.Msg == "Query" {
			var body struct{ Query string }
			if err := json.Unmarshal(x.Body, &body); err != nil {
				t.Fatal(err)
			}
			sql = append(sql, body.Query)
		}
	}
	return sql
}
