package packet

import "github.com/pgsniff/pgsniff/pkg/reassembly"

// dot11 decodes a data frame of IEEE 802.11. Management and control frames,
// aggregates and encrypted frames are not IP to us. padded says that the header
// was padded to a multiple of 4 bytes.
//
// gopacket's layer takes the last four bytes for a frame check sequence, which
// captures mostly do not have.
func (d *Decoder) dot11(b bytesOf, padded bool, seg *reassembly.Segment) Verdict {
	const (
		typeData  = 2
		qos       = 0x8 // subtype bit
		nullData  = 0x4 // subtype bit: no body
		bothDS    = 0x03
		protected = 0x40
		order     = 0x80
		aMSDU     = 0x80 // of the QoS control field
	)
	h := b.data
	if len(h) < 24 {
		return Malformed
	}
	kind, subtype, flags := h[0]>>2&3, h[0]>>4, h[1]
	if kind != typeData || subtype&nullData != 0 || flags&protected != 0 {
		return NotIP
	}
	n := 24
	if flags&bothDS == bothDS { // between access points: a fourth address
		n += 6
	}
	if subtype&qos != 0 {
		if len(h) < n+2 {
			return Malformed
		}
		if h[n]&aMSDU != 0 {
			return NotIP
		}
		n += 2
		if flags&order != 0 { // HT control
			n += 4
		}
	}
	if padded {
		n = (n + 3) &^ 3
	}
	if len(h) < n {
		return Malformed
	}
	const fragmentNumber = 0x0f
	if len(h) > n && h[22]&fragmentNumber != 0 {
		return NotIP // a later fragment has no LLC header
	}
	t, ok := snap(h[n:])
	if !ok {
		return NotIP
	}
	return d.etherType(t, b.from(n+8), seg)
}

// radiotap takes off the header of that name (radiotap.org), of which it needs
// the flags: whether a frame check sequence follows and whether there is
// padding.
func (d *Decoder) radiotap(b bytesOf, seg *reassembly.Segment) Verdict {
	h := b.data
	if len(h) < 8 {
		return Malformed
	}
	n := int(le.Uint16(h[2:]))
	if n < 8 || n > len(h) {
		return Malformed
	}
	flags := radiotapFlags(h[:n])
	const hasFCS, dataPad = 0x10, 0x20
	if flags&hasFCS != 0 {
		d.fcs = 4
	}
	return d.dot11(b.from(n), flags&dataPad != 0, seg)
}

func radiotapFlags(h []byte) byte {
	const tsft, flags, more = 1 << 0, 1 << 1, 1 << 31
	at := 8
	present := le.Uint32(h[4:])
	for p := present; p&more != 0; at += 4 {
		if len(h) < at+4 {
			return 0
		}
		p = le.Uint32(h[at:])
	}
	if present&flags == 0 {
		return 0
	}
	if present&tsft != 0 {
		at = (at+7)&^7 + 8
	}
	if at >= len(h) {
		return 0
	}
	return h[at]
}

// avs takes off the header of the AVS capture format, whose length is its
// second word.
func (d *Decoder) avs(b bytesOf, seg *reassembly.Segment) Verdict {
	if len(b.data) < 8 {
		return Malformed
	}
	n := be.Uint32(b.data[4:])
	if n < 8 || int64(n) > int64(len(b.data)) {
		return Malformed
	}
	return d.dot11(b.from(int(n)), false, seg)
}
