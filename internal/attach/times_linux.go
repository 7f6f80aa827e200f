//go:build amd64 || arm64

package attach

import "github.com/cilium/ebpf/asm"

// What a server's work took is added up in the state of its connection, and told just
// before the server writes: the times of a query come before the end of its reply,
// one record for all of them. A stage that begins inside another of the same process
// (a function that plans its own queries) is part of that: it is known by the stack,
// which grows downwards. What an error ended is cut off by the function that all errors
// come to.

// stage is a part of a server's work that has a probe at its begin and its end.
type stage struct {
	begin, end string // probes
	program    string
	start      int16 // in the state: when it began
	sp         int16 // the stack pointer then; 0: it is not going on
	sum        int16
}

var stages = []stage{
	{"query__parse__start", "query__parse__done", "pgsniff_parse", stateParse, stateParseSP, stateParsed},
	{"query__rewrite__start", "query__rewrite__done", "pgsniff_rewr", stateRewrite, stateRewriteSP, stateRewritten},
	{"query__plan__start", "query__plan__done", "pgsniff_plan", statePlan, statePlanSP, statePlanned},
	{"query__execute__start", "query__execute__done", "pgsniff_exec", stateExec, stateExecSP, stateExecuted},
}

// The times of a connection, within its state.
const (
	stateMarks    = stateTimes      // flags of a recordTimes
	stateAnchor   = stateTimes + 8  // bytes that had been read when the first of it began
	stateParse    = stateTimes + 16 // ns
	stateParseSP  = stateTimes + 24
	statePlan     = stateTimes + 32
	statePlanSP   = stateTimes + 40
	stateExec     = stateTimes + 48
	stateExecSP   = stateTimes + 56
	stateLock     = stateTimes + 64 // when a wait for a lock began; 0: none is
	stateParsed   = stateTimes + 72 // ns, sums
	statePlanned  = stateTimes + 80
	stateExecuted = stateTimes + 88
	stateWaited   = stateTimes + 96
	stateLongest  = stateTimes + 104 // of the waits
	stateLongTag  = stateTimes + 112 // what that was for
	stateTag      = stateTimes + 128 // what the latest is for

	stateRewrite   = stateTimes + 144
	stateRewriteSP = stateTimes + 152
	stateRewritten = stateTimes + 160
	stateEpoch     = stateTimes + 168 // of the map counts, when its first stage began
	timesSize      = 176
)

// The names of programs that belong to no stage.
const (
	lockEndProgram = "pgsniff_unlock"
	abortProgram   = "pgsniff_abort"
)

// forTimes are the programs of the times of its work that are not made for a place.
func (m *maps) forTimes() map[string]asm.Instructions {
	programs := map[string]asm.Instructions{lockEndProgram: m.lockEnds(), abortProgram: m.aborts()}
	for _, st := range stages {
		programs[st.program+"_b"], programs[st.program+"_e"] = m.stageBegins(st), m.stageEnds(st)
	}
	return programs
}

// stageBegins is for the begin of a stage.
func (m *maps) stageBegins(st stage) asm.Instructions {
	c := &code{m: m}
	c.add(asm.LoadMem(asm.R9, asm.R1, stackAt, asm.DWord))
	c.count(stagesBegun, "counted")
	c.known("end")
	c.current("anew")
	c.add(asm.LoadMem(asm.R8, asm.R7, stateMarks, asm.DWord), asm.JSet.Imm(asm.R8, workTorn, "end"))
	for _, outer := range stages {
		name := "outside " + outer.program
		c.add(
			asm.LoadMem(asm.R1, asm.R7, outer.sp, asm.DWord),
			asm.JEq.Imm(asm.R1, 0, name),
			asm.JLT.Reg(asm.R9, asm.R1, "end"),
			asm.Mov.Imm(asm.R1, 0), // it is over, however it ended
			asm.StoreMem(asm.R7, outer.sp, asm.R1, asm.DWord),
		)
		c.label(name)
	}
	c.anchor()
	c.now()
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord),
		asm.StoreMem(asm.R7, st.start, asm.R1, asm.DWord),
		asm.StoreMem(asm.R7, st.sp, asm.R9, asm.DWord),
	)
	c.label("end")
	c.exit()
	c.anew("anew")
	return c.Instructions
}

// current goes to label where the probes were taken away since the connection's first
// stage began: what is known of its work is not all. It leaves the epoch in r2.
func (c *code) current(label string) {
	c.add(asm.Mov.Imm(asm.R1, timesEpoch), asm.StoreMem(asm.RFP, stackWalk, asm.R1, asm.DWord))
	c.lookup(c.m.counts, stackWalk)
	c.add(
		asm.Mov.Imm(asm.R2, 0),
		asm.JEq.Imm(asm.R0, 0, label),
		asm.LoadMem(asm.R2, asm.R0, 0, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, stateEpoch, asm.DWord),
		asm.JNE.Reg(asm.R1, asm.R2, label),
	)
}

