package app

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// piece is what one side sent at once.
type piece struct {
	conn         int
	fromFrontend bool
	at           time.Time
	data         []byte
}

// wire is what went over connections, in the order in which it did.
type wire struct {
	mu     sync.Mutex
	pieces []piece
	conns  int
	stop   func()         // ends the relay
	relays sync.WaitGroup // its goroutines
}

func (w *wire) open() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.conns++
	return w.conns - 1
}

func (w *wire) add(conn int, fromFrontend bool, b []byte) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.pieces = append(w.pieces, piece{conn, fromFrontend, time.Now(), bytes.Clone(b)})
}

// relay passes connections on to a server and writes down what they carry. It
// returns its address.
func (w *wire) relay(t *testing.T, server string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.stop = func() {
		l.Close()
		w.relays.Wait()
	}
	t.Cleanup(w.stop)
	w.relays.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", server)
			if err != nil {
				client.Close()
				continue
			}
			w.relays.Go(func() { w.join(w.open(), client.(*net.TCPConn), upstream.(*net.TCPConn)) })
		}
	})
	return l.Addr().String()
}

// join passes on what either side sends until both have ended, and so does not
// miss what one says when the other has gone.
func (w *wire) join(conn int, client, upstream *net.TCPConn) {
	defer client.Close()
	defer upstream.Close()
	var there sync.WaitGroup
	there.Go(func() { w.pass(conn, true, client, upstream) })
	w.pass(conn, false, upstream, client)
	there.Wait()
}

func (w *wire) pass(conn int, fromFrontend bool, from, to *net.TCPConn) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			w.add(conn, fromFrontend, b[:n])
			_, _ = to.Write(b[:n]) // it may have gone
		}
		if err != nil {
			_ = to.CloseWrite()
			return
		}
	}
}

// tee writes down what passes through a client's reader and writer.
type tee struct {
	r    io.Reader
	w    io.Writer
	wire *wire
	conn int
}

func (t tee) Read(b []byte) (int, error) {
	n, err := t.r.Read(b)
	if n > 0 {
		t.wire.add(t.conn, false, b[:n])
	}
	return n, err
}

func (t tee) Write(b []byte) (int, error) {
	t.wire.add(t.conn, true, b)
	return t.w.Write(b)
}

// Link, network and transport of the packets that are made of a wire.
const (
	mss        = 1448
	clientPort = 40000 // of connection 0
	ackFlag    = 0x10
	pshAck     = 0x18
	synFlag    = 0x02
	synAck     = 0x12
	finAck     = 0x11
)

// packets makes a pcap of it: TCP over IPv4 over Ethernet, from the handshake of
// each connection to its end, in segments of at most segment bytes, of which an IP
// packet holds not quite 64 KiB. drop, if not
// nil, is asked for each packet with payload, from 0 on, whether the capture
// misses it.
type packets struct {
	segment int
	port    int
	drop    func(n int, p *piece) bool
	noStart bool // the capture begins after the handshakes of TCP
}

