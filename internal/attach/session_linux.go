//go:build amd64 || arm64

package attach

import (
	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/asm"
)

// Programs that are no servers encrypt by OpenSSL: SSL_read and SSL_write have their
// plaintext, but do not know where it goes. The kernel does: what the same thread
// receives and sends by TCP while such a function runs is of the session's socket. A
// program that receives by itself and hands OpenSSL what came (Node.js) does that
// at once, so the first call for a session after the thread received is of that socket,
// and the last such call before there is plaintext decides.
//
// Only threads of the chosen processes have an entry in the map threads, so receiving and
// sending costs every other process one look into it. The programs at OpenSSL's
// functions use their registers as those of servers do, but for
//
//	r6  the thread's entry, later a counter
//	r7  the session's state, which begins as a server's connection's does

// Slots of the stack; stackKey holds the process.
const (
	stackThread  = -40 // uint64, process and thread as the kernel combines them
	stackSession = -56 // the key of a session: process, address of the SSL
)

// The state of a session has the fields of a server's connection that all need, and its
// socket in place of the Port.
const (
	stateSock      = statePort // address of the kernel's struct sock; 0: not known yet
	sessionSize    = stateFlags + 8
	sessionKeySize = 16
)

// Flags of a session's state; flagFresh is another.
const (
	sessionTold    = 16 << iota // its recordSession was handed over
	sessionCertain              // its socket was used within a call
	sessionTried                // a call was in vain: it waited for what its socket receives
)

// What a thread is at.
const (
	threadSSL    = 0  // address of the SSL whose function is running; 0: none is
	threadBuffer = 8  // its buffer
	threadCount  = 16 // where it says how much it did; 0: in its result
	threadUsed   = 24 // the socket that was used since it began
	threadBefore = 32 // the socket that the thread received from since the latest such function
	threadSize   = 40
)

// opensslMaps are what these programs share besides the ring.
type opensslMaps struct {
	chosen, threads, sessions, refused *ebpf.Map
	sock                               *sockPlaces
}

// maxThreads bounds the threads of chosen processes, maxChosen these.
const (
	maxThreads = 16 << 10
	maxChosen  = 1024
)

// lookup looks a key of the stack up in a map: the address or 0 is in r0.
func (c *code) lookup(m *ebpf.Map, slot int32) {
	c.add(asm.LoadMapPtr(asm.R1, m.FD()))
	c.stack(asm.R2, slot)
	c.add(asm.FnMapLookupElem.Call())
}

// remove deletes a key of the stack from a map.
func (c *code) remove(m *ebpf.Map, slot int32) {
	c.add(asm.LoadMapPtr(asm.R1, m.FD()))
	c.stack(asm.R2, slot)
	c.add(asm.FnMapDeleteElem.Call())
}

// thread puts process and thread into their slots.
func (c *code) thread() {
	c.pidTgid()
	c.add(
		asm.StoreMem(asm.RFP, stackThread, asm.R0, asm.DWord),
		asm.RSh.Imm(asm.R0, 32),
		asm.StoreMem(asm.RFP, stackKey, asm.R0, asm.DWord),
	)
}

// ofChosen goes to label for a process that was not chosen.
func (c *code) ofChosen(label string) {
	c.lookup(c.m.chosen, stackKey)
	c.add(asm.JEq.Imm(asm.R0, 0, label))
}

// session makes the key of the session whose SSL is in a register.
func (c *code) session(ssl asm.Register) {
	c.add(
		asm.StoreMem(asm.RFP, stackSession+8, ssl, asm.DWord),
		asm.LoadMem(asm.R2, asm.RFP, stackKey, asm.DWord),
		asm.StoreMem(asm.RFP, stackSession, asm.R2, asm.DWord),
	)
}

