package capture

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Block types ("PCAP Now Generic Capture File Format",
// draft-ietf-opsawg-pcapng). Those not named here are skipped.
const (
	blockSection   = 0x0a0d0d0a
	blockInterface = 1
	blockPacketOld = 2
	blockSimple    = 3
	blockEnhanced  = 6
	blockSecrets   = 10
)

// localUse is set in the types of blocks that are left to local use.
const localUse = 1 << 31

const (
	byteOrderMagic = 0x1a2b3c4d
	// minBlock is a block with an empty body: type, length, length again.
	minBlock = 12
	// maxBlock is the longest block believed, the limit that libpcap has too.
	maxBlock = maxSnapLen + 1<<16
	// maxInterfaces bounds one section's table; each costs 48 bytes.
	maxInterfaces = 1 << 16
)

// isPcapng reports whether h begins like a pcapng file: the Section Header
// Block's type is the same in both byte orders.
func isPcapng(h []byte) bool { return binary.LittleEndian.Uint32(h) == blockSection }

type pcapngReader struct {
	w         *window
	onSecrets func(kind uint32, data []byte)
	onLocal   func(kind uint32, data []byte)
	big       bool // the section's byte order
	ifaces    []pcapngInterface
	base      int      // interfaces of the sections before
	_         [64]byte // see TestLines
}

func (r *pcapngReader) interfaces() int { return r.base + len(r.ifaces) }

func (r *pcapngReader) u32(b []byte) uint32 {
	v := binary.LittleEndian.Uint32(b)
	if r.big {
		v = bits.ReverseBytes32(v)
	}
	return v
}

func (r *pcapngReader) u16(b []byte) uint16 {
	if r.big {
		return binary.BigEndian.Uint16(b)
	}
	return binary.LittleEndian.Uint16(b)
}

// next reads blocks up to the next packet.
func (r *pcapngReader) next(p *Packet) error {
	for {
		h, ok := r.w.peek(minBlock)
		if !ok {
			return cutError(r.w, h, minBlock, "a block header")
		}
		if isPcapng(h) && !r.setByteOrder(h) {
			return r.corrupt("a section header has no byte-order magic")
		}
		kind, n := r.u32(h), r.u32(h[4:])
		if n < minBlock || n > maxBlock || n%4 != 0 {
			return r.corrupt("a block claims a length of %d", n)
		}
		b, ok := r.w.peek(int(n))
		if !ok {
			return cutError(r.w, b, int(n), "the last block")
		}
		if tail := r.u32(b[n-4:]); tail != n {
			return r.corrupt("a block's two lengths differ: %d and %d", n, tail)
		}
		found, err := r.block(kind, b[8:n-4:n-4], p)
		if err != nil {
			return err
		}
		r.w.take(int(n))
		if found {
			return nil
		}
	}
}

// block takes one block's body and reports whether it was a packet.
func (r *pcapngReader) block(kind uint32, body []byte, p *Packet) (bool, error) {
	switch kind {
	case blockEnhanced:
		return true, r.enhanced(body, p)
	case blockPacketOld:
		return true, r.packetOld(body, p)
	case blockSimple:
		return true, r.simple(body, p)
	case blockSection:
		return false, r.section(body)
	case blockInterface:
		return false, r.addInterface(body)
	case blockSecrets:
		return false, r.secrets(body)
	}
	if kind&localUse != 0 && r.onLocal != nil {
		r.onLocal(kind, body)
	}
	return false, nil
}

func (r *pcapngReader) corrupt(format string, args ...any) error {
	return &FileError{Kind: ErrCorrupt, Offset: r.w.off, Detail: fmt.Sprintf(format, args...)}
}

// setByteOrder reads the byte-order magic of a section header.
func (r *pcapngReader) setByteOrder(h []byte) bool {
	switch binary.LittleEndian.Uint32(h[8:]) {
	case byteOrderMagic:
		r.big = false
	case bits.ReverseBytes32(byteOrderMagic):
		r.big = true
	default:
		return false
	}
	return true
}

// section begins a new section, in which interfaces are numbered anew. Its
// length is not needed: sections are read block by block.
func (r *pcapngReader) section(body []byte) error {
	if len(body) < 16 {
		return r.corrupt("a section header of %d bytes", len(body))
	}
	if major := r.u16(body[4:]); major != 1 {
		return r.corrupt("pcapng version %d is not known", major)
	}
	r.base += len(r.ifaces)
	r.ifaces = r.ifaces[:0]
	return nil
}

// enhanced decodes an Enhanced Packet Block.
func (r *pcapngReader) enhanced(body []byte, p *Packet) error {
	const fixed = 20
	if len(body) < fixed {
		return r.corrupt("a packet block of %d bytes", len(body))
	}
	return r.packet(body, int64(r.u32(body)), p)
}

// packetOld decodes a Packet Block, the Enhanced one's forerunner: the same
// but for a 16-bit interface number and a count of drops beside it.
func (r *pcapngReader) packetOld(body []byte, p *Packet) error {
	const fixed = 20
	if len(body) < fixed {
		return r.corrupt("a packet block of %d bytes", len(body))
	}
	return r.packet(body, int64(r.u16(body)), p)
}

func (r *pcapngReader) packet(body []byte, id int64, p *Packet) error {
	const fixed = 20
	if id >= int64(len(r.ifaces)) {
		return r.corrupt("a packet of interface %d, of which nothing was said", id)
	}
	n := r.u32(body[12:])
	if int64(n) > int64(len(body)-fixed) {
		return r.corrupt("a packet of %d bytes in a block of %d", n, len(body)+minBlock)
	}
	f := &r.ifaces[id]
	p.Data = body[fixed : fixed+n : fixed+n]
	p.Time = f.nanoseconds(uint64(r.u32(body[4:]))<<32 | uint64(r.u32(body[8:])))
	p.OrigLen = max(int(r.u32(body[16:])), int(n))
	p.LinkType = f.linkType
	p.FCSLen = f.fcsLen
	p.Interface = r.base + int(id)
	return nil
}

// simple decodes a Simple Packet Block: the first interface's, without a time;
// how much was captured follows from the snap length and the block's length.
func (r *pcapngReader) simple(body []byte, p *Packet) error {
	const fixed = 4
	if len(body) < fixed {
		return r.corrupt("a packet block of %d bytes", len(body))
	}
	if len(r.ifaces) == 0 {
		return r.corrupt("a packet before any interface was described")
	}
	f := &r.ifaces[0]
	orig := r.u32(body)
	n := min(orig, uint32(len(body)-fixed))
	if f.snapLen > 0 {
		n = min(n, f.snapLen)
	}
	p.Data = body[fixed : fixed+n : fixed+n]
	p.Time = 0
	p.OrigLen = int(orig)
	p.LinkType = f.linkType
	p.FCSLen = f.fcsLen
	p.Interface = r.base
	return nil
}

// secrets hands over a Decryption Secrets Block.
func (r *pcapngReader) secrets(body []byte) error {
	const fixed = 8
	if len(body) < fixed {
		return r.corrupt("a secrets block of %d bytes", len(body))
	}
	n := r.u32(body[4:])
	if int64(n) > int64(len(body)-fixed) {
		return r.corrupt("secrets of %d bytes in a block of %d", n, len(body)+minBlock)
	}
	if r.onSecrets != nil {
		r.onSecrets(r.u32(body), body[fixed:fixed+n])
	}
	return nil
}
