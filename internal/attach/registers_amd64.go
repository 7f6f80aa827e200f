//go:build linux

package attach

// Where a program finds a function's arguments and its result among the registers
// that it is given (struct pt_regs), in bytes; System V ABI.
const (
	argument1 = 112 // rdi
	argument2 = 104 // rsi
	returned  = 80  // rax
)
