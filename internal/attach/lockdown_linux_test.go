//go:build amd64 || arm64

package attach

import (
	"encoding/binary"
	"os"
	"reflect"
	"testing"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// lockdownForbids are the functions that a kernel refuses to programs when it is locked down
// for confidentiality: those that ask security_locked_down in bpf_base_func_proto
// (kernel/bpf/helpers.c) and bpf_tracing_func_proto (kernel/trace/bpf_trace.c), and that
// which changes a process's memory.
var lockdownForbids = []asm.BuiltinFunc{
	asm.FnProbeRead, asm.FnProbeReadStr, asm.FnProbeReadKernel, asm.FnProbeReadKernelStr, asm.FnProbeWriteUser,
}

// forbidden counts calls of such functions in what the kernel is given.
func forbidden(t *testing.T, code asm.Instructions) (n int) {
	t.Helper()
	b, err := bytecode(code)
	if err != nil {
		t.Fatal(err)
	}
	const call = 0x85 // BPF_JMP | BPF_CALL
	calls := 0
	for ; len(b) > 0; b = b[asm.InstructionSize:] {
		if b[0] != call {
			continue
		}
		calls++
		for _, f := range lockdownForbids {
			if binary.LittleEndian.Uint32(b[4:]) == uint32(f) {
				n++
			}
		}
	}
	if calls == 0 {
		t.Errorf("no call of a function in %v", code)
	}
	return n
}

// Where the kernel is locked down, nothing that it refuses is in what it is given, for all
// programs that servers have; the kernel takes them, and they are those of the usual way.
func TestLoadAsIs(t *testing.T) {
	s := source{stream: newStream(nil)}
	if err := s.load(); err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	defer s.Close()
	inMemory := make([]operand, len(tagFields)) // the arguments are where reading them takes a call
	for i := range inMemory {
		inMemory[i] = operand{memory: true}
	}
	if s.blind = errLockedDown; reflect.ValueOf(s.loader()).Pointer() != reflect.ValueOf(loadAsIs).Pointer() {
		t.Error("where the kernel is locked down, the library loads the programs")
	}
	programs := map[string]asm.Instructions{"pgsniff_lock": s.lockBegins(inMemory)}
	for _, more := range []map[string]asm.Instructions{s.forServers(true), s.forTimes()} {
		for name, code := range more {
			programs[name] = code
		}
	}
	for name, code := range programs {
		if n := forbidden(t, code); n != 0 {
			t.Errorf("%s calls what a kernel refuses that is locked down: %d times", name, n)
		}
		var tags [2]string
		for i, load := range []func(*ebpf.ProgramSpec) (*ebpf.Program, error){ebpf.NewProgram, loadAsIs} {
			p, err := load(s.spec(name, code))
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			info, err := p.Info()
			if err != nil {
				t.Fatal(err)
			}
			if info.Name != name {
				t.Errorf("%s is called %s", name, info.Name)
			}
			tags[i] = info.Tag // the kernel's digest of its instructions
			_ = p.Close()
		}
		if tags[0] != tags[1] {
			t.Errorf("%s: %s as it is, %s by the library", name, tags[1], tags[0])
		}
	}
	var err error
	if s.kernel, err = readKernel(); err == nil && forbidden(t, s.called(stateRead, true)) == 0 {
		t.Error("who the peer is was read without reading the kernel's memory")
	}
	if takesCall(asm.BuiltinFunc(1 << 20)) {
		t.Error("the kernel takes a function that there is none of")
	}
}
