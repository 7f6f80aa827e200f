package tlsdecrypt

import (
	"bytes"
	"encoding/binary"
	"testing"
)

// fuzzFake is the connection that FuzzRecords starts from: the input says what
// becomes of its bytes.
func fuzzFake(t testing.TB, which byte) (*fake, []byte) {
	c := lossCases[int(which)%len(lossCases)]
	f := newFake(t, c.version, c.suite, c.etm)
	f.open()
	for i := range 6 {
		f.data(true, "request")
		f.data(false, string(bytes.Repeat([]byte{byte('a' + i)}, 10+i*40)))
	}
	return f, f.log()
}

// FuzzRecords changes, cuts, drops and repeats parts of a connection: nothing
// may come out that was not sent, in its order. Chunkings agree, unless a record
// had to be looked for: there, the end of what has come counts. Each operation
// takes four bytes of the input: what, where in the connection (two),
// and how much.
func FuzzRecords(f *testing.F) {
	for i := range byte(len(lossCases)) {
		f.Add(i, []byte{})
		f.Add(i, []byte{0, 1, 30, 1, 1, 2, 0, 9})
		f.Add(i, []byte{2, 1, 0, 200, 3, 3, 0, 50, 4, 1, 3, 7})
		f.Add(i, []byte{1, 0, 10, 200, 0, 2, 200, 0xff, 2, 3, 1, 255})
	}
	f.Fuzz(func(t *testing.T, which byte, ops []byte) {
		fk, log := fuzzFake(t, which)
		whole, _ := play(keyLogOf(t, log), fk.chunks, 0)
		chunks := fk.chunks
		for ; len(ops) >= 4 && len(chunks) < 100; ops = ops[4:] {
			chunks = mangle(chunks, ops[0], int(binary.BigEndian.Uint16(ops[1:])), int(ops[3]))
		}
		keys := keyLogOf(t, log)
		first, info := playGaps(keys, chunks, 0)
		second, _ := playGaps(keys, chunks, 3)
		if info.Resyncs == [2]uint64{} && first.String() != second.String() {
			t.Fatalf("the chunking matters:\n%s\nand\n%s", first, second)
		}
		for _, side := range []bool{true, false} {
			checkTrue(t, first, whole.bytesOf(side), side)
			checkTrue(t, second, whole.bytesOf(side), side)
		}
	})
}

// mangle applies one operation. A nil chunk stands for a gap.
func mangle(chunks []chunk, op byte, where, n int) []chunk {
	i := where % len(chunks)
	c := chunks[i]
	at := min(where/len(chunks), len(c.b))
	end := min(at+n, len(c.b))
	var parts []chunk
	switch op % 5 {
	case 0: // change a byte
		b := bytes.Clone(c.b)
		if at < len(b) {
			b[at] ^= byte(n)
		}
		parts = []chunk{{c.fromClient, b}}
	case 1: // cut bytes out, said
		parts = []chunk{{c.fromClient, c.b[:at]}, {c.fromClient, nil}, {c.fromClient, c.b[end:]}}
	case 2: // cut bytes out, unsaid
		parts = []chunk{{c.fromClient, c.b[:at]}, {c.fromClient, c.b[end:]}}
	case 3: // insert bytes
		parts = []chunk{{c.fromClient, c.b[:at]}, {c.fromClient, bytes.Repeat([]byte{0x17, 3, 3, 0, 20}, n/5)}, {c.fromClient, c.b[at:]}}
	case 4: // drop the chunk
		parts = []chunk{{c.fromClient, nil}}
	}
	out := append(append([]chunk(nil), chunks[:i]...), parts...)
	return append(out, chunks[i+1:]...)
}

// playGaps plays chunks of which the nil ones are gaps of unknown size.
func playGaps(keys *KeyLog, chunks []chunk, size int) (*recorder, Info) {
	r, c := new(recorder), NewConn(keys, Options{})
	for i := range chunks {
		if chunks[i].b == nil {
			c.Gap(chunks[i].fromClient, -1)
			continue
		}
		feed(c, chunks[i:i+1], size, r)
	}
	c.Close(At{}, r)
	return r, c.Info()
}

// checkTrue demands that a direction's plaintext is made of parts of what was
// sent, in their order.
func checkTrue(t *testing.T, r *recorder, sent []byte, side bool) {
	t.Helper()
	for _, e := range r.events {
		if e.fromClient != side || e.gap {
			continue
		}
		i := bytes.Index(sent, e.b)
		if i < 0 {
			t.Fatalf("%q was never sent", e.b)
		}
		sent = sent[i+len(e.b):]
	}
}

