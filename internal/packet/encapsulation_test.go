package packet

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// wrapping puts link-layer headers and tunnels around an IP packet.
type wrapping struct {
	name string
	link uint16
	wrap func(ip []byte) []byte
}

var (
	label       = []byte{0, 0x10, 0x00, 64}
	labelBottom = []byte{0, 0x20, 0x01, 64}
	snapHeader  = []byte{0xaa, 0xaa, 3, 0, 0, 0}
	dataFrame   = join([]byte{0x08, 0x01, 0, 0}, macs, macs[:6], []byte{0x10, 0})
	qosFrame    = join([]byte{0x88, 0x01, 0, 0}, macs, macs[:6], []byte{0x10, 0}, []byte{0, 0})
	wdsFrame    = join([]byte{0x88, 0x83, 0, 0}, macs, macs[:6], []byte{0x10, 0}, macs[:6], []byte{0, 0}, []byte{1, 2, 3, 4})
)

func wrappings() []wrapping {
	return append(append(linkWrappings(), ethernetWrappings()...), tunnelWrappings()...)
}

func linkWrappings() []wrapping {
	raw := func(ip []byte) []byte { return ip }
	before := func(h string) func([]byte) []byte {
		return func(ip []byte) []byte { return join([]byte(h), ip) }
	}
	family := func(ip []byte, v4, v6 string) []byte {
		if ip[0]>>4 == 6 {
			return join([]byte(v6), ip)
		}
		return join([]byte(v4), ip)
	}
	ppp := func(ip []byte) []byte { return family(ip, "\x00\x21", "\x00\x57") }
	radiotap := "\x00\x00\x18\x00\x03\x00\x00\x80\x00\x00\x00\x00\x00\x00\x00\x00\x01\x02\x03\x04\x05\x06\x07\x08"
	ws := []wrapping{
		{"null, little-endian", 0, func(ip []byte) []byte { return family(ip, "\x02\x00\x00\x00", "\x1e\x00\x00\x00") }},
		{"null, big-endian", 0, func(ip []byte) []byte { return family(ip, "\x00\x00\x00\x02", "\x00\x00\x00\x18") }},
		{"loop", 108, func(ip []byte) []byte { return family(ip, "\x00\x00\x00\x02", "\x00\x00\x00\x18") }},
		{"enc", 109, before(strings.Repeat("\x00", 12))},
		{"SLL", 113, func(ip []byte) []byte { return join(make([]byte, 14), typeOf(ip), ip) }},
		{"SLL with a VLAN tag", 113, func(ip []byte) []byte {
			return join(make([]byte, 14), u16(etherVLAN), u16(7), typeOf(ip), ip)
		}},
		{"SLL2", 276, func(ip []byte) []byte { return join(typeOf(ip), make([]byte, 18), ip) }},
		{"PPP", 9, ppp},
		{"PPP in HDLC-like framing", 9, func(ip []byte) []byte { return join([]byte{0xff, 3}, ppp(ip)) }},
		{"PPP with a compressed protocol", 9, func(ip []byte) []byte { return ppp(ip)[1:] }},
		{"PPP over serial", 50, func(ip []byte) []byte { return join([]byte{0xff, 3}, ppp(ip)) }},
		{"Cisco HDLC over serial", 50, func(ip []byte) []byte { return join([]byte{0x0f, 0}, typeOf(ip), ip) }},
		{"Cisco HDLC", 104, func(ip []byte) []byte { return join([]byte{0x0f, 0}, typeOf(ip), ip) }},
		{"PPPoE without Ethernet", 51, func(ip []byte) []byte { return join([]byte{0x11, 0, 0, 1}, u16(len(ip)+2), ppp(ip)) }},
		{"pppd", 166, func(ip []byte) []byte { return join([]byte{1, 3}, ppp(ip)) }},
		{"PPP with direction", 204, func(ip []byte) []byte { return join([]byte{0, 0xff, 3}, ppp(ip)) }},
		{"802.11", 105, func(ip []byte) []byte { return join(dataFrame, snapHeader, typeOf(ip), ip) }},
		{"802.11 with QoS", 105, func(ip []byte) []byte { return join(qosFrame, snapHeader, typeOf(ip), ip) }},
		{"802.11 between access points", 105, func(ip []byte) []byte { return join(wdsFrame, snapHeader, typeOf(ip), ip) }},
		{"radiotap", 127, func(ip []byte) []byte {
			return join([]byte(radiotap), qosFrame, snapHeader, typeOf(ip), ip)
		}},
		{"radiotap with padding and FCS", 127, func(ip []byte) []byte {
			h := []byte(radiotap)
			h[7] = 0 // one word of flags: TSFT, flags
			h[16] = 0x30
			return join(h, qosFrame, []byte{0, 0}, snapHeader, typeOf(ip), ip, []byte("FCS!"))
		}},
		{"AVS", 163, func(ip []byte) []byte {
			return join(u32(0x80211001), u32(64), make([]byte, 56), dataFrame, snapHeader, typeOf(ip), ip)
		}},
		{"PPI with Ethernet", 192, func(ip []byte) []byte {
			return join([]byte{0, 0, 8, 0, 1, 0, 0, 0}, eth(typeOf(ip), ip))
		}},
		{"pktap with Ethernet", 258, func(ip []byte) []byte {
			h := make([]byte, 108)
			h[0], h[4], h[8] = 108, 1, 1
			return join(h, eth(typeOf(ip), ip))
		}},
		{"netfilter log", 239, func(ip []byte) []byte {
			fam := byte(2)
			if ip[0]>>4 == 6 {
				fam = 10
			}
			attr := []byte{8, 0, 1, 0, 8, 0, 0, 0, 5, 0, 10, 0, 'x', 0, 0, 0}
			return join([]byte{fam, 0, 0, 0}, attr, le.AppendUint16(nil, uint16(4+len(ip))), []byte{9, 0}, ip)
		}},
		{"FDDI", 10, func(ip []byte) []byte { return join([]byte{0x50}, macs, snapHeader, typeOf(ip), ip) }},
		{"Prism", 119, func(ip []byte) []byte {
			h := make([]byte, 144)
			le.PutUint32(h, 0x44)
			le.PutUint32(h[4:], 144)
			return join(h, dataFrame, snapHeader, typeOf(ip), ip)
		}},
		{"Prism, big-endian", 119, func(ip []byte) []byte {
			h := make([]byte, 144)
			be.PutUint32(h, 0x41)
			be.PutUint32(h[4:], 144)
			return join(h, dataFrame, snapHeader, typeOf(ip), ip)
		}},
		{"PF log", 117, func(ip []byte) []byte {
			h := make([]byte, 64)
			h[0], h[1] = 61, 2
			if ip[0]>>4 == 6 {
				h[1] = 30
			}
			return join(h, ip)
		}},
	}
	for _, t := range []uint16{12, 14, 101} {
		ws = append(ws, wrapping{"raw", t, raw})
	}
	return ws
}

