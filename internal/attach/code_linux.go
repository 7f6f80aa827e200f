//go:build amd64 || arm64

package attach

import (
	"fmt"

	"github.com/cilium/ebpf/asm"
)

// code is a program in the making.
type code struct {
	asm.Instructions
	m      *maps
	inside int // how many labels of pidTgid there are
}

func (c *code) add(ins ...asm.Instruction) { c.Instructions = append(c.Instructions, ins...) }

// label names the instruction that is added next.
func (c *code) label(name string) {
	c.add(asm.Mov.Imm(asm.R0, 0).WithSymbol(name)) // one that does no harm
}

// stack sets a register to the address of a slot.
func (c *code) stack(r asm.Register, slot int32) {
	c.add(asm.Mov.Reg(r, asm.RFP), asm.Add.Imm(r, slot))
}

// exit ends the program.
func (c *code) exit() {
	c.add(asm.Mov.Imm(asm.R0, 0), asm.Return())
}

// pidTgid puts the current process and thread into r0, as the kernel combines them. In a
// namespace of processes they have the numbers of that; a process that is not directly in
// it ends the program. It overwrites r0 to r5 and the slot for walks.
func (c *code) pidTgid() {
	ns := c.m.namespace
	if ns == nil {
		c.add(asm.FnGetCurrentPidTgid.Call())
		return
	}
	c.inside++
	label := fmt.Sprintf("inside %d", c.inside)
	c.add(asm.LoadImm(asm.R1, ns.device, asm.DWord), asm.LoadImm(asm.R2, ns.inode, asm.DWord))
	c.stack(asm.R3, stackWalk) // a struct bpf_pidns_info, two uint32: thread and process
	c.add(asm.Mov.Imm(asm.R4, 8), asm.FnGetNsCurrentPidTgid.Call(), asm.JEq.Imm(asm.R0, 0, label))
	c.exit()
	c.add(asm.LoadMem(asm.R0, asm.RFP, stackWalk, asm.DWord).WithSymbol(label))
}

// ofFirst goes to label for a thread that is not the first of its process, with which that
// ends. The pid is in r1 after it.
func (c *code) ofFirst(label string) {
	c.pidTgid()
	c.add(
		asm.Mov.Reg(asm.R1, asm.R0), asm.RSh.Imm(asm.R1, 32),
		asm.LSh.Imm(asm.R0, 32), asm.RSh.Imm(asm.R0, 32),
		asm.JNE.Reg(asm.R0, asm.R1, label),
	)
}

// key puts the pid into its slot.
func (c *code) key() {
	c.pidTgid()
	c.add(
		asm.RSh.Imm(asm.R0, 32),
		asm.StoreMem(asm.RFP, stackKey, asm.R0, asm.DWord),
	)
}

// find looks the state up: its address or 0 is in r0.
func (c *code) find() {
	c.add(asm.LoadMapPtr(asm.R1, c.m.states.FD()))
	c.stack(asm.R2, stackKey)
	c.add(asm.FnMapLookupElem.Call())
}

// known finds the state of the connection, for r7; without one, and for one of a server
// that was not asked for, it goes to label.
func (c *code) known(label string) {
	c.key()
	c.find()
	c.add(asm.JEq.Imm(asm.R0, 0, label), asm.Mov.Reg(asm.R7, asm.R0))
	c.unlessAnother(asm.R7, label)
}

// now puts the time into its slot.
func (c *code) now() {
	c.add(asm.FnKtimeGetNs.Call(), asm.StoreMem(asm.RFP, stackTime, asm.R0, asm.DWord))
}

// count adds one to a counter. It overwrites r0 to r5 and the slot for walks.
func (c *code) count(what int64, skip string) {
	c.add(asm.Mov.Imm(asm.R1, int32(what)), asm.StoreMem(asm.RFP, stackWalk, asm.R1, asm.DWord))
	c.add(asm.LoadMapPtr(asm.R1, c.m.counts.FD()))
	c.stack(asm.R2, stackWalk)
	c.add(
		asm.FnMapLookupElem.Call(),
		asm.JEq.Imm(asm.R0, 0, skip),
		asm.Mov.Imm(asm.R1, 1),
		asm.AddAtomic.Mem(asm.R0, asm.R1, asm.DWord, 0),
	)
	c.label(skip)
}

// reserve asks for a record of a size; where there is no room it goes to full.
// The record is in r0 and in its slot.
func (c *code) reserve(size int32, full string) {
	c.add(
		asm.LoadMapPtr(asm.R1, c.m.ring.FD()),
		asm.Mov.Imm(asm.R2, size),
		asm.Mov.Imm(asm.R3, 0),
		asm.FnRingbufReserve.Call(),
		asm.JEq.Imm(asm.R0, 0, full),
		asm.StoreMem(asm.RFP, stackRecord, asm.R0, asm.DWord),
	)
}

// head fills the head of the record in r0 but for offset and length. r7 is the state.
func (c *code) head(kind recordKind) {
	c.add(
		asm.Mov.Imm(asm.R1, int32(kind)), asm.StoreMem(asm.R0, headKind, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, stackKey, asm.DWord), asm.StoreMem(asm.R0, headPID, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.R7, stateBorn, asm.DWord), asm.StoreMem(asm.R0, headBorn, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord), asm.StoreMem(asm.R0, headTime, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R0, headOffset, asm.R1, asm.DWord),
		asm.StoreMem(asm.R0, headLength, asm.R1, asm.DWord), // and the flags
	)
}

// submit hands the record over. The reader is woken only where much waits:
// waking it for each record would cost the server more than all else.
func (c *code) submit() {
	const forceWakeup = 2 // one less: wake nobody
	c.add(
		asm.LoadMapPtr(asm.R1, c.m.ring.FD()),
		asm.Mov.Imm(asm.R2, 0), // BPF_RB_AVAIL_DATA
		asm.FnRingbufQuery.Call(),
		// Without a branch, see large: -1 for less than ringWake, 0 for more.
		asm.Mov.Reg(asm.R2, asm.R0), asm.Sub.Imm(asm.R2, ringWake), asm.ArSh.Imm(asm.R2, 63),
		asm.Add.Imm(asm.R2, forceWakeup),
		asm.LoadMem(asm.R1, asm.RFP, stackRecord, asm.DWord),
		asm.FnRingbufSubmit.Call(),
	)
}

// discard gives the record back unseen.
func (c *code) discard() {
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackRecord, asm.DWord),
		asm.Mov.Imm(asm.R2, 1), // no wake-up
		asm.FnRingbufDiscard.Call(),
	)
}
