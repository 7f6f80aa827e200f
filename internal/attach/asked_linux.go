//go:build amd64 || arm64

package attach

import "github.com/cilium/ebpf/asm"

// Probes belong to a file, and several servers may run the same one. Those that were not
// asked for are told apart where a process is first seen: its state says so, and from then
// on the programs do nothing for it, so that it takes no room of the ring. Without the
// kernel's description of its types the reader chooses.

// maxAsked bounds the servers that the programs compare with. With more, the reader chooses.
const maxAsked = 64

// ifAsked goes on where the process is one of the servers that were asked for, or a child
// of one, or where that cannot be known; otherwise it goes to no. It overwrites r6.
func (c *code) ifAsked(no string) {
	if len(c.m.asked) == 0 {
		return
	}
	compare := func() {
		for _, pid := range c.m.asked {
			c.add(asm.JEq.Imm(asm.R0, int32(pid), "asked for"))
		}
	}
	c.add(asm.LoadMem(asm.R0, asm.RFP, stackKey, asm.DWord))
	compare()
	k := c.m.kernel
	c.add(asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R6, asm.R0))
	c.follow(k.parent, "asked for")
	c.add(asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.RFP, stackWalk, asm.R1, asm.DWord))
	c.stack(asm.R1, stackWalk)
	c.add(
		asm.Mov.Imm(asm.R2, 4),
		asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, k.pid),
		asm.FnProbeReadKernel.Call(),
		asm.JNE.Imm(asm.R0, 0, "asked for"),
		asm.LoadMem(asm.R0, asm.RFP, stackWalk, asm.DWord),
	)
	compare()
	c.add(asm.Ja.Label(no))
	c.label("asked for")
}

// another is where ifAsked goes: it makes a state that says so.
func (c *code) another(label string) {
	if len(c.m.asked) == 0 {
		return
	}
	c.label(label)
	c.newState(flagOther)
	c.exit()
}

// unlessAnother goes to label if the state in a register is of a process of another
// server. It overwrites r1.
func (c *code) unlessAnother(state asm.Register, label string) {
	if len(c.m.asked) == 0 {
		return
	}
	c.add(asm.LoadMem(asm.R1, state, stateFlags, asm.DWord), asm.JSet.Imm(asm.R1, flagOther, label))
}