func ethernetWrappings() []wrapping {
	inEth := func(t int, h ...[]byte) func([]byte) []byte {
		return func(ip []byte) []byte { return eth(u16(t), join(join(h...), typeOf(ip), ip)) }
	}
	return []wrapping{
		{"Ethernet", 1, func(ip []byte) []byte { return eth(typeOf(ip), ip) }},
		{"VLAN", 1, inEth(etherVLAN, u16(100))},
		{"QinQ", 1, inEth(etherQinQ, u16(1), u16(etherVLAN), u16(2))},
		{"QinQ 9100", 1, inEth(etherQinQ91, u16(1), u16(etherVLAN), u16(2))},
		{"QinQ 9200", 1, inEth(etherQinQ92, u16(1), u16(etherVLAN), u16(2))},
		{"four tags", 1, inEth(etherVLAN, u16(1), u16(etherVLAN), u16(2), u16(etherVLAN), u16(3), u16(etherVLAN), u16(4))},
		{"VN tag", 1, inEth(etherVNTag, u32(5))},
		{"provider backbone", 1, inEth(etherPBB, u32(5), macs)},
		{"SNAP", 1, func(ip []byte) []byte { return eth(u16(min(len(ip)+8, 1500)), join(snapHeader, typeOf(ip), ip)) }},
		{"MPLS", 1, func(ip []byte) []byte { return eth(u16(etherMPLS), join(label, label, labelBottom, ip)) }},
		{"MPLS pseudowire", 1, func(ip []byte) []byte {
			return eth(u16(etherMPLS), join(labelBottom, u32(0), eth(typeOf(ip), ip)))
		}},
		{"MPLS pseudowire without control word", 1, func(ip []byte) []byte {
			return eth(u16(etherMPLSMulti), join(labelBottom, eth(typeOf(ip), ip)))
		}},
		{"PPPoE", 1, func(ip []byte) []byte {
			proto := []byte{0, 0x21}
			if ip[0]>>4 == 6 {
				proto[1] = 0x57
			}
			return eth(u16(etherPPPoE), join([]byte{0x11, 0, 0, 1}, u16(len(ip)+2), proto, ip))
		}},
		{"padding and FCS", 1, func(ip []byte) []byte { return eth(typeOf(ip), join(ip, make([]byte, 10))) }},
	}
}

