package hostile

import "encoding/binary"

// Script makes a capture of arbitrary bytes, so that a fuzzer works on segments
// and not on checksums of headers. It is read as a list of operations of six
// bytes and a payload:
//
//	connection (2 bits), side (1), flags (5)
//	distance of the sequence number from where it should be, Int16
//	tenths of a second that pass, Int8
//	length of the payload, Int16; the payload
//
// A payload that is longer than what is left is cut off.
func Script(b []byte) []byte {
	var p Packets
	p.Now = 1_700_000_000_000_000_000
	conns := [4]*Conn{NewConn(0), NewConn(1), NewConn(2), NewConn(3)}
	conns[3].Port = 6000 // where only the contents tell
	for len(b) >= scriptHead {
		c, side, flags := conns[b[0]>>6], Side(b[0]>>5&1), b[0]&31
		distance := int16(binary.BigEndian.Uint16(b[1:]))
		p.Now += int64(b[3]) * 100_000_000
		n := int(binary.BigEndian.Uint16(b[4:]))
		b = b[scriptHead:]
		payload := b[:min(n, len(b))]
		b = b[len(payload):]
		seq := c.Seq[side] + uint32(int32(distance))
		p.Segment(c, side, flags, seq, c.Seq[1-side], payload)
		c.Seq[side] += uint32(len(payload))
		if flags&(SYN|FIN) != 0 {
			c.Seq[side]++
		}
	}
	return p.File()
}

const scriptHead = 6

// AppendOp appends an operation of Script.
func AppendOp(b []byte, conn int, side Side, flags byte, distance int16, payload []byte) []byte {
	b = append(b, byte(conn)<<6|byte(side)<<5|flags&31)
	b = binary.BigEndian.AppendUint16(b, uint16(distance))
	b = append(b, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(payload)))
	return append(b, payload...)
}

// ScriptOf turns the packets of a capture into a Script. Connections beyond the
// fourth share numbers.
func ScriptOf(f *File) (b []byte) {
	conns := map[string]int{}
	for i := range f.Records {
		t, ok := f.TCP(i)
		if !ok {
			continue
		}
		_, dst := f.Ports(i)
		side, client := Client, t.Flow
		if dst != 5432 {
			side, client = Server, reverse(t.Flow)
		}
		n, known := conns[client]
		if !known {
			n = len(conns) & 3
			conns[client] = n
		}
		r := f.Records[i].Data
		b = AppendOp(b, n, side, t.Flags, 0, r[min(t.Payload, len(r)):min(t.End, len(r))])
	}
	return b
}

func reverse(flow string) string {
	for i := range flow {
		if flow[i] == '>' {
			return flow[i+1:] + ">" + flow[:i]
		}
	}
	return flow
}
