package packet

import (
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// gopacketLink leaves the link layer to gopacket's layers (FDDI, PF log, Prism
// and others) and decodes by hand from the first IP header on.
func (d *Decoder) gopacketLink(t uint16, b bytesOf, seg *reassembly.Segment) Verdict {
	link, ok := gopacketLinkType(t)
	if !ok {
		return UnknownLink
	}
	// NewPacket turns the layers' panics into an error layer; without the copy
	// its layers are parts of our own bytes.
	p := gopacket.NewPacket(b.data, link, gopacket.DecodeOptions{Lazy: true, NoCopy: true})
	v := p.Layer(layers.LayerTypeIPv4)
	if v == nil {
		v = p.Layer(layers.LayerTypeIPv6)
	}
	if v == nil {
		return NotIP
	}
	at, ok := offsetIn(b.data, v.LayerContents())
	if !ok {
		return NotIP
	}
	return d.ip(b.from(at), seg)
}

// gopacketLinkType narrows to gopacket's 8 bits, and to the link types for
// which it has a decoder.
func gopacketLinkType(t uint16) (layers.LinkType, bool) {
	if t > 255 {
		return 0, false
	}
	l := layers.LinkType(t)
	if layers.LinkTypeMetadata[l].DecodeWith == nil || layers.LinkTypeMetadata[l].Name == "UnknownLinkType" {
		return 0, false
	}
	return l, true
}

// offsetIn finds where part begins, a slice of whole's memory: two slices of
// one array that have not been shortened in capacity end at the same place.
func offsetIn(whole, part []byte) (int, bool) {
	at := cap(whole) - cap(part)
	if len(part) == 0 || at < 0 || at >= len(whole) || &whole[at] != &part[0] {
		return 0, false
	}
	return at, true
}
