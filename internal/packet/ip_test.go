package packet

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/fromgopacket"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// TCP and IP headers as gopacket's layers see them.
func TestAgreesWithGopacket(t *testing.T) {
	for _, name := range []string{"base_mix.pcap", "ipv6.pcap", "linux_sll.pcap", "nanosecond.pcap"} {
		ps := readPackets(t, name)
		var want []sent
		for _, p := range ps {
			gp := gopacket.NewPacket(p.Data, layers.LinkType(p.LinkType), gopacket.NoCopy)
			tcp, ok := gp.TransportLayer().(*layers.TCP)
			if !ok {
				continue
			}
			seg, ok := fromgopacket.Segment(gp.NetworkLayer(), tcp, gopacket.CaptureInfo{})
			if !ok {
				t.Fatal("gopacket found no IP")
			}
			want = append(want, sentOf(&seg))
		}
		if len(want) < 10 {
			t.Fatalf("%s: gopacket sees %d segments", name, len(want))
		}
		equalSent(t, decodeAll(t, ps), want)
	}
}

// SLL2, which gopacket does not know: the same conversation as with raw IP.
func TestLinuxSLL2Capture(t *testing.T) {
	ps := readPackets(t, "linux_sll2.pcap")
	got := decodeAll(t, ps)
	if len(got) != 37 {
		t.Fatalf("%d segments", len(got))
	}
	for i, p := range ps {
		tcp, ok := gopacket.NewPacket(p.Data[20:], layers.LayerTypeIPv4, gopacket.NoCopy).TransportLayer().(*layers.TCP)
		if !ok || tcp.Seq != got[i].seq || string(tcp.Payload) != got[i].payload {
			t.Fatalf("packet %d differs: %v", i+1, got[i])
		}
	}
}

// Offloaded segments say nothing of their length.
func TestLengthZero(t *testing.T) {
	const payload = "the whole payload"
	four := ipv4(protoTCP, tcpSegment(payload))
	be.PutUint16(four[2:], 0)
	six := ipv6(protoTCP, tcpSegment(payload))
	be.PutUint16(six[4:], 0)
	for _, ip := range [][]byte{four, six} {
		for _, c := range []struct {
			captured, orig int // beyond or below the packet's end
			fcs            uint8
			trailer        string
			payload        string
			missing        int
		}{
			{payload: payload},
			{captured: -5, payload: payload[:12], missing: 5},
			{captured: -5, orig: 100, payload: payload[:12], missing: 105},
			{fcs: 4, trailer: "FCS!", payload: payload},
			{fcs: 4, trailer: "FCS!", captured: -2, payload: payload},
			{fcs: 4, trailer: "FCS!", captured: -6, payload: payload[:15], missing: 2},
		} {
			frame := eth(typeOf(ip), append(bytes.Clone(ip), c.trailer...))
			p := packetOf(linkEthernet, frame[:len(frame)+c.captured])
			p.OrigLen = len(frame) + c.orig
			p.FCSLen = c.fcs
			var seg reassembly.Segment
			if v := NewDecoder(Options{}).Decode(p, &seg); v != TCP || string(seg.Payload) != c.payload || seg.Missing != c.missing {
				t.Errorf("%+v: %v %q, %d missing", c, v, seg.Payload, seg.Missing)
			}
		}
	}
}

// With a length in the header, what is said of frame check sequences is moot.
func TestLengthBeatsFrameCheckSequence(t *testing.T) {
	p := packetOf(linkEthernet, eth(u16(etherIPv4), ipv4(protoTCP, tcpSegment("whole"))))
	p.FCSLen = 4
	var seg reassembly.Segment
	if v := NewDecoder(Options{}).Decode(p, &seg); v != TCP || string(seg.Payload) != "whole" {
		t.Errorf("%v %q", v, seg.Payload)
	}
}

func TestJumbogram(t *testing.T) {
	payload := string(bytes.Repeat([]byte("j"), 100_000))
	hop := []byte{0, 0, 0xc2, 4, 0, 0, 0, 0}
	ip := insertIPv6(ipv6(protoTCP, tcpSegment(payload)), protoHopByHop, hop)
	be.PutUint16(ip[4:], 0)
	be.PutUint32(ip[44:], uint32(len(ip)-40))
	frame := eth(typeOf(ip), join(ip, []byte("FCS!")))
	for _, n := range []int{len(frame), len(frame) - 1000} {
		var seg reassembly.Segment
		v := NewDecoder(Options{}).Decode(packetOf(linkEthernet, frame[:n]), &seg)
		if want := min(n-14-48-20, len(payload)); v != TCP || len(seg.Payload) != want || seg.Missing != len(payload)-want {
			t.Errorf("%d bytes: %v, %d and %d missing", n, v, len(seg.Payload), seg.Missing)
		}
	}
}