func tunnelWrappings() []wrapping {
	over := func(wrap func(ip []byte) []byte) func([]byte) []byte {
		return func(ip []byte) []byte { out := wrap(ip); return eth(typeOf(out), out) }
	}
	frame := func(ip []byte) []byte { return eth(typeOf(ip), ip) }
	greOf := func(flags int, fields ...[]byte) func([]byte) []byte {
		return over(func(ip []byte) []byte { return gre(flags, int(be.Uint16(typeOf(ip))), join(join(fields...), ip)) })
	}
	vxlan := func(ip []byte) []byte { return join([]byte{8, 0, 0, 0, 0, 0, 42, 0}, frame(ip)) }
	erspan3 := func(flags byte, b []byte) []byte {
		h := join([]byte{0x20, 1, 0, 9}, u32(12345), []byte{0, 0, 0, flags})
		return join(h, b)
	}
	return []wrapping{
		{"GRE", 1, greOf(0)},
		{"GRE with key", 1, greOf(greKey, u32(1))},
		{"GRE with all fields", 1, greOf(greChecksum|greKey|greSequence, u32(1), u32(2), u32(3))},
		{"GRE with routes", 1, greOf(greRouting|greChecksum, u32(1), []byte{8, 0, 0, 4}, u32(9), u32(0))},
		{"GRE with Ethernet", 1, over(func(ip []byte) []byte { return gre(0, etherBridged, frame(ip)) })},
		{"GRE over IPv6", 1, over(func(ip []byte) []byte {
			return ipv6(protoGRE, join(u16(0), typeOf(ip), ip))
		})},
		{"GRE with MPLS", 1, over(func(ip []byte) []byte { return gre(0, etherMPLS, join(labelBottom, ip)) })},
		{"PPTP", 1, over(func(ip []byte) []byte {
			proto := []byte{0xff, 3, 0, 0x21}
			if ip[0]>>4 == 6 {
				proto[3] = 0x57
			}
			return gre(greKey|greSequence|greAck|1, etherPPP, join(u32(1), u32(2), u32(3), proto, ip))
		})},
		{"ERSPAN I", 1, over(func(ip []byte) []byte { return gre(0, etherERSPAN, frame(ip)) })},
		{"ERSPAN II", 1, over(func(ip []byte) []byte {
			return gre(greSequence, etherERSPAN, join(u32(1), []byte{0x10, 1, 0, 9, 0, 0, 0, 1}, frame(ip)))
		})},
		{"ERSPAN III", 1, over(func(ip []byte) []byte {
			return gre(greSequence, etherERSPAN3, join(u32(1), erspan3(0, frame(ip))))
		})},
		{"ERSPAN III with subheader", 1, over(func(ip []byte) []byte {
			return gre(greSequence, etherERSPAN3, join(u32(1), erspan3(1, join(u32(3), u32(4), frame(ip)))))
		})},
		{"VXLAN", 1, over(func(ip []byte) []byte { return ipv4(protoUDP, udp(4789, vxlan(ip))) })},
		{"VXLAN on Linux's port, IPv6", 1, over(func(ip []byte) []byte { return ipv6(protoUDP, udp(8472, vxlan(ip))) })},
		{"GENEVE with options", 1, over(func(ip []byte) []byte {
			h := []byte{2, 0, 0x65, 0x58, 0, 0, 42, 0, 1, 2, 3, 4, 5, 6, 7, 8}
			return ipv4(protoUDP, udp(6081, join(h, frame(ip))))
		})},
		{"GENEVE with IP", 1, over(func(ip []byte) []byte {
			return ipv4(protoUDP, udp(6081, join([]byte{0, 0}, typeOf(ip), []byte{0, 0, 42, 0}, ip)))
		})},
		{"MPLS in UDP", 1, over(func(ip []byte) []byte { return ipv4(protoUDP, udp(6635, join(label, labelBottom, ip))) })},
		{"MPLS in IP", 1, over(func(ip []byte) []byte { return ipv4(protoMPLS, join(labelBottom, ip)) })},
		{"in IPv4", 1, over(func(ip []byte) []byte { return ipv4(protoOf(ip), ip) })},
		{"in IPv6", 1, over(func(ip []byte) []byte { return ipv6(protoOf(ip), ip) })},
		{"EtherIP", 1, over(func(ip []byte) []byte { return ipv4(protoEtherIP, join([]byte{0x30, 0}, frame(ip))) })},
		{"Ethernet in IPv6", 1, over(func(ip []byte) []byte { return ipv6(protoEthernet, frame(ip)) })},
		{"authentication header", 1, over(func(ip []byte) []byte {
			return ipv4(protoAH, join([]byte{protoOf(ip), 4, 0, 0}, make([]byte, 20), ip))
		})},
		{"VXLAN in GRE in IPv6, tagged", 276, func(ip []byte) []byte {
			b := ipv6(protoIPv4, gre(greKey, etherIPv4, join(u32(1), ipv4(protoUDP, udp(4789, vxlan(ip))))))
			return join(u16(etherQinQ), make([]byte, 18), u16(1), typeOf(b), b)
		}},
	}
}

