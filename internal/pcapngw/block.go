package pcapngw

import "encoding/binary"

// Block types and option codes, section numbers of
// draft-ietf-opsawg-pcapng in comments.
const (
	blockSection    = 0x0a0d0d0a // 4.1
	blockInterface  = 0x00000001 // 4.2
	blockStatistics = 0x00000005 // 4.6
	blockPacket     = 0x00000006 // 4.3
	blockSecrets    = 0x0000000a // 4.7

	byteOrderMagic = 0x1a2b3c4d

	optEnd = 0

	optHardware    = 2 // of a section
	optOS          = 3
	optApplication = 4

	optInterfaceName        = 2
	optInterfaceDescription = 3
	optInterfaceResolution  = 9
	optInterfaceFilter      = 11

	optStatsStart     = 2
	optStatsEnd       = 3
	optStatsReceived  = 4
	optStatsDropped   = 5
	optStatsOSDropped = 7
	optStatsDelivered = 8

	// nanoseconds is the resolution option's value: ten to the minus nine.
	nanoseconds = 9

	// packetHead is what an enhanced packet block has before the packet's bytes,
	// and blockTail the repeated length at every block's end.
	packetHead = 28
	blockTail  = 4
)

// statisticsSize is the most that an interface's statistics take: head, number
// and time, six options of eight bytes, the options' end and the tail.
const statisticsSize = 8 + 12 + 6*12 + 4 + blockTail

// maxText bounds the text of an option, whose length field has 16 bits.
const maxText = 4096

// begin appends a block's head, its length open until end.
func begin(b []byte, blockType uint32) (_ []byte, start int) {
	start = len(b)
	b = binary.LittleEndian.AppendUint32(b, blockType)
	return binary.LittleEndian.AppendUint32(b, 0), start
}

// end closes the block that begins at start.
func end(b []byte, start int) []byte {
	length := uint32(len(b) - start + blockTail)
	binary.LittleEndian.PutUint32(b[start+4:], length)
	return binary.LittleEndian.AppendUint32(b, length)
}

// pad fills up to a multiple of four bytes.
func pad(b []byte, written int) []byte {
	const zeros = "\x00\x00\x00"
	return append(b, zeros[:-written&3]...)
}

func appendOption(b []byte, code uint16, value []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, code)
	b = binary.LittleEndian.AppendUint16(b, uint16(len(value)))
	return pad(append(b, value...), len(value))
}

// appendText appends an option of text, nothing if it is empty.
func appendText(b []byte, code uint16, text string) []byte {
	if text == "" {
		return b
	}
	return appendOption(b, code, []byte(text[:min(len(text), maxText)]))
}

func appendNumber(b []byte, code uint16, n uint64) []byte {
	return appendOption(b, code, binary.LittleEndian.AppendUint64(nil, n))
}

// appendTime appends an option of a time, as two words with the upper first.
func appendTime(b []byte, code uint16, ns int64) []byte {
	var v [8]byte
	binary.LittleEndian.PutUint32(v[:], uint32(stamp(ns)>>32))
	binary.LittleEndian.PutUint32(v[4:], uint32(stamp(ns)))
	return appendOption(b, code, v[:])
}

func appendEnd(b []byte) []byte { return appendOption(b, optEnd, nil) }

// stamp is a time as the format has it: there is none before 1970.
func stamp(ns int64) uint64 { return uint64(max(ns, 0)) }

func appendSection(b []byte, app string) []byte {
	b, start := begin(b, blockSection)
	b = binary.LittleEndian.AppendUint32(b, byteOrderMagic)
	b = binary.LittleEndian.AppendUint16(b, 1)          // major version
	b = binary.LittleEndian.AppendUint16(b, 0)          // minor version
	b = binary.LittleEndian.AppendUint64(b, ^uint64(0)) // length of the section: not known
	b = appendText(b, optHardware, hardware())
	b = appendText(b, optOS, operatingSystem())
	b = appendText(b, optApplication, app)
	return end(appendEnd(b), start)
}

func appendInterface(b []byte, i Interface) []byte {
	b, start := begin(b, blockInterface)
	b = binary.LittleEndian.AppendUint16(b, i.LinkType)
	b = binary.LittleEndian.AppendUint16(b, 0)
	b = binary.LittleEndian.AppendUint32(b, uint32(i.SnapLen))
	b = appendText(b, optInterfaceName, i.Name)
	b = appendText(b, optInterfaceDescription, i.Description)
	b = appendOption(b, optInterfaceResolution, []byte{nanoseconds})
	if i.Filter != "" {
		const libpcapText = "\x00"
		b = appendText(b, optInterfaceFilter, libpcapText+i.Filter)
	}
	return end(appendEnd(b), start)
}

func appendPacket(b []byte, iface int, ns int64, data []byte, origLen int) []byte {
	b, start := begin(b, blockPacket)
	b = binary.LittleEndian.AppendUint32(b, uint32(iface))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp(ns)>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp(ns)))
	b = binary.LittleEndian.AppendUint32(b, uint32(len(data)))
	b = binary.LittleEndian.AppendUint32(b, uint32(origLen))
	return end(pad(append(b, data...), len(data)), start)
}

// packetSize is the length of a packet's block.
func packetSize(data []byte) int { return packetHead + (len(data)+3)&^3 + blockTail }

func appendSecrets(b []byte, kind uint32, secrets []byte) []byte {
	b, start := begin(b, blockSecrets)
	b = binary.LittleEndian.AppendUint32(b, kind)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(secrets)))
	return end(pad(append(b, secrets...), len(secrets)), start)
}

// appendBlock appends a block of any type.
func appendBlock(b []byte, kind uint32, body []byte) []byte {
	b, start := begin(b, kind)
	return end(pad(append(b, body...), len(body)), start)
}

func appendStatistics(b []byte, iface int, s *interfaceState) []byte {
	b, start := begin(b, blockStatistics)
	b = binary.LittleEndian.AppendUint32(b, uint32(iface))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp(s.last)>>32))
	b = binary.LittleEndian.AppendUint32(b, uint32(stamp(s.last)))
	if s.written > 0 {
		b = appendTime(b, optStatsStart, s.first)
		b = appendTime(b, optStatsEnd, s.last)
	}
	if s.known {
		b = appendNumber(b, optStatsReceived, s.stats.Received)
		b = appendNumber(b, optStatsDropped, s.stats.InterfaceDropped)
		b = appendNumber(b, optStatsOSDropped, s.stats.KernelDropped)
	}
	b = appendNumber(b, optStatsDelivered, s.written)
	return end(appendEnd(b), start)
}
