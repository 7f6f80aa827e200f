//go:build amd64 || arm64

package attach

import (
	"fmt"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// The programs are written with an assembler, not in C: they are short, and
// whoever builds pgsniff needs nothing but Go. Each follows the same plan.
//
//	r6  the registers of the probed function, later a counter
//	r7  the connection's state, in the map states
//	r8  an address in the server's memory
//	r9  a number of bytes
//	stackKey, stackTime, stackRecord…: slots of the stack
//
// A program may be interrupted by another one on the same processor, so nothing is
// kept in per-processor memory: bytes go from the server's memory into the ring at
// once. Helper functions overwrite r0 to r5.

// Slots of the stack.
const (
	stackKey    = -8  // uint64, the pid
	stackTime   = -16 // uint64
	stackRecord = -24 // address of the record that is being written
	stackWalk   = -32 // scratch for reads of the kernel's memory
	stackState  = stackWalk - stateSize
)

// The state of a connection, by the pid of its backend.
const (
	statePort   = 0  // address of the server's struct Port; 0: not seen yet
	stateBorn   = 8  // ns; tells connections of one pid apart
	stateRead   = 16 // where the secure_read that is going on reads to; 0: none is
	stateWrite  = 24 // likewise
	stateInput  = 32 // bytes read so far
	stateOutput = 40 // bytes written so far
	stateFlags  = 48
	stateNames  = 56                      // addresses of names that could not be read yet, by names; 0: none is
	stateTimes  = stateNames + 8*numNames // what times_linux.go keeps
	stateSize   = stateTimes + timesSize
)

const (
	// chunk is the most that one record carries.
	chunk = 16 << 10
	// maxChunks bounds the work of one program: what the ring has room for
	// at once. What is beyond becomes a gap. Kernels take no more than some 1,600.
	maxChunks = ringSize / chunk
	// ringSize is what the kernel keeps for records, in bytes: a tenth of a
	// second of results at 160 MB/s. A power of two.
	ringSize = 16 << 20
	// ringWake is how much of it has to wait before the reader is woken; before
	// that it comes by itself.
	ringWake = ringSize / 8
	// maxStates bounds the backends that are told apart: beyond what any server
	// is set up for. The map takes some 5 MB.
	maxStates = 16 << 10
)

// classes are the sizes of records for small data: the ring's memory must be
// reserved in sizes that are known when the program is loaded.
var classes = [...]int32{128 - headSize, 512 - headSize, 2048 - headSize, 8 << 10, chunk}

// maps are what the programs share with each other and with the reader.
type maps struct {
	ring, states, counts *ebpf.Map
	opensslMaps
	kernel    *kernel       // nil where its memory cannot be understood
	asked     []int         // Options.Servers, where the kernel's side can choose
	namespace *pidNamespace // nil: the host's
}

// The places in the map counts, of 8 bytes each.
const (
	lostRecords = iota // the ring had no room
	lostStates         // there were too many backends
	lostMemory         // the server's memory could not be read
	stagesBegun        // probes of stages that were come to, by all processes
	timesEpoch         // how often the probes of stages were taken away or put back; the reader's
	numCounts
)

// began is for pq_init, which the server calls first of all for a connection: what
// follows is seen from its beginning.
func (m *maps) began() asm.Instructions {
	c := &code{m: m}
	c.key()
	c.now()
	c.ifAsked("another's")
	c.newState(flagFresh)
	c.exit()
	c.another("another's")
	return c.Instructions
}

// newState puts a new state into the map; r0 is 0 if that went well. r7 and r8 are
// not touched. Of a connection that was open before it is not known since when its server
// works at a request.
func (c *code) newState(flags int32) {
	c.add(asm.Mov.Imm(asm.R0, 0))
	for at := int16(0); at < stateSize; at += 8 {
		c.add(asm.StoreMem(asm.RFP, stackState+at, asm.R0, asm.DWord))
	}
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord),
		asm.StoreMem(asm.RFP, stackState+stateBorn, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, flags),
		asm.StoreMem(asm.RFP, stackState+stateFlags, asm.R1, asm.DWord),
	)
	if flags == flagFresh {
		c.add(asm.Mov.Imm(asm.R1, timesEpoch), asm.StoreMem(asm.RFP, stackWalk, asm.R1, asm.DWord))
		c.lookup(c.m.counts, stackWalk)
		c.add(
			asm.JEq.Imm(asm.R0, 0, "no epoch"),
			asm.LoadMem(asm.R1, asm.R0, 0, asm.DWord),
			asm.StoreMem(asm.RFP, stackState+stateEpoch, asm.R1, asm.DWord),
		)
		c.label("no epoch")
	}
	c.add(asm.LoadMapPtr(asm.R1, c.m.states.FD()))
	c.stack(asm.R2, stackKey)
	c.stack(asm.R3, stackState)
	c.add(asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call())
}

