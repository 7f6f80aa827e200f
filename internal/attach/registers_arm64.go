//go:build linux

package attach

import "fmt"

// Where a program finds a function's arguments and its result among the registers
// that it is given (struct user_pt_regs), in bytes; AAPCS64.
const (
	argument1 = 0  // x0
	argument2 = 8  // x1
	argument4 = 24 // x3
	returned  = 0  // x0
	stackAt   = 248
)

// Where the registers of a system call that ends have its number and its first argument
// (struct pt_regs), and the numbers of those that receive and that send.
const (
	callNumber   = 280 // syscallno
	callArgument = 272 // orig_x0
)

var (
	receivingCalls = []int32{63, 65, 207, 212} // read, readv, recvfrom, recvmsg
	sendingCalls   = []int32{64, 66, 206, 211} // write, writev, sendto, sendmsg
)

// registers are the places of all, by the names that notes of probes use.
var registers = namedRegisters()

func namedRegisters() map[string]int16 {
	m := map[string]int16{"sp": stackAt}
	for n := range 31 {
		m[fmt.Sprintf("x%d", n)], m[fmt.Sprintf("w%d", n)] = int16(8*n), int16(8*n)
	}
	return m
}
