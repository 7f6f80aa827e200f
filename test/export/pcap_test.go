package export

import "encoding/binary"

// pcapBuilder makes a capture of one session, of raw IP packets.
type pcapBuilder struct {
	buf  []byte
	now  uint32
	sent [2]uint32 // bytes by frontend and backend
}

func (b *pcapBuilder) open() { b.openWith("") }

// openWith opens a session with further parameters of the startup packet.
func (b *pcapBuilder) openWith(parameters string) {
	le := binary.LittleEndian
	b.buf = le.AppendUint32(b.buf, 0xa1b2c3d4)
	b.buf = le.AppendUint16(le.AppendUint16(b.buf, 2), 4)
	b.buf = le.AppendUint32(le.AppendUint32(le.AppendUint32(le.AppendUint32(b.buf, 0), 0), 1<<18), 101) // raw IP
	b.segment(0, nil, 0x02)
	b.segment(1, nil, 0x12)
	b.sent = [2]uint32{1, 1}
	body := "\x00\x03\x00\x00user\x00app\x00database\x00appdb\x00" + parameters + "\x00"
	b.segment(0, append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+4)), body...), 0x18)
	b.reply("R", "\x00\x00\x00\x00")
	b.reply("Z", "I")
}

func (b *pcapBuilder) request(tag, body string) { b.message(0, tag, body) }
func (b *pcapBuilder) reply(tag, body string)   { b.message(1, tag, body) }

func (b *pcapBuilder) message(dir int, tag, body string) {
	m := binary.BigEndian.AppendUint32([]byte(tag), uint32(len(body)+4))
	b.segment(dir, append(m, body...), 0x18)
}

// segment appends a packet.
func (b *pcapBuilder) segment(dir int, payload []byte, flags byte) {
	be := binary.BigEndian
	addr := [2][]byte{{10, 0, 0, 1}, {10, 0, 0, 2}}
	port := [2]uint16{40000, 5432}
	p := []byte{0x45, 0}
	p = be.AppendUint16(p, uint16(40+len(payload)))
	p = append(p, 0, 0, 0, 0, 64, 6, 0, 0)
	p = append(append(p, addr[dir]...), addr[1-dir]...)
	p = be.AppendUint16(be.AppendUint16(p, port[dir]), port[1-dir])
	p = be.AppendUint32(be.AppendUint32(p, b.sent[dir]), b.sent[1-dir])
	p = append(p, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0)
	p = append(p, payload...)
	b.sent[dir] += uint32(len(payload))
	b.now += 1000
	le := binary.LittleEndian
	b.buf = le.AppendUint32(le.AppendUint32(b.buf, 1763683200), b.now)
	b.buf = le.AppendUint32(le.AppendUint32(b.buf, uint32(len(p))), uint32(len(p)))
	b.buf = append(b.buf, p...)
}
