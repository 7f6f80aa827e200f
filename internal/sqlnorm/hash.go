package sqlnorm

import (
	"encoding/binary"
	"math/bits"
)

// The constants of XXH64.
const (
	prime1 uint64 = 0x9E3779B185EBCA87
	prime2 uint64 = 0xC2B2AE3D27D4EB4F
	prime3 uint64 = 0x165667B19E3779F9
	prime4 uint64 = 0x85EBCA77C2B2AE63
	prime5 uint64 = 0x27D4EB2F165667C5
)

// Fingerprint returns the 64 bits that name a normalised text: its XXH64 with
// seed 0 (the xxHash specification), which other programs can compute too. It
// does not depend on machine, run or version.
func Fingerprint(normalized []byte) uint64 {
	b := normalized
	h := prime5
	if len(b) >= 32 {
		h, b = stripes(b)
	}
	h += uint64(len(normalized))
	for ; len(b) >= 8; b = b[8:] {
		h = bits.RotateLeft64(h^round(0, binary.LittleEndian.Uint64(b)), 27)*prime1 + prime4
	}
	if len(b) >= 4 {
		h = bits.RotateLeft64(h^uint64(binary.LittleEndian.Uint32(b))*prime1, 23)*prime2 + prime3
		b = b[4:]
	}
	for _, c := range b {
		h = bits.RotateLeft64(h^uint64(c)*prime5, 11) * prime1
	}
	h = (h ^ h>>33) * prime2
	h = (h ^ h>>29) * prime3
	return h ^ h>>32
}

// stripes hashes the whole blocks of 32 bytes and returns what is left over.
func stripes(b []byte) (uint64, []byte) {
	// Variables, because the constants' sum would overflow at compile time.
	p1, p2 := prime1, prime2
	v1, v2, v3, v4 := p1+p2, p2, uint64(0), -p1
	for ; len(b) >= 32; b = b[32:] {
		v1 = round(v1, binary.LittleEndian.Uint64(b))
		v2 = round(v2, binary.LittleEndian.Uint64(b[8:]))
		v3 = round(v3, binary.LittleEndian.Uint64(b[16:]))
		v4 = round(v4, binary.LittleEndian.Uint64(b[24:]))
	}
	h := bits.RotateLeft64(v1, 1) + bits.RotateLeft64(v2, 7) +
		bits.RotateLeft64(v3, 12) + bits.RotateLeft64(v4, 18)
	for _, v := range [...]uint64{v1, v2, v3, v4} {
		h = (h^round(0, v))*prime1 + prime4
	}
	return h, b
}

func round(acc, input uint64) uint64 {
	return bits.RotateLeft64(acc+input*prime2, 31) * prime1
}

// AppendFingerprint appends a fingerprint as it is shown, 16 hexadecimal digits
// in lower case, to dst and returns the extended slice.
func AppendFingerprint(dst []byte, fingerprint uint64) []byte {
	const digits = "0123456789abcdef"
	for shift := 60; shift >= 0; shift -= 4 {
		dst = append(dst, digits[fingerprint>>shift&15])
	}
	return dst
}