// anew is where current goes at the begin of a stage: what came before is forgotten, and
// nothing counts until the next request.
func (c *code) anew(label string) {
	c.add(asm.StoreMem(asm.R7, stateEpoch, asm.R2, asm.DWord).WithSymbol(label), asm.Mov.Imm(asm.R1, 0))
	for _, st := range stages {
		c.add(asm.StoreMem(asm.R7, st.sp, asm.R1, asm.DWord))
	}
	for _, at := range timesFields {
		c.add(asm.StoreMem(asm.R7, at, asm.R1, asm.DWord))
	}
	c.add(
		asm.StoreMem(asm.R7, stateLongest, asm.R1, asm.DWord),
		asm.StoreMem(asm.R7, stateLock, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, workTorn),
		asm.StoreMem(asm.R7, stateMarks, asm.R1, asm.DWord),
	)
	c.exit()
}

// anchor notes which request is being worked at: that which was read last. r8 are
// the marks.
func (c *code) anchor() {
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateInput, asm.DWord),
		asm.JSet.Imm(asm.R8, workAnchored, "anchored"),
		asm.StoreMem(asm.R7, stateAnchor, asm.R1, asm.DWord),
		asm.Or.Imm(asm.R8, workAnchored),
		asm.Ja.Label("marked"),
		asm.LoadMem(asm.R2, asm.R7, stateAnchor, asm.DWord).WithSymbol("anchored"),
		asm.JEq.Reg(asm.R1, asm.R2, "marked"),
		asm.Or.Imm(asm.R8, workMixed),
		asm.StoreMem(asm.R7, stateMarks, asm.R8, asm.DWord).WithSymbol("marked"),
	)
}

// stageEnds is for its end.
func (m *maps) stageEnds(st stage) asm.Instructions {
	c := &code{m: m}
	c.add(asm.LoadMem(asm.R9, asm.R1, stackAt, asm.DWord))
	c.known("end")
	c.add(asm.LoadMem(asm.R1, asm.R7, st.sp, asm.DWord), asm.JNE.Reg(asm.R1, asm.R9, "end"))
	c.current("end")
	c.now()
	c.addUp(st)
	c.label("end")
	c.exit()
	return c.Instructions
}

// addUp adds the time since a stage began, which is over.
func (c *code) addUp(st stage) {
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord),
		asm.LoadMem(asm.R2, asm.R7, st.start, asm.DWord),
		asm.Sub.Reg(asm.R1, asm.R2),
		asm.LoadMem(asm.R2, asm.R7, st.sum, asm.DWord),
		asm.Add.Reg(asm.R1, asm.R2),
		asm.StoreMem(asm.R7, st.sum, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R7, st.sp, asm.R1, asm.DWord),
		asm.StoreMem(asm.R7, stateLock, asm.R1, asm.DWord),
	)
	c.mark(workSummed)
}

func (c *code) mark(bits int32) {
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateMarks, asm.DWord),
		asm.Or.Imm(asm.R1, bits),
		asm.StoreMem(asm.R7, stateMarks, asm.R1, asm.DWord),
	)
}

// lockBegins is for the begin of a wait for a lock. tag are the arguments of its
// probe, nil where they cannot be read.
func (m *maps) lockBegins(tag []operand) asm.Instructions {
	c := &code{m: m}
	c.add(asm.Mov.Reg(asm.R6, asm.R1))
	c.known("end")
	c.current("anew")
	c.add(asm.LoadMem(asm.R8, asm.R7, stateMarks, asm.DWord), asm.JSet.Imm(asm.R8, workTorn, "end"))
	for _, st := range stages { // which has its anchor
		c.add(asm.LoadMem(asm.R1, asm.R7, st.sp, asm.DWord), asm.JNE.Imm(asm.R1, 0, "marked"))
	}
	c.anchor()
	c.now()
	c.add(
		asm.LoadMem(asm.R1, asm.RFP, stackTime, asm.DWord),
		asm.StoreMem(asm.R7, stateLock, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R7, stateTag, asm.R1, asm.DWord),
		asm.StoreMem(asm.R7, stateTag+8, asm.R1, asm.DWord),
	)
	for i, o := range tag {
		c.operand(o, stateTag+int16(tagFields[i].at), tagFields[i].size)
	}
	c.label("end")
	c.exit()
	c.anew("anew")
	return c.Instructions
}

