package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Magic numbers of pcap, as the writer's byte order shows them.
const (
	magicMicro    = 0xa1b2c3d4
	magicNano     = 0xa1b23c4d
	magicModified = 0xa1b2cd34 // Kuznetzov's: longer record headers
)

const (
	pcapHeaderLen         = 24
	pcapRecordLen         = 16
	pcapModifiedRecordLen = 24

	// maxPacket is the longest packet believed. tcpdump itself stops at
	// 256 KiB, offloaded segments (BIG TCP) at 512 KiB; a header that claims
	// more, and more than its file's own snap length, is not a header.
	maxPacket = 1 << 20
	// maxSnapLen is up to where a file's snap length is believed.
	maxSnapLen = 16 << 20
)

// pcapReader reads the classic format ("PCAP Capture File Format",
// draft-ietf-opsawg-pcap).
type pcapReader struct {
	w         *window
	big       bool // big-endian
	headerLen int
	nanos     int64 // one unit of the time stamp's fraction
	limit     uint32
	linkType  uint16
	fcsLen    uint8
	minor     uint16
	_         [80]byte // see TestLines
}

// pcapMagic reports whether h begins like a pcap file, and how it is written.
func pcapMagic(h []byte) (r pcapReader, ok bool) {
	m := binary.LittleEndian.Uint32(h)
	switch m {
	case magicMicro, magicNano, magicModified:
	default:
		m, r.big = bits.ReverseBytes32(m), true
	}
	r.headerLen, r.nanos = pcapRecordLen, 1000
	switch m {
	case magicMicro:
	case magicNano:
		r.nanos = 1
	case magicModified:
		r.headerLen = pcapModifiedRecordLen
	default:
		return pcapReader{}, false
	}
	return r, true
}

// newPcapReader reads the file header; the magic number has been recognised.
func newPcapReader(w *window, r pcapReader) (*pcapReader, error) {
	h, ok := w.peek(pcapHeaderLen)
	if !ok {
		return nil, cutError(w, h, pcapHeaderLen, "the file header")
	}
	r.w = w
	r.minor = binary.LittleEndian.Uint16(h[6:])
	if r.big {
		r.minor = binary.BigEndian.Uint16(h[6:])
	}
	// A snap length of 0, or smaller than what was captured, is common.
	r.limit = max(min(r.u32(h[16:]), maxSnapLen), maxPacket)
	link := r.u32(h[20:])
	r.linkType = uint16(link)
	const fcsPresent = 1 << 26
	if link&fcsPresent != 0 {
		r.fcsLen = uint8(link >> 28 * 2)
	}
	w.take(pcapHeaderLen)
	return &r, nil
}

func (r *pcapReader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

// four returns the four numbers that each record begins with.
func (r *pcapReader) four(h *[16]byte) (sec, frac, n, orig uint32) {
	sec, frac = binary.LittleEndian.Uint32(h[0:]), binary.LittleEndian.Uint32(h[4:])
	n, orig = binary.LittleEndian.Uint32(h[8:]), binary.LittleEndian.Uint32(h[12:])
	if r.big {
		sec, frac, n, orig = bits.ReverseBytes32(sec), bits.ReverseBytes32(frac), bits.ReverseBytes32(n), bits.ReverseBytes32(orig)
	}
	return sec, frac, n, orig
}

func (r *pcapReader) next(p *Packet) error {
	if !r.whole(p) {
		return r.anywhere(p)
	}
	p.LinkType, p.FCSLen, p.Interface = r.linkType, r.fcsLen, 0
	return nil
}

// whole takes the next record where all of it is in the current block, as nearly all
// are, and it was written in the usual way. It reports whether it has.
func (r *pcapReader) whole(p *Packet) bool {
	w := r.w
	b := w.cur
	if len(w.head) != 0 || r.big || r.minor <= 3 || r.headerLen != pcapRecordLen || len(b) < pcapRecordLen {
		return false
	}
	frac, n, orig := binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:]), binary.LittleEndian.Uint32(b[12:])
	if n > r.limit || frac >= maxFraction || pcapRecordLen+uint64(n) > uint64(len(b)) {
		return false
	}
	end := pcapRecordLen + int(n)
	p.Time = int64(binary.LittleEndian.Uint32(b))*1e9 + int64(frac)*r.nanos
	p.OrigLen = int(max(orig, n))
	p.Data = b[pcapRecordLen:end:end]
	w.off += int64(end)
	w.cur = b[end:]
	return true
}

// maxFraction is what the fraction of a second stays below: some writers' microseconds
// overflow a second, but not that far.
const maxFraction = 1e9

// anywhere takes the next record.
func (r *pcapReader) anywhere(p *Packet) error {
	h, ok := r.w.peek(r.headerLen)
	if !ok {
		return cutError(r.w, h, r.headerLen, "a record header")
	}
	sec, frac, n, orig := r.four((*[16]byte)(h))
	if r.minor <= 3 && n > orig { // before 2.4 the two lengths were written in either order
		n, orig = orig, n
	}
	if n > r.limit {
		return r.corrupt("a record header claims a packet of %d bytes", n)
	}
	if frac >= maxFraction {
		return r.corrupt("a record header claims a time of %d fractions of a second", frac)
	}
	total := r.headerLen + int(n)
	b, ok := r.w.peek(total)
	if !ok {
		return cutError(r.w, b, total, "the last record")
	}
	r.w.take(total)
	p.Data = b[r.headerLen:total:total]
	p.Time = int64(sec)*1e9 + int64(frac)*r.nanos
	p.OrigLen = max(int(orig), int(n))
	p.LinkType, p.FCSLen, p.Interface = r.linkType, r.fcsLen, 0
	return nil
}

func (r *pcapReader) corrupt(format string, arg uint32) error {
	return &FileError{Kind: ErrCorrupt, Offset: r.w.off, Detail: fmt.Sprintf(format, arg)}
}

func (r *pcapReader) interfaces() int { return 1 }