// called is for the begin of secure_read and secure_write: it keeps the address of
// the buffer, and makes a connection known that is not yet.
func (m *maps) called(buffer int16, timed bool) asm.Instructions {
	c := &code{m: m}
	c.add(asm.Mov.Reg(asm.R6, asm.R1))
	c.key()
	c.add(
		asm.LoadMem(asm.R9, asm.R6, argument1, asm.DWord), // the Port
		asm.LoadMem(asm.R8, asm.R6, argument2, asm.DWord), // the buffer
	)
	c.find()
	c.add(
		asm.JEq.Imm(asm.R0, 0, "unknown"),
	)
	c.unlessAnother(asm.R0, "end")
	c.add(
		asm.LoadMem(asm.R1, asm.R0, statePort, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "fresh"),
		asm.JNE.Reg(asm.R1, asm.R9, "unknown"),
		asm.StoreMem(asm.R0, buffer, asm.R8, asm.DWord),
		asm.Mov.Reg(asm.R7, asm.R0),
	)
	for _, n := range names {
		c.tellLate(n)
	}
	if timed {
		c.tellTimes(buffer)
	}
	c.exit()
	c.add(asm.FnKtimeGetNs.Call().WithSymbol("unknown"), asm.StoreMem(asm.RFP, stackTime, asm.R0, asm.DWord))
	c.ifAsked("another's")
	c.newState(0)
	c.add(asm.JNE.Imm(asm.R0, 0, "crowded"))
	c.find()
	c.add(asm.JEq.Imm(asm.R0, 0, "end"))
	c.add(asm.Mov.Reg(asm.R7, asm.R0).WithSymbol("fresh"))
	c.now()
	c.reserve(openSize, "full")
	c.head(recordOpen)
	c.describe()
	c.submit()
	c.add(
		// Only now: without its record the connection stays unknown.
		asm.StoreMem(asm.R7, statePort, asm.R9, asm.DWord),
		asm.StoreMem(asm.R7, buffer, asm.R8, asm.DWord),
	)
	c.label("end")
	c.exit()
	c.label("full")
	c.count(lostRecords, "counted")
	c.exit()
	c.label("crowded")
	c.count(lostStates, "counted too")
	c.exit()
	c.another("another's")
	return c.Instructions
}

// describe fills the body of a recordOpen. r9 is the address of the Port.
func (c *code) describe() {
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateFlags, asm.DWord),
		asm.StoreMem(asm.R0, headFlags, asm.R1, asm.Word),
		asm.Mov.Imm(asm.R1, 0),
	)
	for at := int16(openParent); at < openSize; at += 4 {
		c.add(asm.StoreMem(asm.R0, at, asm.R1, asm.Word))
	}
	c.add(
		asm.Mov.Reg(asm.R1, asm.R0), asm.Add.Imm(asm.R1, openPort),
		asm.Mov.Imm(asm.R2, portSize),
		asm.Mov.Reg(asm.R3, asm.R9),
		asm.FnProbeReadUser.Call(), // zeros where that fails
	)
	if k := c.m.kernel; k != nil {
		c.identify(k)
	}
}