// lockEnds is for its end, also by an error that is thrown.
func (m *maps) lockEnds() asm.Instructions {
	c := &code{m: m}
	c.known("end")
	c.add(asm.LoadMem(asm.R8, asm.R7, stateLock, asm.DWord), asm.JEq.Imm(asm.R8, 0, "end"))
	c.current("end")
	c.now()
	c.add(
		asm.LoadMem(asm.R9, asm.RFP, stackTime, asm.DWord),
		asm.Sub.Reg(asm.R9, asm.R8),
		asm.LoadMem(asm.R1, asm.R7, stateWaited, asm.DWord),
		asm.Add.Reg(asm.R1, asm.R9),
		asm.StoreMem(asm.R7, stateWaited, asm.R1, asm.DWord),
		asm.Mov.Imm(asm.R1, 0),
		asm.StoreMem(asm.R7, stateLock, asm.R1, asm.DWord),
	)
	c.mark(workSummed)
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateLongest, asm.DWord),
		asm.JLE.Reg(asm.R9, asm.R1, "end"),
		asm.StoreMem(asm.R7, stateLongest, asm.R9, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, stateTag, asm.DWord), asm.StoreMem(asm.R7, stateLongTag, asm.R1, asm.DWord),
		asm.LoadMem(asm.R1, asm.R7, stateTag+8, asm.DWord), asm.StoreMem(asm.R7, stateLongTag+8, asm.R1, asm.DWord),
	)
	c.label("end")
	c.exit()
	return c.Instructions
}

// aborts is for the function that a server calls after an error, and for the ROLLBACK
// of a procedure: stages that go on are over, or are no longer to be told from
// those within them.
func (m *maps) aborts() asm.Instructions {
	c := &code{m: m}
	c.known("end")
	c.current("end")
	c.now()
	for _, st := range stages {
		name := "over " + st.program
		c.add(asm.LoadMem(asm.R1, asm.R7, st.sp, asm.DWord), asm.JEq.Imm(asm.R1, 0, name))
		c.addUp(st)
		c.mark(workFailed | workTorn)
		c.label(name)
	}
	c.add(asm.Mov.Imm(asm.R1, 0), asm.StoreMem(asm.R7, stateLock, asm.R1, asm.DWord))
	c.label("end")
	c.exit()
	return c.Instructions
}

// tellTimes is for the begin of secure_write, where it tells of the times, and of
// secure_read. r7 is the state. It falls through where there is nothing to do.
func (c *code) tellTimes(buffer int16) {
	c.add(
		asm.LoadMem(asm.R8, asm.R7, stateMarks, asm.DWord),
		asm.JEq.Imm(asm.R8, 0, "told"),
	)
	if buffer == stateRead {
		c.add(asm.And.Imm(asm.R8, ^int32(workTorn)), asm.StoreMem(asm.R7, stateMarks, asm.R8, asm.DWord))
		c.label("told")
		return
	}
	c.add(asm.JSet.Imm(asm.R8, workSummed, "summed"), asm.Ja.Label("cleared"))
	c.label("summed")
	c.current("not told")
	c.now()
	c.reserve(timesRecord, "not told")
	c.head(recordTimes)
	c.add(
		asm.LoadMem(asm.R1, asm.R7, stateAnchor, asm.DWord), asm.StoreMem(asm.R0, headOffset, asm.R1, asm.DWord),
		asm.StoreMem(asm.R0, headFlags, asm.R8, asm.Word),
	)
	for i, from := range timesFields {
		c.add(asm.LoadMem(asm.R1, asm.R7, from, asm.DWord), asm.StoreMem(asm.R0, int16(headSize+8*i), asm.R1, asm.DWord))
	}
	c.submit()
	c.add(asm.Mov.Imm(asm.R1, 0).WithSymbol("not told"))
	for _, at := range timesFields {
		c.add(asm.StoreMem(asm.R7, at, asm.R1, asm.DWord))
	}
	c.add(asm.StoreMem(asm.R7, stateLongest, asm.R1, asm.DWord))
	// What still goes on keeps its anchor.
	c.add(asm.And.Imm(asm.R8, workAnchored|workMixed|workTorn).WithSymbol("cleared"))
	for _, st := range stages {
		c.add(asm.LoadMem(asm.R1, asm.R7, st.sp, asm.DWord), asm.JNE.Imm(asm.R1, 0, "going on"))
	}
	c.add(asm.LoadMem(asm.R1, asm.R7, stateLock, asm.DWord), asm.JNE.Imm(asm.R1, 0, "going on"))
	c.add(asm.And.Imm(asm.R8, workTorn))
	c.add(asm.StoreMem(asm.R7, stateMarks, asm.R8, asm.DWord).WithSymbol("going on"))
	c.label("told")
}

// timesFields are what a record of times says, in its order.
var timesFields = [...]int16{stateParsed, stateRewritten, statePlanned, stateExecuted, stateWaited, stateLongTag, stateLongTag + 8}