// put adds an entry with a value that is zero but for what set does to it; r0 is 0 if
// that went well.
func (c *code) put(m *ebpf.Map, key int32, size int16, set func(value int16)) {
	value := int16(stackSession) - size
	c.add(asm.Mov.Imm(asm.R0, 0))
	for at := int16(0); at < size; at += 8 {
		c.add(asm.StoreMem(asm.RFP, value+at, asm.R0, asm.DWord))
	}
	if set != nil {
		set(value)
	}
	c.add(asm.LoadMapPtr(asm.R1, m.FD()))
	c.stack(asm.R2, key)
	c.stack(asm.R3, int32(value))
	c.add(asm.Mov.Imm(asm.R4, 0), asm.FnMapUpdateElem.Call())
}

// newSession adds the session of the key in its slot.
func (c *code) newSession(flags int32) {
	c.now()
	c.put(c.m.sessions, stackSession, sessionSize, func(value int16) {
		c.add(
			asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord),
			asm.StoreMem(asm.RFP, value+stateBorn, asm.R1, asm.DWord),
			asm.Mov.Imm(asm.R1, flags),
			asm.StoreMem(asm.RFP, value+stateFlags, asm.R1, asm.DWord),
		)
	})
}

// crowded is where there was no room for another entry.
func (c *code) crowded() {
	c.label("end")
	c.exit()
	c.label("crowded")
	c.count(lostStates, "counted crowd")
	c.exit()
}

// sslMade is for the return of SSL_new: what follows is seen from its beginning.
func (m *maps) sslMade() asm.Instructions {
	c := &code{m: m}
	c.add(asm.LoadMem(asm.R8, asm.R1, returned, asm.DWord), asm.JEq.Imm(asm.R8, 0, "end"))
	c.key()
	c.ofChosen("end")
	c.session(asm.R8)
	c.newSession(flagFresh)
	c.add(asm.JNE.Imm(asm.R0, 0, "crowded"))
	c.crowded()
	return c.Instructions
}

// sslFreed is for SSL_free.
func (m *maps) sslFreed() asm.Instructions {
	c := &code{m: m}
	c.add(asm.LoadMem(asm.R8, asm.R1, argument1, asm.DWord))
	c.key()
	c.session(asm.R8)
	c.lookup(m.sessions, stackSession)
	c.add(asm.JEq.Imm(asm.R0, 0, "end"), asm.Mov.Reg(asm.R7, asm.R0))
	c.add(asm.LoadMem(asm.R1, asm.R7, stateFlags, asm.DWord), asm.JSet.Imm(asm.R1, sessionTold, "told"), asm.Ja.Label("forget"))
	c.label("told")
	c.now()
	c.reserve(exitSize, "full")
	c.head(recordFreed)
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateInput, asm.DWord), asm.StoreMem(asm.R0, headOffset, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, stateOutput, asm.DWord), asm.StoreMem(asm.R0, exitBackend, asm.R1, asm.DWord),
	)
	c.submit()
	c.add(asm.Ja.Label("forget"))
	c.label("full")
	c.count(lostRecords, "counted")
	c.label("forget")
	c.remove(m.sessions, stackSession)
	c.remove(m.refused, stackSession)
	c.label("end")
	c.exit()
	return c.Instructions
}

// sslCalled is for the begin of SSL_read and SSL_write, and of their kind that says
// elsewhere than in its result how much it did.
func (m *maps) sslCalled(extended bool) asm.Instructions {
	c := &code{m: m}
	c.add(asm.Mov.Reg(asm.R6, asm.R1))
	c.thread()
	c.ofChosen("end")
	c.lookup(m.threads, stackThread)
	c.add(asm.JNE.Imm(asm.R0, 0, "known"))
	c.put(m.threads, stackThread, threadSize, nil)
	c.add(asm.JNE.Imm(asm.R0, 0, "crowded"))
	c.lookup(m.threads, stackThread)
	c.add(asm.JEq.Imm(asm.R0, 0, "end"))
	c.add(
		asm.LoadMem(asm.R1, asm.R6, argument1, asm.DWord).WithSymbol("known"), asm.StoreMem(asm.R0, threadSSL, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R6, argument2, asm.DWord), asm.StoreMem(asm.R0, threadBuffer, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.R0, threadUsed, asm.R1, asm.DWord),
	)
	if extended {
		c.add(asm.LoadMem(asm.R1, asm.R6, argument4, asm.DWord))
	}
	c.add(asm.StoreMem(asm.R0, threadCount, asm.R1, asm.DWord))
	c.crowded()
	return c.Instructions
}

