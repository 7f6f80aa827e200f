package packet

import (
	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// Verdict is what a frame turned out to be.
type Verdict uint8

// The verdicts of Decode.
const (
	TCP         Verdict = iota // the segment is filled
	NotTCP                     // IP, but another protocol, or a tunnel nested too deep
	NotIP                      // not IP: ARP, spanning tree, an encrypted frame, …
	Fragment                   // part of a datagram that is not complete
	Malformed                  // a header is cut off or contradicts itself
	UnknownLink                // a link type that nobody here can decode
	verdicts
)

// NumVerdicts is how many verdicts there are, for counting by verdict.
const NumVerdicts = int(verdicts)

func (v Verdict) String() string {
	if v >= verdicts {
		return "invalid"
	}
	return [...]string{"TCP", "not TCP", "not IP", "fragment", "malformed", "unknown link type"}[v]
}

// Options bound what a Decoder keeps. Zero values stand for the defaults.
type Options struct {
	// MaxDatagrams is the number of incomplete datagrams held; default 1024,
	// some hundred times what a link with reordering has under way.
	MaxDatagrams int
	// MaxFragmentBytes is the memory for them in bytes; default 16 MiB, room
	// for 256 datagrams of the greatest size.
	MaxFragmentBytes int
	// FragmentTimeout is for how long, in nanoseconds of capture time,
	// fragments wait for the rest of their datagram; default 30 s, as in
	// Linux. After it, the same identification means another datagram.
	FragmentTimeout int64
}

// maxDepth is how many headers that carry other packets may lie in one another.
// Real captures have five at most (a mirrored overlay packet); each costs stack.
const maxDepth = 16

// Decoder decodes frames. It is used by one goroutine at a time.
type Decoder struct {
	frags defragmenter
	stamp reassembly.Stamp
	fcs   int // bytes of frame check sequence that may still end the data
	depth int
	_     [96]byte // see TestLines
}

// NewDecoder returns a Decoder that holds fragments within the given bounds.
func NewDecoder(opt Options) *Decoder {
	d := &Decoder{}
	d.frags.init(opt)
	return d
}

// Decode decodes p and, if it is or completes a TCP segment, fills all of seg
// and returns TCP; else seg's contents are undefined. seg.At is p's time and
// frame number. Payload is borrowed until the next Decode or as long as p.Data,
// whichever ends first.
func (d *Decoder) Decode(p *capture.Packet, seg *reassembly.Segment) Verdict {
	if len(d.frags.retired) > 0 {
		d.frags.recycle()
	}
	if plain(p, seg) {
		return TCP
	}
	d.stamp = reassembly.Stamp{Time: p.Time, Frame: p.Frame}
	d.fcs = int(p.FCSLen)
	d.depth = 0
	return d.link(p.LinkType, bytesOf{p.Data, max(p.OrigLen-len(p.Data), 0)}, seg)
}

// plain decodes what nearly all frames are, header by header below: Ethernet, IPv4
// without options and TCP, of which all is there. It reports whether p was that.
func plain(p *capture.Packet, seg *reassembly.Segment) bool {
	const ether, ip, tcp = 14, 20, 20
	h := p.Data
	if p.LinkType != linkEthernet || len(h) < ether+ip+tcp {
		return false
	}
	const versionAndLength = 4<<4 | ip/4
	if be.Uint16(h[12:]) != etherIPv4 || h[ether] != versionAndLength || h[ether+9] != protoTCP || be.Uint16(h[ether+6:])&moreAndOffset != 0 {
		return false
	}
	end := ether + int(be.Uint16(h[ether+2:]))
	from := ether + ip + int(h[ether+ip+12]>>4)*4
	if end > len(h) || from < ether+ip+tcp || from > end {
		return false
	}
	seg.Src.Addr, seg.Dst.Addr = addr4(h[ether+12:]), addr4(h[ether+16:])
	if seg.ID = uint32(be.Uint16(h[ether+4:])); seg.ID != 0 {
		seg.ID |= 1 << 16
	}
	seg.At.Time, seg.At.Frame = p.Time, p.Frame
	header(h[ether+ip:], seg)
	seg.Payload, seg.Missing, seg.Options = h[from:end], 0, h[ether+ip+tcp:from:from]
	return true
}

// header takes the fields of a TCP header, of at least 20 bytes, that are the same
// whatever follows it.
func header(h []byte, seg *reassembly.Segment) {
	_ = h[19]
	seg.Src.Port, seg.Dst.Port = be.Uint16(h), be.Uint16(h[2:])
	seg.Seq, seg.Ack = be.Uint32(h[4:]), be.Uint32(h[8:])
	const flags = reassembly.FIN | reassembly.SYN | reassembly.RST | reassembly.PSH | reassembly.ACK
	seg.Flags = h[13] & flags
	seg.Window = be.Uint16(h[14:])
}

// bytesOf is the rest of a packet while its headers are taken off: what was
// captured of it, and how many further bytes the snap length cut off.
type bytesOf struct {
	data []byte
	cut  int
}

// from is b without its first n bytes, which must be there.
func (b bytesOf) from(n int) bytesOf { return bytesOf{b.data[n:], b.cut} }

// limit is b without what follows its first n bytes. Where b is shorter, the
// rest was cut off, whatever the capture says of the frame's length.
func (b bytesOf) limit(n int) bytesOf {
	if n <= len(b.data) {
		return bytesOf{b.data[:n], 0}
	}
	return bytesOf{b.data, n - len(b.data)}
}

// maxSegment bounds a segment's length where only a capture's word says what it
// is. Offloaded segments (BIG TCP) reach 512 KiB.
const maxSegment = 1 << 20

// tcp decodes a TCP header (RFC 9293, section 3.1). Options are not looked at,
// so broken ones do no harm.
func (d *Decoder) tcp(b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if len(h) < 20 {
		return Malformed
	}
	off := int(h[12]>>4) * 4
	total := len(h) + b.cut
	if off < 20 || off > total || total > maxSegment {
		return Malformed
	}
	header(h, seg)
	seg.At = d.stamp
	if off > len(h) { // the snap length cut the options
		seg.Payload, seg.Missing, seg.Options = nil, total-off, nil
		return TCP
	}
	seg.Payload, seg.Missing, seg.Options = h[off:], b.cut, h[20:off:off]
	return TCP
}
