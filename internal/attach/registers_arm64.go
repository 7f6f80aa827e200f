//go:build linux

package attach

// Where a program finds a function's arguments and its result among the registers
// that it is given (struct user_pt_regs), in bytes; AAPCS64.
const (
	argument1 = 0 // x0
	argument2 = 8 // x1
	returned  = 0 // x0
)
