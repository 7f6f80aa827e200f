// Package steptest counts the statements of the program's source that run: what tests
// compare where others would measure time, and the same on every machine.
package steptest

import (
	"bufio"
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Program is the program, built with a counter at each block of statements. What runs in
// Go's own library and in other modules is not counted.
type Program struct {
	path  string
	tests bool // it is the tests of a package
}

// Build builds it; dir is the root of the repository, as seen from the test.
func Build(tb testing.TB, dir string) Program {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "pgsniff")
	build := exec.Command("go", "build", "-pgo=off", "-cover", "-covermode=atomic", "-coverpkg=./...", "-o", path, "./cmd/pgsniff")
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	return Program{path: path}
}

// BuildTests builds the tests of a package likewise: for what the program does on a
// terminal or a network alone. They are chosen by Run's arguments, and by the environment.
func BuildTests(tb testing.TB, dir, pkg string) Program {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "tests")
	build := exec.Command("go", "test", "-c", "-pgo=off", "-cover", "-covermode=atomic", "-coverpkg=./...", "-o", path, pkg)
	build.Dir = dir
	if out, err := build.CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	return Program{path, true}
}

// Run runs it with this standard input and returns how many statements ran.
func (p Program) Run(tb testing.TB, stdin io.Reader, args ...string) (n uint64) {
	tb.Helper()
	// Not TempDir: covdata takes a list, and a test's name may have a comma.
	counters, err := os.MkdirTemp("", "steps")
	if err != nil {
		tb.Fatal(err)
	}
	defer os.RemoveAll(counters)
	if p.tests {
		args = append(args, "-test.gocoverdir="+counters)
	}
	cmd := exec.Command(p.path, args...)
	cmd.Env = append(os.Environ(), "GOCOVERDIR="+counters)
	cmd.Stdin = stdin
	var errs bytes.Buffer
	cmd.Stderr = &errs
	if err := cmd.Run(); err != nil {
		tb.Fatalf("%v\n%.2000s", err, errs.String())
	}
	profile := filepath.Join(counters, "profile")
	if out, err := exec.Command("go", "tool", "covdata", "textfmt", "-i", counters, "-o", profile).CombinedOutput(); err != nil {
		tb.Fatalf("%v\n%s", err, out)
	}
	b, err := os.ReadFile(profile)
	if err != nil {
		tb.Fatal(err)
	}
	return sum(tb, b)
}

// sum adds up a profile, whose lines are file:from,to statements times.
func sum(tb testing.TB, profile []byte) (n uint64) {
	tb.Helper()
	lines := bufio.NewScanner(bytes.NewReader(profile))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) != 3 {
			continue // mode: atomic
		}
		statements, err1 := strconv.ParseUint(f[1], 10, 64)
		times, err2 := strconv.ParseUint(f[2], 10, 64)
		if err1 != nil || err2 != nil {
			tb.Fatalf("%q", lines.Text())
		}
		n += statements * times
	}
	return n
}
