package parquet

import "encoding/binary"

// appendHybrid appends numbers below 1<<width in Parquet's hybrid of run lengths and
// packed bits (format: "Run Length Encoding / Bit-Packing Hybrid").
func appendHybrid(dst []byte, values []uint32, width int) []byte {
	for len(values) > 0 {
		if n := runOf(values); n >= 8 || n == len(values) {
			dst = binary.AppendUvarint(dst, uint64(n)<<1)
			for i := range (width + 7) / 8 {
				dst = append(dst, byte(values[0]>>(8*i)))
			}
			values = values[n:]
			continue
		}
		// Packed numbers come in groups of eight; a run that is worth more ends them.
		n := 0
		for n < len(values) && (n%8 != 0 || runOf(values[n:min(len(values), n+8)]) < 8) {
			n++
		}
		dst = appendPacked(dst, values[:n], width)
		values = values[n:]
	}
	return dst
}

// runOf returns how many of the first values are equal.
func runOf(values []uint32) int {
	n := 1
	for n < len(values) && values[n] == values[0] {
		n++
	}
	return n
}

// appendPacked appends groups of eight numbers; the last one is filled with zeros.
func appendPacked(dst []byte, values []uint32, width int) []byte {
	groups := (len(values) + 7) / 8
	dst = binary.AppendUvarint(dst, uint64(groups)<<1|1)
	var bits uint64
	have := 0
	for i := range groups * 8 {
		if i < len(values) {
			bits |= uint64(values[i]) << have
		}
		for have += width; have >= 8; have -= 8 {
			dst = append(dst, byte(bits))
			bits >>= 8
		}
	}
	return dst
}

// widthOf returns the bits that numbers up to largest take.
func widthOf(largest int) int {
	n := 0
	for ; largest > 0; largest >>= 1 {
		n++
	}
	return n
}

// appendLevels appends definition or repetition levels as a data page has them: their
// length before them.
func appendLevels(dst []byte, levels []uint32, highest int) []byte {
	at := len(dst)
	dst = append(dst, 0, 0, 0, 0)
	dst = appendHybrid(dst, levels, widthOf(highest))
	binary.LittleEndian.PutUint32(dst[at:], uint32(len(dst)-at-4))
	return dst
}
