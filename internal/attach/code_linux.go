//go:build amd64 || arm64

package attach

import "github.com/cilium/ebpf/asm"

// code is a program in the making.
type code struct {
	asm.Instructions
	m *maps
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

// key puts the pid into its slot.
func (c *code) key() {
	c.add(
		asm.FnGetCurrentPidTgid.Call(),
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
func (c *code) submit(name string) {
	const noWakeup, forceWakeup = 1, 2
	c.add(
		asm.LoadMapPtr(asm.R1, c.m.ring.FD()),
		asm.Mov.Imm(asm.R2, 0), // BPF_RB_AVAIL_DATA
		asm.FnRingbufQuery.Call(),
		asm.Mov.Imm(asm.R2, noWakeup),
		asm.JLT.Imm(asm.R0, ringWake, name),
		asm.Mov.Imm(asm.R2, forceWakeup),
		asm.LoadMem(asm.R1, asm.RFP, stackRecord, asm.DWord).WithSymbol(name),
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