func TestIPv6ExtensionHeaders(t *testing.T) {
	ip := ipv6(protoTCP, tcpSegment("payload"))
	final := netip.MustParseAddr("2001:db8::99")
	a := final.As16()
	segments := join([]byte{0, 4, segmentRouting, 1, 1, 0, 0, 0}, a[:], make([]byte, 16))
	source := join([]byte{0, 4, 0, 2, 0, 0, 0, 0}, make([]byte, 16), a[:])
	arrived := bytes.Clone(segments)
	arrived[3] = 0
	here := netip.MustParseAddr("2001:db8::2")
	for _, c := range []struct {
		name string
		ip   []byte
		dst  netip.Addr
	}{
		{"hop-by-hop", insertIPv6(ip, protoHopByHop, []byte{0, 0, 5, 2, 0, 0, 1, 0}), here},
		{"destination options", insertIPv6(ip, protoDestOpts, make([]byte, 8)), here},
		{"mobility", insertIPv6(ip, protoMobility, make([]byte, 8)), here},
		{"authentication", insertIPv6(ip, protoAH, join([]byte{0, 4}, make([]byte, 22))), here},
		{"atomic fragment", insertIPv6(ip, protoFragment, make([]byte, 8)), here},
		{"segment routing under way", insertIPv6(ip, protoRouting, segments), final},
		{"segment routing at its end", insertIPv6(ip, protoRouting, arrived), here},
		{"source route", insertIPv6(ip, protoRouting, source), final},
		{"several", insertIPv6(insertIPv6(insertIPv6(ip, protoDestOpts, make([]byte, 8)), protoRouting, arrived), protoHopByHop, make([]byte, 8)), here},
	} {
		var seg reassembly.Segment
		v := NewDecoder(Options{}).Decode(packetOf(linkIPv6, c.ip), &seg)
		if v != TCP || string(seg.Payload) != "payload" || seg.Dst.Addr.Addr() != c.dst || seg.Dst.Port != 5432 {
			t.Errorf("%s: %v %q to %v", c.name, v, seg.Payload, seg.Dst)
		}
	}
}

const segmentRouting = 4

func TestHeaderOptions(t *testing.T) {
	options := tcpSegment("payload")
	options = join(options[:20], []byte{0xff, 0, 2, 1, 3, 77, 0, 0}, options[20:]) // lengths of no option
	options[12] = 0x70
	ip := ipv4(protoTCP, options)
	ip = join(ip[:20], []byte{0x94, 4, 0, 0}, ip[20:]) // router alert
	ip[0] = 0x46
	be.PutUint16(ip[2:], uint16(len(ip)))
	var seg reassembly.Segment
	if v := NewDecoder(Options{}).Decode(packetOf(linkIPv4, ip), &seg); v != TCP || string(seg.Payload) != "payload" {
		t.Fatalf("%v %q", v, seg.Payload)
	}
	want := reassembly.Segment{
		Src: seg.Src, Dst: seg.Dst, Seq: 7, Ack: 9, Flags: reassembly.PSH | reassembly.ACK, Window: 512,
	}
	if seg.Seq != want.Seq || seg.Ack != want.Ack || seg.Flags != want.Flags || seg.Window != want.Window ||
		seg.Src.String() != "192.0.2.1:1000" || seg.Dst.String() != "192.0.2.2:5432" {
		t.Errorf("%+v", seg)
	}
}

func TestVerdicts(t *testing.T) {
	tcp := func(change func(b []byte)) []byte {
		b := ipv4(protoTCP, tcpSegment("abc"))
		change(b)
		return b
	}
	for _, c := range []struct {
		name string
		link uint16
		data []byte
		want Verdict
	}{
		{"nothing", linkEthernet, nil, Malformed},
		{"ARP", linkEthernet, eth(u16(0x0806), make([]byte, 28)), NotIP},
		{"spanning tree", linkEthernet, eth(u16(38), join([]byte{0x42, 0x42, 3}, make([]byte, 35))), NotIP},
		{"PPPoE discovery", linkEthernet, eth(u16(etherPPPoE), []byte{0x11, 9, 0, 0, 0, 0, 0, 0}), NotIP},
		{"LCP", linkPPP, []byte{0xc0, 0x21, 1, 1, 0, 4}, NotIP},
		{"ICMP", linkRaw, ipv4(1, make([]byte, 8)), NotTCP},
		{"DNS", linkRaw, ipv4(protoUDP, udp(53, make([]byte, 60))), NotTCP},
		{"no VXLAN on its port", linkRaw, ipv4(protoUDP, udp(4789, make([]byte, 60))), NotTCP},
		{"GRE version 2", linkRaw, gre(2, etherIPv4, make([]byte, 60)), NotTCP},
		{"IP version 5", linkRaw, []byte{0x55, 0, 0, 0}, NotIP},
		{"AppleTalk on the loopback", linkNull, join([]byte{16, 0, 0, 0}, tcp(func([]byte) {})), NotIP},
		{"beacon", link80211, join([]byte{0x80, 0}, make([]byte, 40)), NotIP},
		{"encrypted 802.11", link80211, join([]byte{0x08, 0x41}, make([]byte, 60)), NotIP},
		{"USB", 220, make([]byte, 100), NotIP},
		{"unknown link type", 147, tcp(func([]byte) {}), UnknownLink},
		{"unknown link type beyond 255", 1 | 256, eth(u16(etherIPv4), tcp(func([]byte) {})), UnknownLink},
		{"PPI in PPI", linkPPI, join([]byte{0, 0, 8, 0, 192, 0, 0, 0}, make([]byte, 90)), UnknownLink},
		{"header length below 20", linkRaw, tcp(func(b []byte) { b[0] = 0x44 }), Malformed},
		{"header longer than the packet", linkRaw, tcp(func(b []byte) { be.PutUint16(b[2:], 19) }), Malformed},
		{"TCP header below 20", linkRaw, tcp(func(b []byte) { b[32] = 0x40 }), Malformed},
		{"TCP header beyond the packet", linkRaw, tcp(func(b []byte) { b[32] = 0x60 }), Malformed},
		{"TCP header cut off by IP's length", linkRaw, tcp(func(b []byte) { be.PutUint16(b[2:], 30) }), Malformed},
		{"extension header beyond the packet", linkRaw, ipv6(protoHopByHop, []byte{6, 9, 0, 0, 0, 0, 0, 0}), Malformed},
		{"ESP", linkRaw, ipv6(50, make([]byte, 40)), NotTCP},
		{"no next header", linkRaw, ipv6(59, nil), NotTCP},
		{"TCP", linkRaw, tcp(func([]byte) {}), TCP},
	} {
		var seg reassembly.Segment
		if v := NewDecoder(Options{}).Decode(packetOf(c.link, c.data), &seg); v != c.want {
			t.Errorf("%s: %v, want %v", c.name, v, c.want)
		}
	}
}

