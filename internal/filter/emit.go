package filter

import "golang.org/x/net/bpf"

// Classic BPF's opcodes (The BSD Packet Filter, McCanne and Jacobson 1993, and
// Linux's filter.txt): a class, then a size and mode or an operation.
const (
	codeLoad    = 0x00
	codeLoadX   = 0x01
	codeStore   = 0x02
	codeStoreX  = 0x03
	codeALU     = 0x04
	codeJump    = 0x05
	codeReturn  = 0x06
	codeMisc    = 0x07
	codeClasses = 0x07

	sizeWord = 0x00
	sizeHalf = 0x08
	sizeByte = 0x10

	modeImmediate = 0x00
	modeAbsolute  = 0x20
	modeIndirect  = 0x40
	modeMemory    = 0x60
	modeLength    = 0x80
	modeHeader    = 0xa0

	aluAdd = 0x00
	aluSub = 0x10
	aluMul = 0x20
	aluDiv = 0x30
	aluOr  = 0x40
	aluAnd = 0x50
	aluLsh = 0x60
	aluRsh = 0x70
	aluNeg = 0x80
	aluMod = 0x90
	aluXor = 0xa0

	jumpAlways         = 0x00
	jumpEqual          = 0x10
	jumpGreater        = 0x20
	jumpGreaterOrEqual = 0x30
	jumpSet            = 0x40

	operandX = 0x08
	returnA  = 0x10

	miscTAX = 0x00
	miscTXA = 0x80

	memorySlots = 16
)

var (
	aluOf = map[valueOp]uint16{
		opAdd: aluAdd, opSub: aluSub, opMul: aluMul, opDiv: aluDiv, opMod: aluMod,
		opAnd: aluAnd, opOr: aluOr, opXor: aluXor, opLsh: aluLsh, opRsh: aluRsh,
	}
	jumpOf = [...]uint16{
		relEqual: jumpEqual, relGreater: jumpGreater,
		relGreaterOrEqual: jumpGreaterOrEqual, relSet: jumpSet,
	}
	sizeOf = [...]uint16{1: sizeByte, 2: sizeHalf, 4: sizeWord}
)

// registers says which values the machine's two registers hold; nil is
// unknown.
type registers struct{ a, x *value }

// emitter writes the instructions of one block after the other.
type emitter struct {
	code     []bpf.RawInstruction
	regs     registers
	tooDeep  bool
	needs    map[*value]int
	starts   map[*block]int
	branches []branch
}

// branch is a jump whose targets are not yet known as numbers.
type branch struct {
	at   int // its instruction
	next [2]*block
}

// emit turns a graph into a program that returns snaplen for what it accepts.
// ok is false where an arithmetic expression needs more memory than the
// machine has.
func emit(root *block, snaplen uint32) (code []bpf.RawInstruction, ok bool) {
	e := &emitter{starts: map[*block]int{}, needs: map[*value]int{}}
	order := postorder(nil, root, markEmit)
	entry := map[*block]registers{} // what all ways to a block leave behind
	for i := len(order) - 1; i >= 0; i-- {
		b := order[i]
		e.starts[b] = len(e.code)
		if b.isEnd() {
			k := uint32(0)
			if b.accepts {
				k = snaplen
			}
			e.put(codeReturn, k)
			continue
		}
		e.regs = entry[b]
		e.compare(b, order[i-1])
		for _, to := range b.next {
			if before, reached := entry[to]; reached {
				entry[to] = registers{a: common(before.a, e.regs.a), x: common(before.x, e.regs.x)}
			} else {
				entry[to] = e.regs
			}
		}
	}
	return e.link(), !e.tooDeep
}

func common(v, w *value) *value {
	if v == w {
		return v
	}
	return nil
}

func (e *emitter) put(op uint16, k uint32) {
	e.code = append(e.code, bpf.RawInstruction{Op: op, K: k})
}

