//go:build amd64 || arm64

package attach

import (
	"bytes"
	"encoding/binary"
	"runtime"
	"slices"
	"unsafe"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// A kernel that is locked down for confidentiality takes no program that reads its memory
// (LOCKDOWN_BPF_READ_KERNEL in kernel/trace/bpf_trace.c), and takes those that read that of
// processes. The library does not: it tries whether the kernel knows
// bpf_probe_read_kernel, concludes from the refusal that it is older than 5.5, and puts
// bpf_probe_read in the place of bpf_probe_read_user, which is refused as well. So there the
// programs go to the kernel as they are.

// progLoadAttr is the begin of the kernel's union bpf_attr for BPF_PROG_LOAD.
type progLoadAttr struct {
	kind         uint32
	count        uint32 // of instructions
	instructions unsafe.Pointer
	license      unsafe.Pointer
	logLevel     uint32
	logSize      uint32
	log          uint64
	version      uint32 // of the kernel
	flags        uint32
	name         [16]byte
	device       uint32
	attachType   uint32
}

// loadAsIs loads a program with the very instructions that it has.
func loadAsIs(spec *ebpf.ProgramSpec) (*ebpf.Program, error) {
	code, err := bytecode(spec.Instructions)
	if err != nil {
		return nil, err
	}
	license := append([]byte(spec.License), 0)
	attr := progLoadAttr{
		kind: uint32(spec.Type), count: uint32(len(code) / asm.InstructionSize),
		instructions: unsafe.Pointer(unsafe.SliceData(code)), license: unsafe.Pointer(unsafe.SliceData(license)),
		version: spec.KernelVersion, attachType: uint32(spec.AttachType),
	}
	copy(attr.name[:len(attr.name)-1], spec.Name)
	// A signal interrupts the kernel's verifier, and Go's scheduler sends them.
	const tries = 10
	var fd uintptr
	no := unix.EAGAIN
	for i := 0; i < tries && no == unix.EAGAIN; i++ {
		fd, _, no = unix.Syscall(unix.SYS_BPF, unix.BPF_PROG_LOAD, uintptr(unsafe.Pointer(&attr)), unsafe.Sizeof(attr))
	}
	runtime.KeepAlive(code)
	runtime.KeepAlive(license)
	if no != 0 {
		return nil, no
	}
	return ebpf.NewProgramFromFD(int(fd))
}

// bytecode is what the kernel is given of a program.
func bytecode(code asm.Instructions) ([]byte, error) {
	var b bytes.Buffer
	// Offsets of jumps are written into the instructions. Both architectures are little-endian.
	if err := slices.Clone(code).Marshal(&b, binary.LittleEndian); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// mayReadKernel reports whether programs may read the kernel's memory. It asks the kernel,
// for what says how far it is locked down is not there in every container.
func mayReadKernel() bool {
	return takesCall(asm.FnProbeReadKernel) || !takesCall(asm.FnProbeReadUser)
}

// takesCall reports whether the kernel takes a program that calls one of its functions that
// read memory.
func takesCall(function asm.BuiltinFunc) bool {
	c := &code{}
	c.stack(asm.R1, stackWalk)
	c.add(asm.Mov.Imm(asm.R2, 8), asm.Mov.Imm(asm.R3, 0), function.Call())
	c.exit()
	p, err := loadAsIs((&source{}).spec("pgsniff_try", c.Instructions))
	if err != nil {
		return false
	}
	_ = p.Close()
	return true
}