// An absurd length of the frame is not taken for missing payload.
func TestHostileOriginalLength(t *testing.T) {
	ip := ipv4(protoTCP, tcpSegment("abc"))
	be.PutUint16(ip[2:], 0)
	p := packetOf(linkRaw, ip)
	p.OrigLen = 1 << 31
	var seg reassembly.Segment
	if v := NewDecoder(Options{}).Decode(p, &seg); v != Malformed {
		t.Errorf("%v, %d missing", v, seg.Missing)
	}
}

func TestDecodeDoesNotAllocate(t *testing.T) {
	ip := ipPackets(t, "psql_simple.pcap")[20]
	for _, w := range wrappings() {
		p := packetOf(w.link, w.wrap(ip))
		d := NewDecoder(Options{})
		var seg reassembly.Segment
		if n := testing.AllocsPerRun(100, func() {
			if d.Decode(p, &seg) != TCP {
				t.Fatal("not TCP")
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", w.name, n)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	ips := ipPackets(b, "psql_simple.pcap")
	for _, w := range wrappings() {
		switch w.name {
		case "Ethernet", "VLAN", "SLL2", "null, little-endian", "VXLAN", "FDDI":
		default:
			continue
		}
		var ps []capture.Packet
		for _, ip := range ips {
			ps = append(ps, *packetOf(w.link, w.wrap(ip)))
		}
		b.Run(w.name, func(b *testing.B) {
			d := NewDecoder(Options{})
			var seg reassembly.Segment
			b.ReportAllocs()
			for i, k := 0, 0; i < b.N; i++ {
				d.Decode(&ps[k], &seg)
				if k++; k == len(ps) {
					k = 0
				}
			}
		})
	}
}

// Nothing panics, a segment lies within its packet or among what fragments
// brought, and never claims more than can be.
func FuzzDecode(f *testing.F) {
	ip := ipv4(protoTCP, tcpSegment("payload"))
	for _, w := range wrappings() {
		f.Add(w.link, w.wrap(ip), 200, uint8(4))
	}
	for _, p := range fragments4(ip, 8) {
		f.Add(uint16(linkRaw), p, 0, uint8(0))
	}
	six := ipv6(protoTCP, tcpSegment("payload"))
	f.Add(uint16(linkRaw), insertIPv6(six, protoRouting, join([]byte{0, 2, 4, 1, 0, 0, 0, 0}, make([]byte, 16))), 0, uint8(0))
	d := NewDecoder(Options{MaxDatagrams: 8, MaxFragmentBytes: 1 << 18})
	f.Fuzz(func(t *testing.T, link uint16, data []byte, orig int, fcs uint8) {
		p := &capture.Packet{Data: data, OrigLen: orig, LinkType: link, FCSLen: fcs, Frame: 1}
		var seg reassembly.Segment
		if v := d.Decode(p, &seg); v >= verdicts {
			t.Fatalf("verdict %d", v)
		} else if v == TCP && (seg.Missing < 0 || len(seg.Payload)+seg.Missing > maxSegment || seg.At.Frame != 1) {
			t.Fatalf("%+v", seg)
		}
		if d.frags.bytes > 1<<18+maxDatagram || len(d.frags.datagrams) > 8 {
			t.Fatalf("%d datagrams, %d bytes", len(d.frags.datagrams), d.frags.bytes)
		}
	})
}
