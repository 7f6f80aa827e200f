package packet

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"path/filepath"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// sent is a segment in memory of its own, without its stamp.
type sent struct {
	src, dst   reassembly.Endpoint
	seq, ack   uint32
	flags      uint8
	window     uint16
	payload    string
	missing    int
	stampFrame uint64
}

func (s sent) String() string {
	return fmt.Sprintf("%v > %v seq %d ack %d flags %#x window %d: %d bytes, %d missing (frame %d)",
		s.src, s.dst, s.seq, s.ack, s.flags, s.window, len(s.payload), s.missing, s.stampFrame)
}

func sentOf(s *reassembly.Segment) sent {
	return sent{s.Src, s.Dst, s.Seq, s.Ack, s.Flags, s.Window, string(s.Payload), s.Missing, s.At.Frame}
}

// readPackets returns a capture's packets in memory of their own.
func readPackets(t testing.TB, name string) []capture.Packet {
	t.Helper()
	f, err := capture.OpenFiles([]string{filepath.Join("..", "..", "testdata", "pcaps", name)}, capture.FileOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var ps []capture.Packet
	var p capture.Packet
	for {
		err := f.Next(&p)
		if err == io.EOF {
			return ps
		}
		if err != nil {
			t.Fatal(err)
		}
		c := p
		c.Data = bytes.Clone(p.Data)
		ps = append(ps, c)
	}
}

func decodeAll(t testing.TB, ps []capture.Packet) []sent {
	t.Helper()
	d := NewDecoder(Options{})
	var seg reassembly.Segment
	var ss []sent
	for i := range ps {
		switch v := d.Decode(&ps[i], &seg); v {
		case TCP:
			if seg.At != (reassembly.Stamp{Time: ps[i].Time, Frame: ps[i].Frame}) {
				t.Fatalf("packet %d: stamp %v", i+1, seg.At)
			}
			ss = append(ss, sentOf(&seg))
		case Fragment:
		default:
			t.Fatalf("packet %d: %v", i+1, v)
		}
	}
	return ss
}

// equalSent compares without frame numbers.
func equalSent(t testing.TB, got, want []sent) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d segments, want %d", len(got), len(want))
	}
	for i := range got {
		g, w := got[i], want[i]
		g.stampFrame, w.stampFrame = 0, 0
		if g != w {
			t.Fatalf("segment %d:\n%v, want\n%v", i+1, g, w)
		}
	}
}

// ipPackets returns the IP packets of an Ethernet capture, without padding.
func ipPackets(t testing.TB, name string) [][]byte {
	t.Helper()
	var ips [][]byte
	for _, p := range readPackets(t, name) {
		b := p.Data[14:]
		n := int(be.Uint16(b[2:]))
		if b[0]>>4 == 6 {
			n = 40 + int(be.Uint16(b[4:]))
		}
		ips = append(ips, b[:n:n])
	}
	return ips
}

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func u16(v int) []byte { return be.AppendUint16(nil, uint16(v)) }
func u32(v int) []byte { return be.AppendUint32(nil, uint32(v)) }

// typeOf is the EtherType of an IP packet.
func typeOf(ip []byte) []byte {
	if ip[0]>>4 == 6 {
		return u16(etherIPv6)
	}
	return u16(etherIPv4)
}

var macs = []byte("\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02")

// eth puts an Ethernet header before b, whose EtherType is given.
func eth(t, b []byte) []byte { return join(macs, t, b) }

// ipv4 puts an IPv4 header before b.
func ipv4(proto byte, b []byte) []byte {
	return join([]byte{0x45, 0}, u16(20+len(b)), []byte{0, 1, 0x40, 0, 64, proto, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2}, b)
}

// ipv6 puts an IPv6 header before b.
func ipv6(next byte, b []byte) []byte {
	a := make([]byte, 32)
	copy(a, "\x20\x01\x0d\xb8")
	copy(a[16:], "\x20\x01\x0d\xb8")
	a[15], a[31] = 1, 2
	return join([]byte{0x60, 0, 0, 0}, u16(len(b)), []byte{next, 64}, a, b)
}

func udp(port int, b []byte) []byte { return join(u16(40000), u16(port), u16(8+len(b)), u16(0), b) }

func gre(flags, proto int, b []byte) []byte { return ipv4(protoGRE, join(u16(flags), u16(proto), b)) }

// protoOf is the IP protocol number of an IP packet inside IP.
func protoOf(ip []byte) byte {
	if ip[0]>>4 == 6 {
		return protoIPv6
	}
	return protoIPv4
}

// tcpSegment builds a TCP segment from port 1000 to 5432.
func tcpSegment(payload string) []byte {
	h := join(u16(1000), u16(5432), u32(7), u32(9), []byte{0x50, 0x18}, u16(512), u32(0))
	return append(h, payload...)
}

// insertIPv6 puts extension headers behind an IPv6 header. ext must end before
// the next header's number is needed: its first byte is set here.
func insertIPv6(ip []byte, kind byte, ext []byte) []byte {
	ext = bytes.Clone(ext)
	ext[0] = ip[6]
	out := join(ip[:40], ext, ip[40:])
	out[6] = kind
	binary.BigEndian.PutUint16(out[4:], uint16(len(out)-40))
	return out
}

func packetOf(link uint16, data []byte) *capture.Packet {
	return &capture.Packet{Data: data, OrigLen: len(data), LinkType: link, Frame: 1, Time: 1e18}
}