// ended is for the return of secure_read and secure_write: what the result says was
// read or written is copied. Nothing else tells how much that is: writes may be
// partial, and are then repeated with the rest.
func (m *maps) ended(kind recordKind, buffer, offset int16) asm.Instructions {
	c := &code{m: m}
	c.add(asm.LoadMem(asm.R9, asm.R1, returned, asm.DWord))
	c.key()
	c.find()
	c.add(
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.Mov.Reg(asm.R7, asm.R0),
		asm.LoadMem(asm.R8, asm.R7, buffer, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R7, buffer, asm.R1, asm.DWord),
		asm.JEq.Imm(asm.R8, 0, "end"),
		asm.JSLT.Imm(asm.R9, 0, "end"),
	)
	c.now()
	c.add(asm.JEq.Imm(asm.R9, 0, "nothing"))
	c.add(asm.Mov.Imm(asm.R6, 0))
	c.large(kind, offset)
	c.small(kind, offset)
	c.label("end")
	c.exit()
	c.label("nothing")
	if kind == recordFrontend {
		c.reserve(headSize, "full")
		c.head(recordEOF)
		c.submit()
	}
	c.exit()
	c.lose(offset)
	return c.Instructions
}

// large copies what is beyond one record in whole chunks. No branch leads from within the
// loop to another place of it: before Linux 6.5 or so, the kernel would follow what comes
// after each such place once for each time that the loop is run, and refuse the program as
// too large.
func (c *code) large(kind recordKind, offset int16) {
	c.add(
		asm.Mov.Imm(asm.R0, 0).WithSymbol("next"),
		asm.JLE.Imm(asm.R9, chunk, "rest"),
		asm.JGE.Imm(asm.R6, maxChunks, "full"),
	)
	c.reserve(headSize+chunk, "full")
	c.head(kind)
	c.add(asm.Mov.Imm(asm.R1, chunk), asm.StoreMem(asm.R0, headLength, asm.R1, asm.Word))
	c.copy(offset)
	c.add(
		asm.Add.Imm(asm.R8, chunk),
		asm.Sub.Imm(asm.R9, chunk),
		asm.Add.Imm(asm.R6, 1),
		asm.LoadMem(asm.R1, asm.R7, offset, asm.DWord),
		asm.Add.Imm(asm.R1, chunk),
		asm.StoreMem(asm.R7, offset, asm.R1, asm.DWord),
		asm.Ja.Label("next"),
	)
}

// small copies what fits into one record, in the smallest that it fits into.
func (c *code) small(kind recordKind, offset int16) {
	c.label("rest")
	for i, size := range classes {
		name := string(rune('a' + i))
		c.label("class " + name)
		if i+1 < len(classes) {
			c.add(asm.JGT.Imm(asm.R9, size, "class "+string(rune('a'+i+1))))
		}
		c.reserve(headSize+size, "full")
		c.head(kind)
		c.add(asm.StoreMem(asm.R0, headLength, asm.R9, asm.Word), asm.Mov.Reg(asm.R1, asm.R9))
		c.copy(offset)
		c.add(
			asm.LoadMem(asm.R1, asm.R7, offset, asm.DWord),
			asm.Add.Reg(asm.R1, asm.R9),
			asm.StoreMem(asm.R7, offset, asm.R1, asm.DWord),
			asm.Ja.Label("end"),
		)
	}
}

// copy fills the record in r0 with the r1 bytes at r8 and hands it over. What
// cannot be read is lost.
func (c *code) copy(offset int16) {
	c.add(
		asm.LoadMem(asm.R2, asm.R7, offset, asm.DWord),
		asm.StoreMem(asm.R0, headOffset, asm.R2, asm.DWord),
		asm.Mov.Reg(asm.R2, asm.R1),
		asm.Mov.Reg(asm.R1, asm.R0), asm.Add.Imm(asm.R1, headSize),
		asm.Mov.Reg(asm.R3, asm.R8),
		asm.FnProbeReadUser.Call(),
		asm.JNE.Imm(asm.R0, 0, "unreadable"),
	)
	c.submit()
}

