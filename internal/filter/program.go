package filter

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"
)

// Program is a filter program that was found to be valid: every jump goes
// forward to an instruction of the program and every way ends in a return.
// It may be used by several goroutines at once.
type Program struct {
	raw  []bpf.RawInstruction
	code []instruction
}

// Raw returns the program's instructions for SO_ATTACH_FILTER, as a copy.
// Linux takes at most 4096 of them.
func (p *Program) Raw() []bpf.RawInstruction {
	return append([]bpf.RawInstruction(nil), p.raw...)
}

// Len returns the number of instructions.
func (p *Program) Len() int { return len(p.raw) }

// instruction is a raw one with its operation as a small number, so that the
// interpreter's switch becomes a jump table.
type instruction struct {
	do     operation
	jt, jf uint8
	k      uint32
}

type operation uint8

const (
	doInvalid operation = iota
	doLoadWord
	doLoadHalf
	doLoadByte
	doIndexWord
	doIndexHalf
	doIndexByte
	doLoadConst
	doLoadMemory
	doLoadLength
	doXConst
	doXMemory
	doXLength
	doXHeader
	doStore
	doStoreX
	doALU  // the operation is in jt
	doALUX // likewise
	doNeg
	doJump
	doEqual
	doGreater
	doGreaterOrEqual
	doSet
	doEqualX
	doGreaterX
	doGreaterOrEqualX
	doSetX
	doReturn
	doReturnA
	doTAX
	doTXA
)

var operations = map[uint16]operation{
	codeLoad | modeAbsolute | sizeWord:       doLoadWord,
	codeLoad | modeAbsolute | sizeHalf:       doLoadHalf,
	codeLoad | modeAbsolute | sizeByte:       doLoadByte,
	codeLoad | modeIndirect | sizeWord:       doIndexWord,
	codeLoad | modeIndirect | sizeHalf:       doIndexHalf,
	codeLoad | modeIndirect | sizeByte:       doIndexByte,
	codeLoad | modeImmediate:                 doLoadConst,
	codeLoad | modeMemory:                    doLoadMemory,
	codeLoad | modeLength:                    doLoadLength,
	codeLoadX | modeImmediate:                doXConst,
	codeLoadX | modeMemory:                   doXMemory,
	codeLoadX | modeLength:                   doXLength,
	codeLoadX | modeHeader | sizeByte:        doXHeader,
	codeStore:                                doStore,
	codeStoreX:                               doStoreX,
	codeALU | aluNeg:                         doNeg,
	codeJump | jumpAlways:                    doJump,
	codeJump | jumpEqual:                     doEqual,
	codeJump | jumpGreater:                   doGreater,
	codeJump | jumpGreaterOrEqual:            doGreaterOrEqual,
	codeJump | jumpSet:                       doSet,
	codeJump | operandX | jumpEqual:          doEqualX,
	codeJump | operandX | jumpGreater:        doGreaterX,
	codeJump | operandX | jumpSet:            doSetX,
	codeReturn:                               doReturn,
	codeReturn | returnA:                     doReturnA,
	codeMisc | miscTAX:                       doTAX,
	codeMisc | miscTXA:                       doTXA,
	codeJump | operandX | jumpGreaterOrEqual: doGreaterOrEqualX,
}

// newProgram validates instructions.
func newProgram(raw []bpf.RawInstruction) (*Program, error) {
	if len(raw) == 0 {
		return nil, fmt.Errorf("filter: a program without instructions")
	}
	p := &Program{raw: raw, code: make([]instruction, len(raw))}
	for i, in := range raw {
		decoded, err := decode(in, len(raw)-i-1)
		if err != nil {
			return nil, fmt.Errorf("filter: instruction %d: %w", i, err)
		}
		p.code[i] = decoded
	}
	if last := p.code[len(raw)-1].do; last != doReturn && last != doReturnA {
		return nil, fmt.Errorf("filter: the program does not end in a return")
	}
	return p, nil
}

// decode validates one instruction that has rest others behind it.
func decode(in bpf.RawInstruction, rest int) (instruction, error) {
	out := instruction{do: operations[in.Op], jt: in.Jt, jf: in.Jf, k: in.K}
	if in.Op&codeClasses == codeALU && out.do == doInvalid {
		return decodeALU(in)
	}
	switch out.do {
	case doInvalid:
		return out, fmt.Errorf("no such operation: %#x", in.Op)
	case doLoadMemory, doXMemory, doStore, doStoreX:
		if in.K >= memorySlots {
			return out, fmt.Errorf("no such memory: %d", in.K)
		}
	case doJump:
		if int64(in.K) >= int64(rest) {
			return out, fmt.Errorf("a jump backwards or out of the program")
		}
	case doEqual, doGreater, doGreaterOrEqual, doSet, doEqualX, doGreaterX, doGreaterOrEqualX, doSetX:
		if int(in.Jt) >= rest || int(in.Jf) >= rest {
			return out, fmt.Errorf("a jump out of the program")
		}
	}
	return out, nil
}

