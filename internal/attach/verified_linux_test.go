//go:build amd64 || arm64

package attach

import (
	"fmt"
	"os"
	"regexp"
	"strconv"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// processed is what the kernel's verifier says of a program that it took.
var processed = regexp.MustCompile(`processed (\d+) insns`)

// The kernel follows a program on all its ways, a million instructions at most. Older ones
// see later that a way is like one that they have followed, so this one must be far from
// that, and within a loop there must be but one way.
func TestVerified(t *testing.T) {
	const most = 150_000
	s := source{stream: newStream(nil)}
	err := s.load()
	if err == nil {
		err = s.loadOpenSSL(nil)
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer s.Close()
	if s.kernel, err = readKernel(); err != nil {
		t.Skip(err)
	}
	if s.sock, err = readSockets(); err != nil {
		t.Skip(err)
	}
	s.asked = []int{1, 2, 3}
	loops := 0
	for _, programs := range []map[string]asm.Instructions{s.forServers(true), s.forTimes(), s.forOpenSSL()} {
		for name, code := range programs {
			loops += oneWay(t, name, code)
			spec := s.spec(name, code)
			p, err := ebpf.NewProgramWithOptions(spec, ebpf.ProgramOptions{LogLevel: ebpf.LogLevelStats})
			if err != nil {
				t.Fatal(fmt.Errorf("%s: %w", name, err))
			}
			m := processed.FindStringSubmatch(p.VerifierLog)
			_ = p.Close()
			if m == nil {
				t.Skipf("the kernel says of %s: %s", name, p.VerifierLog)
			}
			if n, _ := strconv.Atoi(m[1]); n > most {
				t.Errorf("%s: %d instructions were followed", name, n)
			}
			t.Logf("%s: %s, %d instructions", name, m[0], len(code))
		}
	}
	if loops != 4 {
		t.Errorf("%d loops", loops)
	}
}

// oneWay checks that each branch within a loop leads out of it. It returns how many loops
// there are.
func oneWay(t *testing.T, name string, code asm.Instructions) (loops int) {
	t.Helper()
	labels := make(map[string]int)
	for n, i := range code {
		if l := i.Symbol(); l != "" {
			labels[l] = n
		}
	}
	for end, back := range code {
		begin, ok := labels[back.Reference()]
		if !ok || begin > end || back.OpCode.JumpOp() != asm.Ja {
			continue
		}
		loops++
		for n := begin; n < end; n++ {
			if to, ok := labels[code[n].Reference()]; ok && to >= begin && to <= end {
				t.Errorf("%s: instruction %d leads to %d within the loop from %d to %d", name, n, to, begin, end)
			}
		}
	}
	return loops
}
