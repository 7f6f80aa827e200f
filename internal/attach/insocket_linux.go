//go:build amd64 || arm64

package attach

import (
	"github.com/cilium/ebpf/asm"
	"golang.org/x/sys/unix"
)

// onSocket is for the end of a receive or send on a socket, whose address and result
// the kernel gives. The thread's entry tells whether it is of interest.
func (m *maps) onSocket(receives bool) asm.Instructions {
	c := &code{m: m}
	c.add(asm.Mov.Reg(asm.R6, asm.R1))
	c.ofThread()
	c.add(
		asm.LoadMem(asm.R8, asm.R6, 0, asm.DWord), // the struct sock
		asm.LoadMem(asm.R9, asm.R6, 8, asm.DWord), // the result, an int
		asm.LSh.Imm(asm.R9, 32), asm.ArSh.Imm(asm.R9, 32),
	)
	c.note(receives)
	return c.Instructions
}

// callEnded is for the end of any system call, where the kernel has no tracepoint for
// sockets: the call's descriptor leads to one.
func (m *maps) callEnded(k *kernel) asm.Instructions {
	c := &code{m: m}
	c.add(asm.Mov.Reg(asm.R6, asm.R1))
	c.ofThread()
	c.add(
		asm.LoadMem(asm.R9, asm.R6, 8, asm.DWord), // the result
		asm.LoadMem(asm.R6, asm.R6, 0, asm.DWord), // the registers
	)
	c.look(callNumber, 4)
	c.add(asm.LoadMem(asm.R1, asm.RFP, stackWalk, asm.Word))
	for _, n := range receivingCalls {
		c.add(asm.JEq.Imm(asm.R1, n, "socket"))
	}
	c.add(asm.Mov.Imm(asm.R9, 0)) // nothing was received
	for _, n := range sendingCalls {
		c.add(asm.JEq.Imm(asm.R1, n, "socket"))
	}
	c.add(asm.Ja.Label("end"))
	c.label("socket")
	c.look(callArgument, 4)
	c.add(
		asm.LoadMem(asm.R8, asm.RFP, stackWalk, asm.Word),
		asm.JGT.Imm(asm.R8, maxDescriptor, "end"),
		asm.LSh.Imm(asm.R8, 3),
		asm.FnGetCurrentTask.Call(), asm.Mov.Reg(asm.R6, asm.R0),
	)
	c.follow(k.files, "end")
	c.follow(k.tables, "end")
	c.follow(k.array, "end")
	c.add(asm.Add.Reg(asm.R6, asm.R8))
	c.follow(0, "end")
	c.add(asm.Mov.Reg(asm.R8, asm.R6))
	c.follow(k.inode, "end")
	c.look(k.mode, 2)
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackWalk, asm.Half),
		asm.And.Imm(asm.R1, unix.S_IFMT),
		asm.JNE.Imm(asm.R1, unix.S_IFSOCK, "end"),
		asm.Mov.Reg(asm.R6, asm.R8),
	)
	c.follow(k.private, "end")
	c.follow(k.sk, "end")
	c.add(asm.Mov.Reg(asm.R8, asm.R6))
	c.note(true)
	return c.Instructions
}

// ofThread finds the thread's entry, for r7; others end the program.
func (c *code) ofThread() {
	c.pidTgid()
	c.add(asm.StoreMem(asm.RFP, stackThread, asm.R0, asm.DWord))
	c.lookup(c.m.threads, stackThread)
	c.add(asm.JEq.Imm(asm.R0, 0, "end"), asm.Mov.Reg(asm.R7, asm.R0))
}

// note keeps that the thread used the struct sock in r8 with the result r9, if that is
// one of TCP.
func (c *code) note(receives bool) {
	c.add(asm.Mov.Reg(asm.R6, asm.R8))
	c.look(c.m.sock.family, 2)
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackWalk, asm.Half),
		asm.JEq.Imm(asm.R1, familyIP4, "internet"),
		asm.JNE.Imm(asm.R1, familyIP6, "end"),
	)
	c.label("internet")
	c.look(c.m.sock.protocol, 2)
	const tcp = 6
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackWalk, asm.Half),
		asm.JNE.Imm(asm.R1, tcp, "end"),
		asm.LoadMem(asm.R1, asm.R7, threadSSL, asm.DWord),
		asm.JNE.Imm(asm.R1, 0, "within"),
	)
	if receives {
		c.add(asm.JSLE.Imm(asm.R9, 0, "end"), asm.StoreMem(asm.R7, threadBefore, asm.R8, asm.DWord))
	}
	c.add(asm.Ja.Label("end"))
	c.label("within")
	c.add(asm.StoreMem(asm.R7, threadUsed, asm.R8, asm.DWord))
	c.label("end")
	c.exit()
}

// look reads n bytes of the kernel's at r6+at into the slot for walks.
func (c *code) look(at, n int32) {
	c.stack(asm.R1, stackWalk)
	c.add(
		asm.Mov.Imm(asm.R2, n),
		asm.Mov.Reg(asm.R3, asm.R6), asm.Add.Imm(asm.R3, at),
		asm.FnProbeReadKernel.Call(),
		asm.JNE.Imm(asm.R0, 0, "end"),
	)
}
