package filter

import (
	"fmt"
	"strings"
)

// String lists the program in the assembler of x/net/bpf, for tests and
// debugging.
func (p *Program) String() string {
	var b strings.Builder
	for i, in := range p.raw {
		fmt.Fprintf(&b, "(%03d) %v", i, in.Disassemble())
		if in.Op&codeClasses == codeJump && in.Op != codeJump|jumpAlways {
			fmt.Fprintf(&b, "\tjt %d jf %d", i+1+int(in.Jt), i+1+int(in.Jf))
		}
		b.WriteByte('\n')
	}
	return b.String()
}