// sslEnded is for their return.
func (m *maps) sslEnded(kind recordKind, offset int16) asm.Instructions {
	c := &code{m: m}
	c.add(
		asm.LoadMem(asm.R9, asm.R1, returned, asm.DWord),
		asm.LSh.Imm(asm.R9, 32), asm.ArSh.Imm(asm.R9, 32), // an int
	)
	c.thread()
	c.lookup(m.threads, stackThread)
	c.add(
		asm.JEq.Imm(asm.R0, 0, "end"),
		asm.Mov.Reg(asm.R6, asm.R0),
		asm.LoadMem(asm.R1, asm.R6, threadSSL, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "end"),
		asm.Mov.Imm(asm.R2, 0),
		asm.StoreMem(asm.R6, threadSSL, asm.R2, asm.DWord),
		asm.LoadMem(asm.R8, asm.R6, threadBuffer, asm.DWord),
	)
	c.session(asm.R1)
	c.lookup(m.sessions, stackSession)
	c.add(asm.JNE.Imm(asm.R0, 0, "known"))
	c.newSession(0)
	c.add(asm.JNE.Imm(asm.R0, 0, "crowded"))
	c.lookup(m.sessions, stackSession)
	c.add(asm.JEq.Imm(asm.R0, 0, "end"))
	c.add(asm.Mov.Reg(asm.R7, asm.R0).WithSymbol("known"))
	c.bind(kind)
	c.amount()
	c.now()
	c.tellSession()
	c.add(asm.Mov.Imm(asm.R6, 0))
	c.large(kind, offset)
	c.small(kind, offset)
	c.crowded()
	c.lose(offset)
	return c.Instructions
}

// bind finds the session's socket as long as there was no plaintext.
func (c *code) bind(kind recordKind) {
	c.add(
		asm.LoadMem(asm.R3, asm.R7, stateFlags, asm.DWord),
		asm.JSet.Imm(asm.R3, sessionTold, "bound"),
		asm.LoadMem(asm.R1, asm.R6, threadUsed, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "not used"),
		asm.Or.Imm(asm.R3, sessionCertain),
		asm.StoreMem(asm.R7, stateFlags, asm.R3, asm.DWord),
		asm.StoreMem(asm.R7, stateSock, asm.R1, asm.DWord),
		asm.Ja.Label("bound"),
	)
	c.label("not used")
	c.add(
		asm.JSGT.Imm(asm.R9, 0, "done"),
		asm.Mov.Reg(asm.R1, asm.R3), asm.Or.Imm(asm.R1, sessionTried), asm.StoreMem(asm.R7, stateFlags, asm.R1, asm.DWord),
	)
	if kind == recordOutput { // it says nothing of the socket; a reading that follows does
		c.add(asm.Ja.Label("kept"))
	}
	c.label("done")
	c.add(
		asm.JSet.Imm(asm.R3, sessionCertain, "bound"),
		asm.LoadMem(asm.R1, asm.R6, threadBefore, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "bound"),
	)
	if kind == recordOutput {
		// What was to be written before the handshake was over is written as soon as its
		// last packet came, before anything is read (node-postgres).
		c.add(
			asm.JSet.Imm(asm.R3, sessionTried, "waited"),
			asm.Ja.Label("bound"),
			asm.LoadMem(asm.R2, asm.R7, stateSock, asm.DWord).WithSymbol("waited"),
			asm.JNE.Imm(asm.R2, 0, "bound"),
		)
	}
	c.add(asm.StoreMem(asm.R7, stateSock, asm.R1, asm.DWord))
	c.label("bound")
	c.add(asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.R6, threadBefore, asm.R1, asm.DWord))
	c.label("kept")
}