// FuzzConn feeds bytes that are TLS at best by chance.
func FuzzConn(f *testing.F) {
	for i := range byte(3) {
		fk, _ := fuzzFake(f, i)
		var b []byte
		for _, c := range fk.chunks[:4] {
			b = append(b, c.b...)
		}
		f.Add(b, uint16(len(fk.chunks[0].b)), int16(-1))
	}
	f.Fuzz(func(t *testing.T, b []byte, split uint16, gap int16) {
		at := min(int(split), len(b))
		r, c := new(recorder), NewConn(NewKeyLog(nil), Options{})
		c.Feed(true, b[:at], At{}, r)
		c.Feed(false, b[at:], At{}, r)
		c.Gap(false, int64(gap))
		c.Feed(false, b, At{}, r)
		c.Feed(true, b, At{}, r)
		c.Close(At{}, r)
		if len(r.events) > 0 {
			t.Errorf("out of nothing:\n%s", r)
		}
		for i := range c.dirs {
			if n := cap(c.dirs[i].framer.buf); n > 5*maxPayload {
				t.Errorf("%d bytes are kept", n)
			}
		}
	})
}

// FuzzClientHello: parsers of the handshake read any body, and any splitting of
// messages gives the same.
func FuzzClientHello(f *testing.F) {
	fk := newFake(f, versionTLS13, 0x1301, false)
	f.Add(fk.clientHello(extension{extALPN, []byte("\x00\x0b\x0apostgresql")},
		extension{extServerName, []byte("\x00\x07\x00\x00\x04name")}, extension{extSessionTicket, []byte("ticket")}), uint8(7))
	f.Add(fk.serverHello(), uint8(1))
	f.Add(message(msgCertificate, []byte("\x00\x00\x04\x00\x00\x01x")), uint8(3))
	f.Add(message(msgNewSessionTicket, make([]byte, 20)), uint8(255))
	f.Fuzz(func(t *testing.T, b []byte, size uint8) {
		var whole, parts messageReader
		var a, z [][]byte
		whole.feed(b, func(_ byte, body []byte) { a = append(a, bytes.Clone(body)) })
		for rest := b; len(rest) > 0; {
			n := min(int(size)+1, len(rest))
			parts.feed(rest[:n], func(_ byte, body []byte) { z = append(z, bytes.Clone(body)) })
			rest = rest[n:]
		}
		if len(a) != len(z) || !bytes.Equal(bytes.Join(a, nil), bytes.Join(z, nil)) {
			t.Errorf("%d messages at once, %d in pieces", len(a), len(z))
		}
		if len(b) < messageHeaderLen {
			return
		}
		body := b[messageHeaderLen:]
		if h, ok := parseClientHello(body); ok && !bytes.Equal(h.random[:], body[2:2+randomLen]) {
			t.Error("the client random is not where it is")
		}
		if h, ok := parseServerHello(body); ok && len(h.alpn) > 255 {
			t.Error("a protocol name of more than 255 bytes")
		}
		parseEncryptedExtensions(body)
		parseNewSessionTicket(body)
		for _, tls13 := range []bool{false, true} {
			c := NewConn(nil, Options{})
			c.certificate(toClient, parseCertificate(body, tls13))
		}
	})
}

// FuzzKeyLog: any text, in any pieces, gives the same secrets and warnings; what
// Used gives is read again without a warning.
func FuzzKeyLog(f *testing.F) {
	f.Add([]byte("# x\n"+logLine(labelMaster, 1, secret48)+"\r\nbad\n"), uint8(3))
	f.Add([]byte(logLine(labelClientTraffic, 1, secret32)+"\n"+logLine(labelClientTraffic, 1, secret48)), uint8(60))
	f.Add(bytes.Repeat([]byte("y"), maxLine+10), uint8(255))
	f.Fuzz(func(t *testing.T, text []byte, size uint8) {
		var warnings, warnings2 []Warning
		k := NewKeyLog(func(w Warning) { warnings = append(warnings, w) })
		if err := k.Load(bytes.NewReader(text)); err != nil {
			t.Fatal(err)
		}
		k2 := NewKeyLog(func(w Warning) { warnings2 = append(warnings2, w) })
		if err := k2.Load(pieces{bytes.NewReader(text), int(size) + 1}); err != nil {
			t.Fatal(err)
		}
		for _, l := range []*KeyLog{k, k2} {
			for r := range l.conns.m {
				l.markUsed(r)
			}
		}
		if len(warnings) != len(warnings2) || !bytes.Equal(k.Used(), k2.Used()) {
			t.Errorf("pieces matter: %v, %v", warnings, warnings2)
		}
		if again := keyLogOf(t, k.Used()); again.Len() != k.Len() {
			t.Errorf("%d connections, read again %d", k.Len(), again.Len())
		}
	})
}

// pieces is a Reader of at most n bytes at a time.
type pieces struct {
	r *bytes.Reader
	n int
}

func (p pieces) Read(b []byte) (int, error) { return p.r.Read(b[:min(p.n, len(b))]) }
