package filter

// valueOp says how a value is had from the packet.
type valueOp uint8

const (
	opConst  valueOp = iota // k
	opLen                   // the packet's length on the wire
	opLoad                  // size bytes at offset k, big-endian
	opIndex                 // size bytes at offset k + x
	opHeader                // 4*(packet[k]&0xf): the length of an IPv4 header
	opMask                  // x & k, where the compiler and not the user put the mask
	opNeg                   // -x
	opAdd                   // x + y, and so on; 32 bits, unsigned
	opSub
	opMul
	opDiv
	opMod
	opAnd
	opOr
	opXor
	opLsh
	opRsh
)

// value is a 32-bit number computed from the packet. Values are unique: equal
// computations are one pointer, so comparing pointers is all that the
// optimiser needs to know that a register already holds one.
type value struct {
	valueKey
	// simple is the same number computed with less. The optimiser of branches
	// works on values as they were written and only the emitter on simple ones:
	// that is where libpcap draws the line, and the order of loads, which shows
	// with cut packets, depends on it.
	simple *value
}

type valueKey struct {
	op   valueOp
	size uint8 // of opLoad and opIndex: 1, 2 or 4
	k    uint32
	x, y *value
}

// values makes values unique.
type values struct {
	known map[valueKey]*value
}

func newValues() *values { return &values{known: map[valueKey]*value{}} }

// unique returns the value of a key. A new one is its own simple form.
func (vs *values) unique(key valueKey) *value {
	if v, ok := vs.known[key]; ok {
		return v
	}
	v := &value{valueKey: key}
	v.simple = v
	vs.known[key] = v
	return v
}

// written returns the value of a key, which has a simpler form.
func (vs *values) written(key valueKey, simple *value) *value {
	v := vs.unique(key)
	v.simple = simple
	return v
}

func (vs *values) constant(k uint32) *value { return vs.unique(valueKey{op: opConst, k: k}) }

func (vs *values) length() *value { return vs.unique(valueKey{op: opLen}) }

func (vs *values) load(off uint32, size uint8) *value {
	return vs.unique(valueKey{op: opLoad, size: size, k: off})
}

// headerLength is the length of the IPv4 header at offset off, in bytes.
func (vs *values) headerLength(off uint32) *value {
	return vs.unique(valueKey{op: opHeader, k: off})
}

// index loads from off + x. Like the machine's own arithmetic the sum is
// modulo 2^32, so that negative indexes work.
func (vs *values) index(off uint32, x *value, size uint8) *value {
	if x.op == opAdd && x.x.op == opConst && x.y.op == opHeader {
		return vs.index(off+x.x.k, x.y, size)
	}
	key := valueKey{op: opIndex, size: size, k: off, x: x}
	return vs.written(key, vs.simpleIndex(key, x.simple))
}

// simpleIndex moves a known index, or the known part of a sum, into the
// offset, where it costs nothing.
func (vs *values) simpleIndex(key valueKey, x *value) *value {
	switch {
	case x.op == opConst:
		return vs.load(key.k+x.k, key.size)
	case x.op == opAdd && x.y.op == opConst && x.x.op == opHeader:
		key.k += x.y.k
		x = x.x
	case x.op == opAdd && x.x.op == opConst && x.y.op == opHeader:
		key.k += x.x.k
		x = x.y
	}
	key.x = x
	return vs.unique(key)
}

func (vs *values) negate(x *value) *value {
	simple := vs.unique(valueKey{op: opNeg, x: x.simple})
	if x.simple.op == opConst {
		simple = vs.constant(-x.simple.k)
	}
	return vs.written(valueKey{op: opNeg, x: x}, simple)
}

// arithmetic computes x op y. The message is not empty where the operation has
// no result.
func (vs *values) arithmetic(op valueOp, x, y *value) (v *value, msg string) {
	simple, msg := vs.simpleArithmetic(op, x.simple, y.simple)
	if y.op == opConst && y.k > 31 && (op == opLsh || op == opRsh) {
		msg = tooFarShift
	}
	if msg != "" {
		return nil, msg
	}
	return vs.written(valueKey{op: op, x: x, y: y}, simple), ""
}

// mask computes x & k.
func (vs *values) mask(x *value, k uint32) *value {
	simple, _ := vs.simpleArithmetic(opAnd, x.simple, vs.constant(k))
	return vs.written(valueKey{op: opMask, x: x, k: k}, simple)
}

const tooFarShift = "shift by more than 31 bits"

// simpleArithmetic does not load what the result cannot depend on: ip[100] & 0
// is 0 also of a packet cut before its byte 100, as it is for libpcap.
func (vs *values) simpleArithmetic(op valueOp, x, y *value) (v *value, msg string) {
	if y.op == opConst {
		switch {
		case y.k == 0 && op == opDiv:
			return nil, "division by zero"
		case y.k == 0 && op == opMod:
			return nil, "modulus by zero"
		case x.op == opConst:
			return vs.constant(fold(op, x.k, y.k)), ""
		case y.k > 31 && (op == opLsh || op == opRsh):
			return nil, tooFarShift
		case y.k == 0 && (op == opMul || op == opAnd):
			return y, ""
		case y.k == 0:
			return x, ""
		}
	}
	if x.op == opConst && x.k == 0 {
		switch op {
		case opAdd, opOr, opXor:
			return y, ""
		case opMul, opDiv, opMod, opAnd, opLsh, opRsh:
			return x, ""
		}
	}
	return vs.unique(valueKey{op: op, x: x, y: y}), ""
}

func fold(op valueOp, x, y uint32) uint32 {
	switch op {
	case opAdd:
		return x + y
	case opSub:
		return x - y
	case opMul:
		return x * y
	case opDiv:
		return x / y
	case opMod:
		return x % y
	case opAnd:
		return x & y
	case opOr:
		return x | y
	case opXor:
		return x ^ y
	case opLsh:
		return x << y
	default:
		return x >> y
	}
}