// lose is where r9 bytes could not be passed on: their offsets tell the reader.
func (c *code) lose(offset int16) {
	c.label("unreadable")
	c.discard()
	c.count(lostMemory, "counted memory")
	c.add(asm.Ja.Label("advance"))
	c.label("full")
	c.count(lostRecords, "counted records")
	c.add(
		asm.LoadMem(asm.R1, asm.R7, offset, asm.DWord).WithSymbol("advance"),
		asm.Add.Reg(asm.R1, asm.R9),
		asm.StoreMem(asm.R7, offset, asm.R1, asm.DWord),
	)
	c.exit()
}

// told is for functions that say, by being called for a connection, that a kind of
// encryption begins.
func (m *maps) told(kind recordKind) asm.Instructions {
	c := &code{m: m}
	c.known("end")
	c.now()
	c.reserve(headSize, "full")
	c.head(kind)
	c.submit()
	c.label("end")
	c.exit()
	c.label("full")
	c.count(lostRecords, "counted")
	c.exit()
	return c.Instructions
}

// name is one that a function of the server returns.
type name struct {
	kind  recordKind
	state int16 // where its address waits until it can be read
}

var (
	versionName = name{recordVersion, stateNames}
	cipherName  = name{recordCipher, stateNames + 8}
	names       = [numNames]name{versionName, cipherName}
)

const numNames = 2

// named is for the return of a function that returns a name. The name lies in the
// program or in a library, whose pages come into a new process when it first uses
// them: if this one has not yet, then the name is read at the next call, as the server
// has copied it by then.
func (m *maps) named(n name) asm.Instructions {
	c := &code{m: m}
	c.add(asm.LoadMem(asm.R8, asm.R1, returned, asm.DWord))
	c.known("end")
	c.add(asm.StoreMem(asm.R7, n.state, asm.R8, asm.DWord))
	c.tellLate(n)
	c.label("end")
	c.exit()
	return c.Instructions
}

// tellLate tells a name whose address waits in the state, in r7. It falls through
// where there is none, or where it cannot be read yet. It overwrites r0 to r5.
func (c *code) tellLate(n name) {
	told := fmt.Sprintf("told name %d", n.kind)
	c.add(asm.LoadMem(asm.R1, asm.R7, n.state, asm.DWord), asm.JEq.Imm(asm.R1, 0, told))
	c.now()
	c.reserve(textRecord, told)
	c.head(n.kind)
	c.add(
		asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.R0, headSize, asm.R1, asm.Byte),
		asm.Mov.Reg(asm.R1, asm.R0), asm.Add.Imm(asm.R1, headSize),
		asm.Mov.Imm(asm.R2, textSize),
		asm.LoadMem(asm.R3, asm.R7, n.state, asm.DWord),
		asm.FnProbeReadUserStr.Call(),
		asm.JSGT.Imm(asm.R0, 0, "read "+told),
	)
	c.discard()
	c.add(asm.Ja.Label(told))
	c.add(asm.Mov.Imm(asm.R1, 0).WithSymbol("read "+told), asm.StoreMem(asm.R7, n.state, asm.R1, asm.DWord))
	c.submit()
	c.label(told)
}

// exited is for the end of a process, however it came, SIGKILL included. A backend may
// have threads, by what extensions bring along: the end of one is none of it.
func (m *maps) exited() asm.Instructions {
	c := &code{m: m}
	c.ofFirst("end")
	c.add(asm.StoreMem(asm.RFP, stackKey, asm.R1, asm.DWord))
	c.find()
	c.add(asm.JEq.Imm(asm.R0, 0, "end"), asm.Mov.Reg(asm.R7, asm.R0))
	c.unlessAnother(asm.R7, "forget")
	c.now()
	c.reserve(exitSize, "forget")
	c.head(recordExit)
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateInput, asm.DWord), asm.StoreMem(asm.R0, headOffset, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, stateOutput, asm.DWord), asm.StoreMem(asm.R0, exitBackend, asm.R1, asm.DWord),
	)
	c.submit()
	c.add(asm.LoadMapPtr(asm.R1, c.m.states.FD()).WithSymbol("forget"))
	c.stack(asm.R2, stackKey)
	c.add(asm.FnMapDeleteElem.Call())
	c.label("end")
	c.exit()
	return c.Instructions
}
