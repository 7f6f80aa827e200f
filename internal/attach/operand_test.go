//go:build linux && (amd64 || arm64)

package attach

import (
	"runtime"
	"slices"
	"testing"
)

// The arguments of probes are read as compilers write them.
func TestOperands(t *testing.T) {
	// One register of this machine, by the names of the other ones of these tests.
	cases := map[string]map[string][]operand{
		"amd64": {
			"4@(%r12) 4@4(%r12) 2@12(%r12) -4@%r13d": {{24, true, 0}, {24, true, 4}, {24, true, 12}, {16, false, 0}},
			"8@%rdi -4@$0 1@$-3":                     {{112, false, 0}, {-1, false, 0}, {-1, false, -3}},
			"4@-20(%rbp) 4@0x10(%rsp)":               {{32, true, -20}, {152, true, 16}},
			"4@8(%rax,%rbx,4)":                       nil,
			"4@symbol(%rip)":                         nil,
			"%eax":                                   nil,
			"":                                       nil,
		},
		"arm64": {
			"4@[x19] 4@[x19, 4] -4@w20": {{152, true, 0}, {152, true, 4}, {160, false, 0}},
			"8@x0 -4@0 4@[sp, 60]":      {{0, false, 0}, {-1, false, 0}, {248, true, 60}},
			"4@[x1, x2]":                nil,
		},
	}[runtime.GOARCH]
	for text, want := range cases {
		if got := operands(text); !slices.Equal(got, want) {
			t.Errorf("%q: %+v, want %+v", text, got, want)
		}
	}
}

// FuzzOperands: whatever a program's notes say.
func FuzzOperands(f *testing.F) {
	f.Add("4@4(%r12) -4@%r13d $3")
	f.Fuzz(func(_ *testing.T, text string) { operands(text) })
}