// Whatever is around them, the segments of a capture stay the same.
func TestEncapsulations(t *testing.T) {
	for _, name := range []string{"psql_simple.pcap", "ipv6.pcap"} {
		base := readPackets(t, name)
		want := decodeAll(t, base)
		if len(want) != len(base) {
			t.Fatalf("%s: %d segments of %d packets", name, len(want), len(base))
		}
		ips := ipPackets(t, name)
		for _, w := range wrappings() {
			t.Run(name+"/"+w.name, func(t *testing.T) {
				ps := make([]capture.Packet, len(ips))
				for i, ip := range ips {
					ps[i] = *packetOf(w.link, w.wrap(ip))
				}
				equalSent(t, decodeAll(t, ps), want)
			})
		}
	}
}

// A snap length anywhere: either a header is gone, or the payload's beginning
// is there and the rest is counted. The capture's own word for the frame's
// length is not needed.
func TestEncapsulationsCutAtEveryByte(t *testing.T) {
	const payload = "0123456789abcdef"
	for _, ip := range [][]byte{ipv4(protoTCP, tcpSegment(payload)), ipv6(protoTCP, tcpSegment(payload))} {
		for _, w := range wrappings() {
			whole := w.wrap(ip)
			d := NewDecoder(Options{})
			var seg reassembly.Segment
			found := 0
			for n := range len(whole) + 1 {
				p := packetOf(w.link, whole[:n:n])
				if n%2 == 0 {
					p.OrigLen = len(whole)
				}
				if d.Decode(p, &seg) != TCP {
					if found > 0 {
						t.Fatalf("%s: %d bytes are enough, but %d are not", w.name, n-1, n)
					}
					continue
				}
				found++
				if !strings.HasPrefix(payload, string(seg.Payload)) || len(seg.Payload)+seg.Missing != len(payload) {
					t.Fatalf("%s, cut at %d of %d: %q and %d missing", w.name, n, len(whole), seg.Payload, seg.Missing)
				}
			}
			if want := len(payload) + 1; found < want {
				t.Fatalf("%s: %d cuts give a segment, want %d", w.name, found, want)
			}
		}
	}
}

func TestNestingIsBounded(t *testing.T) {
	ip := ipv4(protoTCP, tcpSegment("x"))
	for i := range 1000 {
		var seg reassembly.Segment
		v := NewDecoder(Options{}).Decode(packetOf(linkRaw, ip), &seg)
		if want := map[bool]Verdict{true: TCP, false: NotTCP}[i <= maxDepth]; v != want {
			t.Fatalf("%d tunnels: %v, want %v", i, v, want)
		}
		ip = ipv4(protoIPv4, ip)
	}
	// Label stacks, tags and link headers in a frame as long as one can be.
	for _, b := range [][]byte{
		eth(u16(etherMPLS), bytes.Repeat(label, 1<<18)),
		eth(u16(etherVLAN), bytes.Repeat(join(u16(1), u16(etherVLAN)), 1<<18)),
		eth(u16(etherMPLS), bytes.Repeat(join(labelBottom, macs, u16(etherVLAN), u16(1), u16(etherMPLS)), 1<<15)),
		eth(u16(etherPPPoE), bytes.Repeat(join([]byte{0x11, 0, 0, 0, 0, 0, 0x0f, 0}, u16(etherPPPoE)), 1<<16)),
	} {
		var seg reassembly.Segment
		if v := NewDecoder(Options{}).Decode(packetOf(linkEthernet, b), &seg); v == TCP {
			t.Error("a segment out of nothing")
		}
	}
}
