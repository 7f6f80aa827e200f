//go:build linux

package attach

import "strings"

// Where a program finds a function's arguments and its result among the registers
// that it is given (struct pt_regs), in bytes; System V ABI.
const (
	argument1 = 112 // rdi
	argument2 = 104 // rsi
	argument4 = 88  // rcx
	returned  = 80  // rax
	stackAt   = 152 // rsp
)

// Where the registers of a system call that ends have its number and its first argument
// (struct pt_regs), and the numbers of those that receive and that send.
const (
	callNumber   = 120 // orig_rax
	callArgument = argument1
)

var (
	receivingCalls = []int32{0, 19, 45, 47} // read, readv, recvfrom, recvmsg
	sendingCalls   = []int32{1, 20, 44, 46} // write, writev, sendto, sendmsg
)

// registers are the places of all, by the names that notes of probes use.
var registers = namedRegisters()

func namedRegisters() map[string]int16 {
	m := make(map[string]int16)
	for _, r := range []struct {
		at    int16
		names string
	}{
		{0, "r15 r15d r15w r15b"},
		{8, "r14 r14d r14w r14b"},
		{16, "r13 r13d r13w r13b"},
		{24, "r12 r12d r12w r12b"},
		{32, "rbp ebp bp bpl"},
		{40, "rbx ebx bx bl"},
		{48, "r11 r11d r11w r11b"},
		{56, "r10 r10d r10w r10b"},
		{64, "r9 r9d r9w r9b"},
		{72, "r8 r8d r8w r8b"},
		{80, "rax eax ax al"},
		{88, "rcx ecx cx cl"},
		{96, "rdx edx dx dl"},
		{104, "rsi esi si sil"},
		{112, "rdi edi di dil"},
		{stackAt, "rsp esp sp spl"},
	} {
		for _, name := range strings.Fields(r.names) {
			m["%"+name] = r.at
		}
	}
	return m
}
