package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/app"
	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(inUTC{m}, map[string]func(){
		"pgsniff": func() { os.Exit(app.Main()) },
	})
}

// inUTC runs the tests in UTC, whatever the machine's zone is. It is set before any
// goroutine reads it, and in the tests alone: the program that scripts run has its own.
type inUTC struct{ *testing.M }

func (m inUTC) Run() int {
	time.Local = time.UTC
	return m.M.Run()
}

// TestScripts runs the program as its users do. In the scripts $P is the
// directory of the captures; exits runs a command and wants an exit status, and
// head reads the first lines of a command's output and closes the pipe.
func TestScripts(t *testing.T) {
	dir, err := filepath.Abs("../../testdata/pcaps")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("P", dir)
			e.Setenv("TZ", "UTC")
			e.Setenv("NO_COLOR", "")
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exits,
			"cut":   cut,
			"patch": patch,
			"lines": lines,
		},
	})
}

// exits runs a command that must end with an exit status: exits 2 pgsniff read.
// Its output is there for stdout and stderr as after exec.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS COMMAND...")
	}
	err := ts.Exec(args[1], args[2:]...)
	status := "0"
	if err != nil {
		_, status, _ = strings.Cut(err.Error(), "exit status ")
	}
	if status != args[0] {
		ts.Fatalf("%s: exit status %q (%v), not %s", strings.Join(args[1:], " "), status, err, args[0])
	}
}

// cut writes the first bytes of a file to another: cut FROM BYTES TO.
func cut(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	n := number(ts, args[1])
	ts.Check(os.WriteFile(ts.MkAbs(args[2]), b[:n], 0o644))
}

// patch writes a file with some bytes set to 0xff to another: patch FROM OFFSET
// BYTES TO.
func patch(ts *testscript.TestScript, _ bool, args []string) {
	b := []byte(ts.ReadFile(args[0]))
	at, n := number(ts, args[1]), number(ts, args[2])
	for i := range n {
		b[at+i] = 0xff
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[3]), b, 0o644))
}

// lines wants a number of lines in a file: lines stdout 7. With !, another
// number.
func lines(ts *testscript.TestScript, neg bool, args []string) {
	n := strings.Count(ts.ReadFile(args[0]), "\n")
	if (n == number(ts, args[1])) == neg {
		ts.Fatalf("%s has %d lines", args[0], n)
	}
}

func number(ts *testscript.TestScript, s string) (n int) {
	for _, c := range s {
		if c < '0' || c > '9' {
			ts.Fatalf("%q is not a number", s)
		}
		n = 10*n + int(c-'0')
	}
	return n
}
