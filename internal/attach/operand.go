//go:build linux && (amd64 || arm64)

package attach

import (
	"strconv"
	"strings"

	"github.com/cilium/ebpf/asm"
)

// operand is where an argument of a probe is: in a register, in memory at a register's
// value, or nowhere, as a constant.
type operand struct {
	register int16 // its place among the registers; -1: a constant
	memory   bool
	value    int32 // the constant, or what is added to the register's value
}

// operands reads the arguments of a probe's note: "4@4(%r12) -4@%r13d $3", or on arm64
// "4@[x19, 4] -4@w20 4@3". It returns nil where it does not understand one of them.
func operands(arguments string) (list []operand) {
	// The notes of arm64 have a space within brackets.
	for _, word := range strings.Fields(strings.ReplaceAll(arguments, ", ", ",")) {
		_, text, ok := strings.Cut(word, "@")
		if !ok {
			return nil
		}
		o, ok := readOperand(text)
		if !ok {
			return nil
		}
		list = append(list, o)
	}
	return list
}

func readOperand(text string) (o operand, ok bool) {
	if at, is := registers[text]; is {
		return operand{register: at}, true
	}
	if n, err := strconv.ParseInt(strings.TrimPrefix(text, "$"), 0, 32); err == nil {
		return operand{register: -1, value: int32(n)}, true
	}
	add, name := "", ""
	switch {
	case strings.HasPrefix(text, "[") && strings.HasSuffix(text, "]"):
		name, add, _ = strings.Cut(text[1:len(text)-1], ",")
	case strings.HasSuffix(text, ")"):
		add, name, _ = strings.Cut(text[:len(text)-1], "(")
	}
	at, ok := registers[name]
	if !ok {
		return o, false
	}
	n := int64(0)
	if add != "" {
		var err error
		if n, err = strconv.ParseInt(add, 0, 32); err != nil {
			return o, false
		}
	}
	return operand{register: at, memory: true, value: int32(n)}, true
}

// operand puts the value of an operand into the connection's state, as n bytes. The
// registers are at r6, the state is at r7.
func (c *code) operand(o operand, into int16, n int32) {
	size := map[int32]asm.Size{1: asm.Byte, 2: asm.Half, 4: asm.Word}[n]
	switch {
	case o.register < 0:
		c.add(asm.Mov.Imm(asm.R1, o.value), asm.StoreMem(asm.R7, into, asm.R1, size))
	case o.memory:
		c.add(
			asm.Mov.Reg(asm.R1, asm.R7), asm.Add.Imm(asm.R1, int32(into)),
			asm.Mov.Imm(asm.R2, n),
			asm.LoadMem(asm.R3, asm.R6, o.register, asm.DWord), asm.Add.Imm(asm.R3, o.value),
			asm.FnProbeReadUser.Call(),
		)
	default:
		c.add(asm.LoadMem(asm.R1, asm.R6, o.register, asm.DWord), asm.StoreMem(asm.R7, into, asm.R1, size))
	}
}