// compare loads a test's values and branches. following is the block that is
// emitted next.
func (e *emitter) compare(b, following *block) {
	op := codeJump | jumpOf[b.rel]
	if b.right.op == opConst {
		if !b.inherits {
			e.loadA(b.left, 0)
		}
		if b.next[branchTrue] == b.next[branchFalse] {
			if b.next[branchTrue] == following {
				return
			}
			e.branches = append(e.branches, branch{at: len(e.code), next: b.next})
			e.put(codeJump|jumpAlways, 0)
			return
		}
		e.put(op, b.right.k)
	} else {
		e.loadBoth(b.left, b.right, 0)
		e.put(op|operandX, 0)
	}
	e.branches = append(e.branches, branch{at: len(e.code) - 1, next: b.next})
}

// loadA brings a value into the accumulator. Memory slots below depth are
// taken.
func (e *emitter) loadA(v *value, depth int) {
	if e.regs.a == v {
		return
	}
	switch v.op {
	case opConst:
		e.put(codeLoad|modeImmediate, v.k)
	case opLen:
		e.put(codeLoad|modeLength, 0)
	case opLoad:
		e.put(codeLoad|modeAbsolute|sizeOf[v.size], v.k)
	case opIndex:
		e.loadX(v.x, depth)
		e.put(codeLoad|modeIndirect|sizeOf[v.size], v.k)
	case opHeader:
		e.loadX(v, depth)
		e.put(codeMisc|miscTXA, 0)
	case opNeg:
		e.loadA(v.x, depth)
		e.put(codeALU|aluNeg, 0)
	default:
		if v.y.op == opConst {
			e.loadA(v.x, depth)
			e.put(codeALU|aluOf[v.op], v.y.k)
			break
		}
		e.loadBoth(v.x, v.y, depth)
		e.put(codeALU|aluOf[v.op]|operandX, 0)
	}
	e.regs.a = v
}

// loadX brings a value into the index register; the accumulator may be lost.
func (e *emitter) loadX(v *value, depth int) {
	if e.regs.x == v {
		return
	}
	if op, k, ok := direct(v); ok {
		e.put(op, k)
	} else {
		e.loadA(v, depth)
		e.put(codeMisc|miscTAX, 0)
	}
	e.regs.x = v
}

// direct returns the one instruction that brings a value into X, if there is
// one.
func direct(v *value) (op uint16, k uint32, ok bool) {
	switch v.op {
	case opConst:
		return codeLoadX | modeImmediate, v.k, true
	case opLen:
		return codeLoadX | modeLength, 0, true
	case opHeader:
		return codeLoadX | modeHeader | sizeByte, v.k, true
	}
	return 0, 0, false
}

// loadBoth brings one value into the accumulator and another into X.
func (e *emitter) loadBoth(a, x *value, depth int) {
	if _, _, ok := direct(x); ok {
		e.loadA(a, depth)
		e.loadX(x, depth)
		return
	}
	if keepsX(a) {
		e.loadX(x, depth)
		e.loadA(a, depth)
		return
	}
	if depth >= memorySlots {
		e.tooDeep = true
		return
	}
	// The one that needs more memory goes first, while more is free.
	if e.need(a) > e.need(x) {
		e.loadA(a, depth)
		e.put(codeStore, uint32(depth))
		e.loadX(x, depth+1)
		e.put(codeLoad|modeMemory, uint32(depth))
		e.regs.a = a
		return
	}
	e.loadA(x, depth)
	e.put(codeStore, uint32(depth))
	e.loadA(a, depth+1)
	e.put(codeLoadX|modeMemory, uint32(depth))
	e.regs.x = x
}

// need is how many memory slots loading a value takes.
func (e *emitter) need(v *value) int {
	switch v.op {
	case opConst, opLen, opLoad, opHeader:
		return 0
	case opIndex, opNeg:
		return e.need(v.x)
	}
	n, known := e.needs[v]
	if known {
		return n
	}
	n = e.need(v.x)
	if _, _, ok := direct(v.y); !ok {
		m := e.need(v.y)
		if n == m && !keepsX(v.x) {
			n++
		}
		n = max(n, m)
	}
	e.needs[v] = n
	return n
}

// keepsX tells that loading a value needs nothing but the accumulator.
func keepsX(v *value) bool {
	for {
		switch v.op {
		case opConst, opLen, opLoad:
			return true
		case opIndex, opHeader:
			return false
		case opNeg:
			v = v.x
		default:
			if v.y.op != opConst {
				return false
			}
			v = v.x
		}
	}
}
