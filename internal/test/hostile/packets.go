package hostile

import (
	"encoding/binary"
	"io"
)

// Side is who sends a packet.
type Side uint8

// The two ends of a connection.
const (
	Client Side = iota
	Server
)

// Flags of a TCP header (RFC 9293, section 3.1).
const (
	FIN = 1 << iota
	SYN
	RST
	PSH
	ACK
)

const (
	linkRaw   = 101 // LINKTYPE_RAW: packets begin with the IP header
	ipHeader  = 20
	tcpHeader = 20
	pcapMagic = 0xa1b23c4d // times in nanoseconds
	snapLen   = 1 << 18
)

// Packets collects packets as records of a pcap file. The zero value is ready
// for use.
type Packets struct {
	buf []byte
	// Now is the time of the next packet in nanoseconds since 1970; each packet
	// moves it on by a microsecond.
	Now int64
}

// FileHeader returns the beginning of the pcap file that the records belong to.
func FileHeader() []byte {
	var h [24]byte
	le := binary.LittleEndian
	le.PutUint32(h[:], pcapMagic)
	le.PutUint16(h[4:], 2)
	le.PutUint16(h[6:], 4)
	le.PutUint32(h[16:], snapLen)
	le.PutUint32(h[20:], linkRaw)
	return h[:]
}

// File returns a whole pcap file with the packets so far.
func (p *Packets) File() []byte { return append(FileHeader(), p.buf...) }

// Conn is a TCP connection whose packets are made as they are asked for. Seq is
// the sequence number of the next byte of each side; it may be changed.
type Conn struct {
	Number uint32 // tells the client's address and port
	Port   uint16 // of the server; 0 stands for 5432
	Seq    [2]uint32
}

// NewConn returns connection n; any two have different clients.
func NewConn(n uint32) *Conn {
	return &Conn{Number: n, Seq: [2]uint32{1000, 2000}}
}

// serverAddress is 10.255.0.1.
const serverAddress = 0x0aff0001

// Segment adds one packet with arbitrary contents; Seq does not change.
func (p *Packets) Segment(c *Conn, from Side, flags byte, seq, ack uint32, payload []byte) {
	be, le := binary.BigEndian, binary.LittleEndian
	size := ipHeader + tcpHeader + len(payload)
	if p.Now == 0 {
		p.Now = 1_700_000_000_000_000_000
	}
	b := p.buf
	b = le.AppendUint32(b, uint32(p.Now/1e9))
	b = le.AppendUint32(b, uint32(p.Now%1e9))
	b = le.AppendUint32(b, uint32(size))
	b = le.AppendUint32(b, uint32(size))
	p.Now += 1000
	total := size
	if total > 0xffff {
		total = 0 // as hosts with segmentation offload write it
	}
	b = append(b, 0x45, 0)
	b = be.AppendUint16(b, uint16(total))
	b = append(b, 0, 0, 0x40, 0, 64, 6, 0, 0)
	// 16,384 ports of a client, then the next client.
	client, clientPort := 0x0a000000+2+c.Number>>14, uint16(0xc000+c.Number&0x3fff)
	server, serverPort := uint32(serverAddress), c.Port
	if serverPort == 0 {
		serverPort = 5432
	}
	if from == Server {
		client, server = server, client
		clientPort, serverPort = serverPort, clientPort
	}
	b = be.AppendUint32(b, client)
	b = be.AppendUint32(b, server)
	b = be.AppendUint16(b, clientPort)
	b = be.AppendUint16(b, serverPort)
	b = be.AppendUint32(b, seq)
	b = be.AppendUint32(b, ack)
	b = append(b, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	p.buf = append(b, payload...)
}

// Open adds the handshake of TCP.
func (p *Packets) Open(c *Conn) {
	p.Segment(c, Client, SYN, c.Seq[Client]-1, 0, nil)
	p.Segment(c, Server, SYN|ACK, c.Seq[Server]-1, c.Seq[Client], nil)
	p.Segment(c, Client, ACK, c.Seq[Client], c.Seq[Server], nil)
}

// maxPayload is the longest payload of one of Send's packets.
const maxPayload = 60000

// Send adds payload in as many packets as it takes.
func (p *Packets) Send(c *Conn, from Side, payload []byte) {
	for {
		n := min(len(payload), maxPayload)
		p.Segment(c, from, ACK|PSH, c.Seq[from], c.Seq[1-from], payload[:n])
		c.Seq[from] += uint32(n)
		if payload = payload[n:]; len(payload) == 0 {
			return
		}
	}
}

// Skip moves on as if n bytes had been sent that are not in the capture.
func (c *Conn) Skip(from Side, n int) { c.Seq[from] += uint32(n) }

// Close adds the packets that end a connection in good order.
func (p *Packets) Close(c *Conn) {
	p.Segment(c, Client, FIN|ACK, c.Seq[Client], c.Seq[Server], nil)
	p.Segment(c, Server, FIN|ACK, c.Seq[Server], c.Seq[Client]+1, nil)
	p.Segment(c, Client, ACK, c.Seq[Client]+1, c.Seq[Server]+1, nil)
}

// Stream returns a pcap file that is made while it is read: step adds the next
// packets and returns false after the last. It holds no more than one step's.
func Stream(step func(p *Packets) bool) io.Reader {
	return &stream{step: step, left: FileHeader(), more: true}
}

type stream struct {
	step    func(p *Packets) bool
	packets Packets
	left    []byte
	more    bool
}

func (s *stream) Read(b []byte) (int, error) {
	for len(s.left) == 0 {
		if !s.more {
			return 0, io.EOF
		}
		s.packets.buf = s.packets.buf[:0]
		s.more = s.step(&s.packets)
		s.left = s.packets.buf
	}
	n := copy(b, s.left)
	s.left = s.left[n:]
	return n, nil
}
