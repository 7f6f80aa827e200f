package capture

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// Options of an Interface Description Block that matter here.
const (
	optEnd       = 0
	optTsResol   = 9
	optFCSLen    = 13
	optTsOffset  = 14
	defaultResol = 6 // microseconds
)

// pcapngInterface is what a section says of one interface.
type pcapngInterface struct {
	linkType uint16
	fcsLen   uint8
	// mul, div and shift turn time stamps into nanoseconds:
	// t * mul / div / 2^shift.
	mul, div uint64
	shift    uint8
	snapLen  uint32
	offset   int64 // nanoseconds to add
	badTime  bool  // the resolution or the offset is beyond use
}

func (r *pcapngReader) addInterface(body []byte) error {
	const fixed = 8
	if len(body) < fixed {
		return r.corrupt("an interface description of %d bytes", len(body))
	}
	if len(r.ifaces) == maxInterfaces {
		return r.corrupt("more than %d interfaces in a section", maxInterfaces)
	}
	f := pcapngInterface{linkType: r.u16(body), snapLen: r.u32(body[4:])}
	f.setResolution(defaultResol)
	for o := body[fixed:]; len(o) >= 4; {
		code, n := r.u16(o), int(r.u16(o[2:]))
		if code == optEnd || n > len(o)-4 {
			break // a broken option list costs the options after it, no more
		}
		r.interfaceOption(&f, code, o[4:4+n])
		o = o[min(len(o), 4+(n+3)&^3):]
	}
	r.ifaces = append(r.ifaces, f)
	return nil
}

func (r *pcapngReader) interfaceOption(f *pcapngInterface, code uint16, v []byte) {
	switch {
	case code == optTsResol && len(v) == 1:
		f.setResolution(v[0])
	case code == optFCSLen && len(v) == 1 && v[0] <= 8:
		f.fcsLen = v[0] // bytes; older writers gave bits, which are above 8
	case code == optTsOffset && len(v) == 8:
		off := binary.LittleEndian.Uint64(v)
		if r.big {
			off = bits.ReverseBytes64(off)
		}
		f.setOffset(int64(off))
	}
}

// setResolution takes if_tsresol: with the high bit clear, a unit is ten to
// the minus n seconds, with it set, two to the minus n.
func (f *pcapngInterface) setResolution(v byte) {
	n := v & 0x7f
	f.mul, f.div, f.shift, f.badTime = 1, 1, 0, false
	switch {
	case v&0x80 != 0:
		f.mul, f.shift = 1e9, n
		f.badTime = n > 63
	case n <= 9:
		f.mul = pow10(9 - n)
	case n <= 9+19:
		f.div = pow10(n - 9)
	default:
		f.badTime = true
	}
}

func pow10(n uint8) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

// setOffset takes if_tsoffset, in seconds.
func (f *pcapngInterface) setOffset(seconds int64) {
	const most = math.MaxInt64 / int64(1e9)
	if seconds > most || seconds < -most {
		f.badTime = true
		return
	}
	f.offset = seconds * 1e9
}

// nanoseconds converts a time stamp; 0 for what no int64 can hold.
func (f *pcapngInterface) nanoseconds(t uint64) int64 {
	hi, lo := bits.Mul64(t, f.mul)
	if f.shift > 0 {
		if hi>>f.shift != 0 {
			return 0
		}
		lo = hi<<(64-f.shift) | lo>>f.shift
		hi = 0
	}
	if f.div > 1 { // mul is 1 then, so hi is 0
		lo /= f.div
	}
	if hi != 0 || lo > math.MaxInt64 || f.badTime {
		return 0
	}
	ns := int64(lo) + f.offset
	if f.offset > 0 && ns < 0 {
		return 0
	}
	return ns
}
