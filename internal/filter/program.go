package filter

import (
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

	// A load and the comparison behind it in one step. The comparison stays
	// where it is, for jumps to it.
	doLoadWordEqual
	doLoadHalfEqual
	doLoadByteEqual
	doLoadHalfSet
	doIndexHalfEqual
)

// fused are the pairs that become one step.
var fused = map[[2]operation]operation{
	{doLoadWord, doEqual}:  doLoadWordEqual,
	{doLoadHalf, doEqual}:  doLoadHalfEqual,
	{doLoadByte, doEqual}:  doLoadByteEqual,
	{doLoadHalf, doSet}:    doLoadHalfSet,
	{doIndexHalf, doEqual}: doIndexHalfEqual,
}

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
	for i := range p.code[1:] {
		if one, ok := fused[[2]operation{p.code[i].do, p.code[i+1].do}]; ok {
			p.code[i].do = one
		}
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