// amount makes the result in r9 the number of bytes; it ends the program if there are
// none.
func (c *code) amount() {
	c.add(
		asm.JSLE.Imm(asm.R9, 0, "end"),
		asm.LoadMem(asm.R3, asm.R6, threadCount, asm.DWord),
		asm.JEq.Imm(asm.R3, 0, "counted"),
		asm.Mov.Imm(asm.R2, 0), asm.StoreMem(asm.RFP, stackWalk, asm.R2, asm.DWord),
	)
	c.stack(asm.R1, stackWalk)
	c.add(
		asm.Mov.Imm(asm.R2, 8),
		asm.FnProbeReadUser.Call(), // the function has just written there
		asm.LoadMem(asm.R9, asm.RFP, stackWalk, asm.DWord),
		asm.JEq.Imm(asm.R9, 0, "end"),
	)
	c.label("counted")
}

// tellSession tells of a session with its first bytes. What is read or written before its
// socket is known is left out, and so is what was refused.
func (c *code) tellSession() {
	c.add(
		asm.LoadMem(asm.R6, asm.R7, stateFlags, asm.DWord),
		asm.JSet.Imm(asm.R6, sessionTold, "told"),
		asm.LoadMem(asm.R1, asm.R7, stateSock, asm.DWord),
		asm.JEq.Imm(asm.R1, 0, "unseen"),
	)
	c.reserve(sessionRecord, "no room")
	c.head(recordSession)
	c.add(
		asm.StoreMem(asm.R0, headFlags, asm.R6, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, stackSession+8, asm.DWord), asm.StoreMem(asm.R0, sessionSSL, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
	)
	for at := int16(sessionFamily); at < sessionRecord; at += 8 {
		c.add(asm.StoreMem(asm.R0, at, asm.R1, asm.DWord))
	}
	c.add(asm.Or.Imm(asm.R6, sessionTold), asm.StoreMem(asm.R7, stateFlags, asm.R6, asm.DWord))
	c.add(asm.LoadMem(asm.R6, asm.R7, stateSock, asm.DWord))
	for _, f := range c.m.sock.fields {
		c.take(f.at, f.size, f.into)
	}
	c.submit()
	c.add(asm.Ja.Label("wanted"))
	c.label("no room")
	c.count(lostRecords, "unseen")
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateFlags, asm.DWord),
		asm.And.Imm(asm.R1, ^int32(flagFresh)),
		asm.StoreMem(asm.R7, stateFlags, asm.R1, asm.DWord),
	)
	c.exit()
	c.label("told")
	c.lookup(c.m.refused, stackSession)
	c.add(asm.JNE.Imm(asm.R0, 0, "end"))
	c.label("wanted")
}

// threadEnded is for the end of a thread; with its first one the process is over.
func (m *maps) threadEnded() asm.Instructions {
	c := &code{m: m}
	c.thread()
	c.remove(m.threads, stackThread)
	c.ofFirst("end")
	c.ofChosen("end")
	c.now()
	c.reserve(headSize, "full")
	c.add(
		asm.Mov.Imm(asm.R1, int32(recordGone)), asm.StoreMem(asm.R0, headKind, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, stackKey, asm.DWord), asm.StoreMem(asm.R0, headPID, asm.R1, asm.Word),
		asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord), asm.StoreMem(asm.R0, headTime, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R0, headBorn, asm.R1, asm.DWord),
		asm.StoreMem(asm.R0, headOffset, asm.R1, asm.DWord),
		asm.StoreMem(asm.R0, headLength, asm.R1, asm.DWord),
	)
	c.submit()
	c.label("end")
	c.exit()
	c.label("full")
	c.count(lostRecords, "counted")
	c.exit()
	return c.Instructions
}
