// Package fromgopacket takes what gopacket has decoded into a reassembly. It is apart from
// pkg/reassembly since gopacket's layers, all of which come with any of them, are more
// than a megabyte of a program and eight of its memory.
package fromgopacket

import (
	"encoding/binary"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// Segment makes a reassembly.Segment of a packet that gopacket decoded. Frame
// is left for the caller to number. The payload is the layers' own memory. It
// returns false where network is neither IPv4 nor IPv6.
//
// What the snap length cut off is told from the IP header's length, which
// hosts with segmentation offload write as 0 for the largest segments: then
// nothing is taken to be missing.
func Segment(network gopacket.NetworkLayer, tcp *layers.TCP, ci gopacket.CaptureInfo) (reassembly.Segment, bool) {
	var src, dst reassembly.Addr
	var length int // of the TCP header and its payload, as sent
	var id uint32
	switch ip := network.(type) {
	case *layers.IPv4:
		src, dst = addrFromBytes(ip.SrcIP), addrFromBytes(ip.DstIP)
		if id = uint32(ip.Id); id != 0 {
			id |= 1 << 16
		}
		if int(ip.Length) > int(ip.IHL)*4 {
			length = int(ip.Length) - int(ip.IHL)*4
		}
	case *layers.IPv6:
		src, dst = addrFromBytes(ip.SrcIP), addrFromBytes(ip.DstIP)
		if ip.Length > 0 {
			length = int(ip.Length) - ipv6Extensions(ip)
		}
	default:
		return reassembly.Segment{}, false
	}
	payload, missing := tcp.Payload, 0
	if length > 0 {
		length -= int(tcp.DataOffset) * 4
		missing = max(length-len(payload), 0)
		payload = payload[:min(len(payload), max(length, 0))] // no padding of the link
	}
	return reassembly.Segment{
		Src:     reassembly.Endpoint{Addr: src, Port: uint16(tcp.SrcPort)},
		Dst:     reassembly.Endpoint{Addr: dst, Port: uint16(tcp.DstPort)},
		Seq:     tcp.Seq,
		Ack:     tcp.Ack,
		Flags:   flagsOf(tcp),
		Window:  tcp.Window,
		Payload: payload,
		Missing: missing,
		Options: options(tcp),
		ID:      id,
		At:      reassembly.Stamp{Time: ci.Timestamp.UnixNano()},
	}, true
}

// ipv6Extensions is the length of the extension headers before the TCP header.
func ipv6Extensions(ip *layers.IPv6) int {
	next, b, n := ip.NextHeader, ip.Payload, 0
	if ip.HopByHop != nil {
		// gopacket decodes this one together with the fixed header.
		next, n = ip.HopByHop.NextHeader, ip.HopByHop.ActualLength
	}
	for len(b) >= 8 {
		size := 0
		switch next {
		case layers.IPProtocolIPv6Routing, layers.IPProtocolIPv6Destination:
			size = 8 + int(b[1])*8
		case layers.IPProtocolIPv6Fragment:
			size = 8
		case layers.IPProtocolAH:
			size = 8 + int(b[1])*4
		}
		if size == 0 || size > len(b) {
			break
		}
		next, b = layers.IPProtocol(b[0]), b[size:]
		n += size
	}
	return n
}

// options are the bytes of the header after the fixed part.
func options(tcp *layers.TCP) []byte {
	if len(tcp.Contents) <= 20 {
		return nil
	}
	return tcp.Contents[20:]
}

func flagsOf(tcp *layers.TCP) uint8 {
	var f uint8
	for _, b := range [...]struct {
		set  bool
		flag uint8
	}{{tcp.FIN, reassembly.FIN}, {tcp.SYN, reassembly.SYN}, {tcp.RST, reassembly.RST}, {tcp.PSH, reassembly.PSH}, {tcp.ACK, reassembly.ACK}} {
		if b.set {
			f |= b.flag
		}
	}
	return f
}

// v4Prefix begins IPv4 addresses as IPv6 has them.
const v4Prefix = 0xffff << 32

func addrFromBytes(ip []byte) reassembly.Addr {
	switch len(ip) {
	case 4:
		return reassembly.Addr{Lo: v4Prefix | uint64(binary.BigEndian.Uint32(ip))}
	case 16:
		return reassembly.Addr{Hi: binary.BigEndian.Uint64(ip[:8]), Lo: binary.BigEndian.Uint64(ip[8:])}
	}
	return reassembly.Addr{}
}