func (o packets) file(t *testing.T, w *wire) string {
	t.Helper()
	if w.stop != nil {
		w.stop() // all connections are closed by now, or nearly so
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if o.segment == 0 {
		o.segment = mss
	}
	if o.port == 0 {
		o.port = 5432
	}
	p := pcapWriter{port: o.port, seq: make([][2]uint32, w.conns), begun: make([]bool, w.conns)}
	p.header()
	n := 0
	for i := range w.pieces {
		c := &w.pieces[i]
		if !p.begun[c.conn] {
			p.begin(c, !o.noStart)
		}
		for b := c.data; len(b) > 0; n++ {
			part := b[:min(len(b), o.segment)]
			b = b[len(part):]
			p.segment(c, part, o.drop != nil && o.drop(n, c))
		}
	}
	for conn := range w.conns {
		if p.begun[conn] {
			p.end(&piece{conn: conn, at: w.pieces[len(w.pieces)-1].at})
		}
	}
	path := filepath.Join(t.TempDir(), "wire.pcap")
	if err := os.WriteFile(path, p.out, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

type pcapWriter struct {
	out   []byte
	port  int
	seq   [][2]uint32 // of the frontend and the backend, by connection
	begun []bool
}

// header begins a pcap with nanoseconds, of LINKTYPE_ETHERNET.
func (p *pcapWriter) header() {
	p.out = binary.LittleEndian.AppendUint32(p.out, 0xa1b23c4d)
	p.out = append(p.out, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0)
}

func (p *pcapWriter) begin(c *piece, seen bool) {
	p.begun[c.conn] = true
	seq := &p.seq[c.conn]
	*seq = [2]uint32{0xffffff00 + uint32(c.conn), 77}
	if seen {
		p.packet(c, true, synFlag, nil)
	}
	seq[0]++
	if seen {
		p.packet(c, false, synAck, nil)
	}
	seq[1]++
	if seen {
		p.packet(c, true, ackFlag, nil)
	}
}

func (p *pcapWriter) segment(c *piece, b []byte, lost bool) {
	if !lost {
		p.packet(c, c.fromFrontend, pshAck, b)
	}
	p.seq[c.conn][side(c.fromFrontend)] += uint32(len(b))
	p.packet(c, !c.fromFrontend, ackFlag, nil)
}

func (p *pcapWriter) end(c *piece) {
	p.packet(c, true, finAck, nil)
	p.seq[c.conn][0]++
	p.packet(c, false, finAck, nil)
	p.seq[c.conn][1]++
	p.packet(c, true, ackFlag, nil)
}

func side(fromFrontend bool) int {
	if fromFrontend {
		return 0
	}
	return 1
}

// packet writes one packet. Checksums are left 0, as where cards compute them.
func (p *pcapWriter) packet(c *piece, fromFrontend bool, flags byte, b []byte) {
	const ethernet, ip, tcp = 14, 20, 20
	size := ethernet + ip + tcp + len(b)
	le, be := binary.LittleEndian, binary.BigEndian
	p.out = le.AppendUint32(p.out, uint32(c.at.Unix()))
	p.out = le.AppendUint32(p.out, uint32(c.at.Nanosecond()))
	p.out = le.AppendUint32(p.out, uint32(size))
	p.out = le.AppendUint32(p.out, uint32(size))
	p.out = append(p.out, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0)

	from, to := [4]byte{10, 0, 0, 1}, [4]byte{10, 0, 0, 2}
	sport, dport := clientPort+c.conn, p.port
	seq, ack := p.seq[c.conn][0], p.seq[c.conn][1]
	if !fromFrontend {
		from, to, sport, dport, seq, ack = to, from, dport, sport, ack, seq
	}
	if flags == synFlag {
		ack = 0
	}
	p.out = append(p.out, 0x45, 0)
	p.out = be.AppendUint16(p.out, uint16(ip+tcp+len(b)))
	p.out = append(p.out, 0, 0, 0x40, 0, 64, 6, 0, 0)
	p.out = append(append(p.out, from[:]...), to[:]...)
	p.out = be.AppendUint16(p.out, uint16(sport))
	p.out = be.AppendUint16(p.out, uint16(dport))
	p.out = be.AppendUint32(p.out, seq)
	p.out = be.AppendUint32(p.out, ack)
	p.out = append(p.out, 5<<4, flags, 0xff, 0xff, 0, 0, 0, 0)
	p.out = append(p.out, b...)
}

// jsonLine is a line of output.
type jsonLine map[string]any

// text returns a field that is a string, "" where there is none.
func (r jsonLine) text(name string) string {
	s, _ := r[name].(string)
	return s
}

// sniff runs the program with --json and returns its records and standard error.
func sniff(t *testing.T, args ...string) (records []jsonLine, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	env := &Env{
		In: strings.NewReader(""), Out: &out, Err: &errs,
		Getenv: func(string) string { return "" }, Now: time.Now, Width: func() int { return 0 },
	}
	if code := Run(env, append([]string{"read", "--json", "--view", "messages,queries,connections", "--max-value-bytes", "0"}, args...)); code != ExitOK {
		t.Fatalf("pgsniff read %s: exit status %d\n%s", strings.Join(args, " "), code, errs.Bytes())
	}
	for line := range bytes.Lines(out.Bytes()) {
		var r jsonLine
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatalf("%v: %s", err, line)
		}
		records = append(records, r)
	}
	return records, errs.String()
}

// ofType returns the records of a type, of one connection if conn is not 0.
func ofType(records []jsonLine, typ string, conn int) []jsonLine {
	var out []jsonLine
	for _, r := range records {
		if r.text("type") == typ && (conn == 0 || r["conn"] == float64(conn)) {
			out = append(out, r)
		}
	}
	return out
}

// theOne returns the one record of a type that there has to be.
func theOne(t *testing.T, records []jsonLine, typ string, conn int) jsonLine {
	t.Helper()
	list := ofType(records, typ, conn)
	if len(list) != 1 {
		t.Fatalf("%d %s records of connection %d, want 1: %v", len(list), typ, conn, list)
	}
	return list[0]
}

// expect compares fields of a record; nil stands for a field that is not there.
func (r jsonLine) expect(t *testing.T, want map[string]any) {
	t.Helper()
	for name, v := range want {
		if r[name] != v {
			t.Errorf("%s: %s is %v, want %v", r.text("type"), name, r[name], v)
		}
	}
}
