package fromgopacket_test

import (
	"net"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pgsniff/pgsniff/pkg/fromgopacket"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// packetOf serializes layers and decodes as many bytes of them as the snap
// length leaves, and some padding if pad is set.
func packetOf(t *testing.T, snap int, pad int, ls ...gopacket.SerializableLayer) gopacket.Packet {
	t.Helper()
	buf := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(buf, gopacket.SerializeOptions{FixLengths: true}, ls...); err != nil {
		t.Fatal(err)
	}
	b := append(append([]byte(nil), buf.Bytes()...), make([]byte, pad)...)
	if snap > 0 {
		b = b[:snap]
	}
	return gopacket.NewPacket(b, layers.LayerTypeEthernet, gopacket.Default)
}

func TestSegment(t *testing.T) {
	eth4 := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv4}
	eth6 := &layers.Ethernet{SrcMAC: make(net.HardwareAddr, 6), DstMAC: make(net.HardwareAddr, 6), EthernetType: layers.EthernetTypeIPv6}
	ip4 := &layers.IPv4{Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP, SrcIP: net.IP{10, 0, 0, 1}, DstIP: net.IP{10, 0, 0, 2}}
	ip6 := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolTCP, SrcIP: net.ParseIP("2001:db8::1"), DstIP: net.ParseIP("2001:db8::2")}
	ip6Dest := &layers.IPv6{Version: 6, HopLimit: 64, NextHeader: layers.IPProtocolIPv6Destination, SrcIP: ip6.SrcIP, DstIP: ip6.DstIP}
	// A destination options header of 8 bytes: next header TCP, PadN.
	destination := gopacket.Payload([]byte{6, 0, 1, 4, 0, 0, 0, 0})
	tcp := &layers.TCP{
		SrcPort: 40000, DstPort: 5432, Seq: 100, Ack: 200, Window: 300, ACK: true, PSH: true, FIN: true,
		Options: []layers.TCPOption{{OptionType: layers.TCPOptionKindNop}, {OptionType: layers.TCPOptionKindNop}},
	}
	text := gopacket.Payload("0123456789")
	tcpBytes := gopacket.NewSerializeBuffer()
	if err := gopacket.SerializeLayers(tcpBytes, gopacket.SerializeOptions{FixLengths: true}, tcp, text); err != nil {
		t.Fatal(err)
	}
	whole := gopacket.Payload(tcpBytes.Bytes())
	for _, c := range []struct {
		name    string
		packet  gopacket.Packet
		src     string
		payload string
		missing int
	}{
		{"IPv4", packetOf(t, 0, 0, eth4, ip4, tcp, text), "10.0.0.1:40000", "0123456789", 0},
		{"IPv4, padded", packetOf(t, 0, 6, eth4, ip4, tcp, text), "10.0.0.1:40000", "0123456789", 0},
		{"IPv4, cut", packetOf(t, 14+20+24+4, 0, eth4, ip4, tcp, text), "10.0.0.1:40000", "0123", 6},
		{"IPv6", packetOf(t, 0, 0, eth6, ip6, tcp, text), "[2001:db8::1]:40000", "0123456789", 0},
		{"IPv6, padded", packetOf(t, 0, 6, eth6, ip6, tcp, text), "[2001:db8::1]:40000", "0123456789", 0},
		{"IPv6, cut", packetOf(t, 14+40+24+4, 0, eth6, ip6, tcp, text), "[2001:db8::1]:40000", "0123", 6},
		{"IPv6 with options", packetOf(t, 0, 0, eth6, ip6Dest, destination, whole), "[2001:db8::1]:40000", "0123456789", 0},
		{"IPv6 with options, cut", packetOf(t, 14+40+8+24+4, 0, eth6, ip6Dest, destination, whole), "[2001:db8::1]:40000", "0123", 6},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, ok := c.packet.TransportLayer().(*layers.TCP)
			if !ok {
				t.Fatalf("not decoded: %v", c.packet)
			}
			at := time.Unix(1700000000, 123)
			s, ok := fromgopacket.Segment(c.packet.NetworkLayer(), got, gopacket.CaptureInfo{Timestamp: at})
			if !ok {
				t.Fatal("refused")
			}
			if s.Src.String() != c.src || s.Dst.Port != 5432 || s.Seq != 100 || s.Ack != 200 || s.Window != 300 ||
				s.Flags != reassembly.ACK|reassembly.PSH|reassembly.FIN || string(s.Payload) != c.payload || s.Missing != c.missing || s.At.Time != at.UnixNano() {
				t.Errorf("got %+v", s)
			}
		})
	}
	if _, ok := fromgopacket.Segment(nil, tcp, gopacket.CaptureInfo{}); ok {
		t.Error("no network layer was taken")
	}
}
