package filter

import "encoding/binary"

// Match runs the program on a packet of which data was captured and which was
// origLen bytes long on the wire. A packet that ends before a byte the program
// wants is not matched. It allocates nothing and retains nothing.
//
// It is one long function because a call for each instruction would take
// longer than the instruction.
func (p *Program) Match(data []byte, origLen int) bool {
	var (
		a, x   uint32
		memory [memorySlots]uint32
		code   = p.code
		length = uint64(len(data))
	)
	for pc := 0; pc < len(code); pc++ {
		in := &code[pc]
		off := uint64(in.k)
		switch in.do {
		case doLoadWord:
			if off+4 > length {
				return false
			}
			a = binary.BigEndian.Uint32(data[off:])
		case doLoadHalf:
			if off+2 > length {
				return false
			}
			a = uint32(binary.BigEndian.Uint16(data[off:]))
		case doLoadByte:
			if off >= length {
				return false
			}
			a = uint32(data[off])
		case doIndexWord:
			if off += uint64(x); off+4 > length {
				return false
			}
			a = binary.BigEndian.Uint32(data[off:])
		case doIndexHalf:
			if off += uint64(x); off+2 > length {
				return false
			}
			a = uint32(binary.BigEndian.Uint16(data[off:]))
		case doIndexByte:
			if off += uint64(x); off >= length {
				return false
			}
			a = uint32(data[off])
		case doXHeader:
			if off >= length {
				return false
			}
			x = uint32(data[off]&0xf) * 4
		case doLoadWordEqual:
			if off+4 > length {
				return false
			}
			a = binary.BigEndian.Uint32(data[off:])
			pc++
			pc += code[pc].branch(a == code[pc].k)
		case doLoadHalfEqual:
			if off+2 > length {
				return false
			}
			a = uint32(binary.BigEndian.Uint16(data[off:]))
			pc++
			pc += code[pc].branch(a == code[pc].k)
		case doLoadByteEqual:
			if off >= length {
				return false
			}
			a = uint32(data[off])
			pc++
			pc += code[pc].branch(a == code[pc].k)
		case doLoadHalfSet:
			if off+2 > length {
				return false
			}
			a = uint32(binary.BigEndian.Uint16(data[off:]))
			pc++
			pc += code[pc].branch(a&code[pc].k != 0)
		case doIndexHalfEqual:
			if off += uint64(x); off+2 > length {
				return false
			}
			a = uint32(binary.BigEndian.Uint16(data[off:]))
			pc++
			pc += code[pc].branch(a == code[pc].k)
		case doEqual:
			pc += in.branch(a == in.k)
		case doGreater:
			pc += in.branch(a > in.k)
		case doGreaterOrEqual:
			pc += in.branch(a >= in.k)
		case doSet:
			pc += in.branch(a&in.k != 0)
		case doEqualX:
			pc += in.branch(a == x)
		case doGreaterX:
			pc += in.branch(a > x)
		case doGreaterOrEqualX:
			pc += in.branch(a >= x)
		case doSetX:
			pc += in.branch(a&x != 0)
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

// branch returns how many instructions a conditional jump skips.
func (in *instruction) branch(taken bool) int {
	if taken {
		return int(in.jt)
	}
	return int(in.jf)
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