func decodeALU(in bpf.RawInstruction) (instruction, error) {
	op := in.Op & 0xf0
	if op > aluXor || op == aluNeg || in.Op&^(0xf0|operandX) != codeALU {
		return instruction{}, fmt.Errorf("no such operation: %#x", in.Op)
	}
	out := instruction{do: doALU, jt: uint8(op), k: in.K}
	if in.Op&operandX != 0 {
		out.do = doALUX
	} else if in.K == 0 && (op == aluDiv || op == aluMod) {
		return out, fmt.Errorf("a division by zero")
	}
	return out, nil
}

// Match runs the program on a packet of which data was captured and which was
// origLen bytes long on the wire. A packet that ends before a byte the program
// wants is not matched. It allocates nothing and retains nothing.
func (p *Program) Match(data []byte, origLen int) bool {
	var (
		a, x   uint32
		memory [memorySlots]uint32
	)
	for pc := 0; pc < len(p.code); pc++ {
		in := &p.code[pc]
		off := uint64(in.k)
		switch in.do {
		case doIndexWord, doIndexHalf, doIndexByte:
			off += uint64(x)
		}
		switch in.do {
		case doLoadWord, doIndexWord:
			if off+4 > uint64(len(data)) {
				return false
			}
			a = binary.BigEndian.Uint32(data[off:])
		case doLoadHalf, doIndexHalf:
			if off+2 > uint64(len(data)) {
				return false
			}
			a = uint32(binary.BigEndian.Uint16(data[off:]))
		case doLoadByte, doIndexByte:
			if off >= uint64(len(data)) {
				return false
			}
			a = uint32(data[off])
		case doXHeader:
			if off >= uint64(len(data)) {
				return false
			}
			x = uint32(data[off]&0xf) * 4
		case doEqual:
			pc += int(in.branch(a == in.k))
		case doGreater:
			pc += int(in.branch(a > in.k))
		case doGreaterOrEqual:
			pc += int(in.branch(a >= in.k))
		case doSet:
			pc += int(in.branch(a&in.k != 0))
		case doEqualX:
			pc += int(in.branch(a == x))
		case doGreaterX:
			pc += int(in.branch(a > x))
		case doGreaterOrEqualX:
			pc += int(in.branch(a >= x))
		case doSetX:
			pc += int(in.branch(a&x != 0))
		case doJump:
			pc += int(in.k)
		case doReturn:
			return in.k != 0
		case doReturnA:
			return a != 0
		case doALU:
			a, _ = alu(in.jt, a, in.k)
		case doALUX:
			var ok bool
			if a, ok = alu(in.jt, a, x); !ok {
				return false
			}
		case doNeg:
			a = -a
		case doLoadConst:
			a = in.k
		case doLoadLength:
			a = uint32(origLen)
		case doXConst:
			x = in.k
		case doXLength:
			x = uint32(origLen)
		case doLoadMemory:
			a = memory[in.k%memorySlots]
		case doXMemory:
			x = memory[in.k%memorySlots]
		case doStore:
			memory[in.k%memorySlots] = a
		case doStoreX:
			memory[in.k%memorySlots] = x
		case doTAX:
			x = a
		case doTXA:
			a = x
		}
	}
	return false
}

func (in *instruction) branch(taken bool) uint8 {
	if taken {
		return in.jt
	}
	return in.jf
}

// alu computes a op b; ok is false for a division by zero.
func alu(op uint8, a, b uint32) (v uint32, ok bool) {
	switch op {
	case aluAdd:
		return a + b, true
	case aluSub:
		return a - b, true
	case aluMul:
		return a * b, true
	case aluAnd:
		return a & b, true
	case aluOr:
		return a | b, true
	case aluXor:
		return a ^ b, true
	case aluLsh:
		return a << b, true
	case aluRsh:
		return a >> b, true
	}
	if b == 0 {
		return 0, false
	}
	if op == aluDiv {
		return a / b, true
	}
	return a % b, true
}
