//go:build linux && (amd64 || arm64)

package attach_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/attach"
)

// An upgrade puts another file in the place of a program: who runs that is seen, too, as
// soon as it is all there.
func TestProgramReplaced(t *testing.T) {
	built := compiled(t, backend)
	whole, err := os.ReadFile(built)
	if err != nil {
		t.Fatal(err)
	}
	for _, old := range []bool{false, true} {
		attach.SetOldWay(old)
		defer attach.SetOldWay(false)
		program := filepath.Join(t.TempDir(), "program")
		put := func(b []byte) {
			t.Helper()
			fresh := program + ".new"
			if err := os.WriteFile(fresh, b, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(fresh, program); err != nil {
				t.Fatal(err)
			}
		}
		put(whole)
		r := recordProgram(t, program)
		tend := func() {
			t.Helper()
			if err := r.tend(); err != nil {
				t.Error(err)
			}
		}
		conversation(t, program, 1)
		tend() // the file is the same
		put(whole[:len(whole)/2])
		tend()
		put(whole)
		tend()
		tend()
		pid := conversation(t, program, 2)
		list := r.ended(2)
		if len(list) != 2 {
			t.Fatalf("%d connections", len(list))
		}
		told(t, list[1:], pid, 2)
	}
}

// A file that cannot be attached to is told once.
func TestReplacedInVain(t *testing.T) {
	program := filepath.Join(t.TempDir(), "program")
	built := compiled(t, backend)
	if err := os.Rename(built, program); err != nil {
		t.Fatal(err)
	}
	r := recordProgram(t, program)
	if err := os.WriteFile(program+".new", []byte("no program"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(program+".new", program); err != nil {
		t.Fatal(err)
	}
	told := 0
	for range 20 {
		if err := r.tend(); err != nil {
			told++
		}
	}
	if told != 1 {
		t.Errorf("told %d times", told)
	}
}
