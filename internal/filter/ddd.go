package filter

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// maxProgram bounds the programs that ParseDDD reads: sixteen times what Linux
// takes.
const maxProgram = 1 << 16

// ParseDDD reads a program as tcpdump -ddd prints it: the number of
// instructions, then a line of four decimal numbers for each. The program is
// validated; one with backward jumps, as protochain makes, is refused.
func ParseDDD(r io.Reader) (*Program, error) {
	sc := bufio.NewScanner(r)
	line := 0
	next := func() []string {
		for sc.Scan() {
			line++
			if f := strings.Fields(sc.Text()); len(f) > 0 {
				return f
			}
		}
		return nil
	}
	head := next()
	if len(head) != 1 {
		return nil, dddError(sc, line, "the number of instructions should stand here alone, as tcpdump -ddd prints it")
	}
	n, err := strconv.ParseUint(head[0], 10, 32)
	if err != nil || n == 0 || n > maxProgram {
		return nil, dddError(sc, line, fmt.Sprintf("%q is no number of instructions from 1 to %d", head[0], maxProgram))
	}
	var raw []bpf.RawInstruction
	for f := next(); f != nil; f = next() {
		in, ok := parseInstruction(f)
		if !ok {
			return nil, dddError(sc, line, "an instruction is four decimal numbers: operation, two jumps, operand")
		}
		if raw = append(raw, in); len(raw) > int(n) {
			return nil, dddError(sc, line, fmt.Sprintf("more instructions than the %d announced", n))
		}
	}
	if sc.Err() != nil || len(raw) != int(n) {
		return nil, dddError(sc, line, fmt.Sprintf("%d instructions of the %d announced", len(raw), n))
	}
	return newProgram(raw)
}

func dddError(sc *bufio.Scanner, line int, msg string) error {
	if err := sc.Err(); err != nil {
		return fmt.Errorf("filter: reading the program: %w", err)
	}
	return fmt.Errorf("filter: line %d of the program: %s", line, msg)
}

func parseInstruction(f []string) (in bpf.RawInstruction, ok bool) {
	if len(f) != 4 {
		return in, false
	}
	var v [4]uint64
	for i, bitSize := range [4]int{16, 8, 8, 32} {
		n, err := strconv.ParseUint(f[i], 10, bitSize)
		if err != nil {
			return in, false
		}
		v[i] = n
	}
	return bpf.RawInstruction{Op: uint16(v[0]), Jt: uint8(v[1]), Jf: uint8(v[2]), K: uint32(v[3])}, true
}
