package tlsdecrypt

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"testing"
)

// stream is one direction of a fake as bytes, with its records.
type stream struct {
	wire    []byte
	content []byte
	records []span
}

// span is a record: where it is on the wire and in the plaintext.
type span struct{ from, to, plainFrom, plainTo int }

// lossCases are one of each way of protection.
var lossCases = []struct {
	version, suite uint16
	etm            bool
}{
	{versionTLS13, 0x1301, false},
	{versionTLS13, 0x1303, false},
	{versionTLS12, 0xC030, false},
	{versionTLS12, 0xCCA8, false},
	{versionTLS12, 0xC013, false},
	{versionTLS12, 0xC027, true},
	{versionTLS11, 0xC013, false},
	{versionTLS10, 0xC013, false},
}

// longAnswer makes a connection with n records of data from the server.
func longAnswer(t testing.TB, version, suite uint16, etm bool, n int, rng *rand.Rand) (*fake, stream) {
	f := newFake(t, version, suite, etm)
	f.open()
	var s stream
	for range n {
		size := 1 + rng.IntN(300)
		if rng.IntN(10) == 0 {
			size = 1 + rng.IntN(maxPlaintext)
		}
		content := make([]byte, size)
		for j := range content {
			content[j] = byte((len(s.content) + j) % 251)
		}
		b := f.sealers[toClient].seal(typeApplicationData, content, 0)
		s.records = append(s.records, span{len(s.wire), len(s.wire) + len(b), len(s.content), len(s.content) + size})
		s.wire = append(s.wire, b...)
		s.content = append(s.content, content...)
	}
	return f, s
}

// hole is lost bytes of a stream.
type hole struct {
	from, to int
	unknown  bool
}

// feedWithHoles feeds the stream in random pieces.
func (s *stream) feedWithHoles(c *Conn, holes []hole, rng *rand.Rand, r *recorder) {
	pos := 0
	upTo := func(end int) {
		for pos < end {
			n := min(1+rng.IntN(3000), end-pos)
			c.Feed(false, s.wire[pos:pos+n], At{}, r)
			pos += n
		}
	}
	for _, h := range holes {
		upTo(h.from)
		n := int64(h.to - h.from)
		if h.unknown {
			n = -1
		}
		c.Gap(false, n)
		pos = h.to
	}
	upTo(len(s.wire))
}

// intact returns the plaintext of the records that no hole touches, and what of
// it has to come out.
func (s *stream) intact(holes []hole, chained bool) (want []byte) {
	before := true
	for _, rec := range s.records {
		whole := true
		for _, h := range holes {
			whole = whole && (h.to <= rec.from || h.from >= rec.to)
		}
		if whole && (before || !chained) {
			want = append(want, s.content[rec.plainFrom:rec.plainTo]...)
		}
		before = whole
	}
	return want
}

// TestLoss: of every record of which all was captured, the plaintext comes out,
// and gaps of known size are right to the byte.
func TestLoss(t *testing.T) {
	for _, c := range lossCases {
		t.Run(fmt.Sprintf("%s/%s/%t", versionName(c.version), suiteByID(c.suite).name, c.etm), func(t *testing.T) {
			known := 0
			for seed := range uint64(30) {
				rng := rand.New(rand.NewPCG(seed, uint64(c.suite)))
				f, s := longAnswer(t, c.version, c.suite, c.etm, 120, rng)
				holes := randomHoles(rng, len(s.wire))
				r, conn := new(recorder), NewConn(keyLogOf(t, f.log()), Options{})
				feed(conn, f.chunks, 0, r)
				s.feedWithHoles(conn, holes, rng, r)
				conn.Close(At{}, r)
				if got, want := r.bytesOf(false), s.intact(holes, c.version == versionTLS10); !bytes.Equal(got, want) {
					t.Fatalf("seed %d, holes %v: %d bytes, want %d (%s)\n%+v", seed, holes, len(got), len(want), r, conn.Info())
				}
				known += checkKnownGaps(t, r, &s)
				if conn.State() != Decrypting {
					t.Errorf("seed %d: %s", seed, conn.State())
				}
			}
			if exact := suiteByID(c.suite).protect != cbc; (known > 20) != exact {
				t.Errorf("%d gaps of known size", known)
			}
		})
	}
}

func randomHoles(rng *rand.Rand, size int) []hole {
	var holes []hole
	for pos := rng.IntN(size / 4); pos < size; {
		n := 1 + rng.IntN(2000)
		if rng.IntN(5) == 0 {
			n = 1 + rng.IntN(size/4)
		}
		holes = append(holes, hole{pos, min(pos+n, size), rng.IntN(3) == 0})
		pos += n + 1 + rng.IntN(size/2)
	}
	return holes
}

// checkKnownGaps demands that the plaintext after a gap of known size is that
// of the place, and returns their number.
func checkKnownGaps(t *testing.T, r *recorder, s *stream) (known int) {
	t.Helper()
	pos := 0
	for _, e := range r.events {
		switch {
		case e.gap && e.n < 0:
			pos = -1
		case e.gap:
			known++
			if pos >= 0 {
				pos += int(e.n)
			}
		default:
			if pos < 0 { // found again by its contents
				pos = bytes.Index(s.content, e.b)
			}
			if pos < 0 || !bytes.HasPrefix(s.content[pos:], e.b) {
				t.Fatalf("plaintext of %d bytes is not at %d", len(e.b), pos)
			}
			pos += len(e.b)
		}
	}
	return known
}

// TestTampered: a changed byte costs its record only, whatever byte it is.
func TestTampered(t *testing.T) {
	for _, c := range lossCases {
		rng := rand.New(rand.NewPCG(1, 1))
		f, s := longAnswer(t, c.version, c.suite, c.etm, 40, rng)
		rec := s.records[20]
		for at := rec.from + headerLen; at < rec.to; at += 1 + (rec.to-rec.from)/50 {
			wire := bytes.Clone(s.wire)
			wire[at] ^= 0x40
			r, conn := new(recorder), NewConn(keyLogOf(t, f.log()), Options{})
			feed(conn, f.chunks, 0, r)
			(&stream{wire: wire}).feedWithHoles(conn, nil, rng, r)
			conn.Close(At{}, r)
			lost := []hole{{from: at, to: at + 1}}
			want := s.intact(lost, false)
			if info := conn.Info(); !bytes.Equal(r.bytesOf(false), want) || info.State != Decrypting || info.Gaps[1] != 1 {
				// In TLS 1.0, the last block begins the next record's chain.
				if c.version != versionTLS10 || !bytes.Equal(r.bytesOf(false), s.intact(lost, true)) {
					t.Fatalf("%04x, byte %d of the record: %d bytes, want %d: %+v", c.suite, at-rec.from, len(r.bytesOf(false)), len(want), info)
				}
			}
		}
	}
}

// TestHeaderTampered: without its header, a record and perhaps the next are
// lost, but no more, and nothing false comes out.
func TestHeaderTampered(t *testing.T) {
	for _, c := range lossCases {
		rng := rand.New(rand.NewPCG(2, 2))
		f, s := longAnswer(t, c.version, c.suite, c.etm, 60, rng)
		for i := range headerLen {
			for _, x := range []byte{1, 8, 0x80} {
				wire := bytes.Clone(s.wire)
				wire[s.records[20].from+i] ^= x
				r, conn := new(recorder), NewConn(keyLogOf(t, f.log()), Options{})
				feed(conn, f.chunks, 0, r)
				conn.Feed(false, wire, At{}, r)
				conn.Close(At{}, r)
				got := r.bytesOf(false)
				if !bytes.HasPrefix(got, s.content[:s.records[19].plainTo]) || conn.State() != Decrypting {
					t.Fatalf("%04x: %+v", c.suite, conn.Info())
				}
				if !bytes.HasSuffix(got, s.content[s.records[40].plainFrom:]) {
					t.Errorf("%04x: byte %d ^ %#x: the place was not found again", c.suite, i, x)
				}
				checkKnownGaps(t, r, &s)
			}
		}
	}
}

// TestLossAcrossKeyUpdate: the KeyUpdate itself is lost.
func TestLossAcrossKeyUpdate(t *testing.T) {
	for _, id := range suites13 {
		f := newFake(t, versionTLS13, id, false)
		f.open()
		f.data(false, "A1")
		begin := len(f.chunks)
		f.data(false, "A2")
		f.keyUpdate(false)
		f.data(false, "A3")
		end := len(f.chunks)
		f.data(false, "A4")
		f.data(true, "Q")
		for _, n := range []int64{-1, int64(sizeOf(f.chunks[begin:end]))} {
			r, conn := new(recorder), NewConn(keyLogOf(t, f.log()), Options{})
			feed(conn, f.chunks[:begin], 0, r)
			conn.Gap(false, n)
			feed(conn, f.chunks[end:], 0, r)
			conn.Close(At{}, r)
			if got, want := r.String(), "S \"A1\"\nS-gap -1\nS \"A4\"\nC \"Q\"\n"; got != want {
				t.Errorf("got\n%s", got)
			}
			if info := conn.Info(); info.KeyUpdates[1] != 1 {
				t.Errorf("%+v", info)
			}
		}
	}
}

func sizeOf(chunks []chunk) (n int) {
	for _, c := range chunks {
		n += len(c.b)
	}
	return n
}

// TestLossInHandshake loses each chunk of the handshake in turn. Without a
// hello there is nothing to be had before TLS 1.3, without anything else there
// is.
func TestLossInHandshake(t *testing.T) {
	for _, c := range lossCases {
		f := newFake(t, c.version, c.suite, c.etm)
		f.open()
		shake := len(f.chunks)
		for range 3 {
			f.data(true, "Q")
			f.data(false, "A")
		}
		for lost := range shake {
			r, conn := new(recorder), NewConn(keyLogOf(t, f.log()), Options{})
			feed(conn, f.chunks[:lost], 0, r)
			conn.Gap(f.chunks[lost].fromClient, int64(len(f.chunks[lost].b)))
			feed(conn, f.chunks[lost+1:], 0, r)
			conn.Close(At{}, r)
			what := fmt.Sprintf("%s %04x without chunk %d", versionName(c.version), c.suite, lost)
			client, server := string(r.bytesOf(true)), string(r.bytesOf(false))
			switch {
			case lost < 2 && c.version < versionTLS13:
				if conn.State() != MidStream || len(r.events) != 0 {
					t.Errorf("%s: %+v\n%s", what, conn.Info(), r)
				}
			case c.version == versionTLS10: // the first record after a loss only begins the chain
				if len(client)+len(server) < 5 || conn.State() != Decrypting {
					t.Errorf("%s: %+v\n%s", what, conn.Info(), r)
				}
			case client != "QQQ" || server != "AAA" || conn.State() != Decrypting:
				t.Errorf("%s: %+v\n%s", what, conn.Info(), r)
			}
		}
	}
}

// TestMidStream: TLS 1.3 can be joined with the secrets alone, TLS 1.2 not.
func TestMidStream(t *testing.T) {
	for _, c := range lossCases {
		f := newFake(t, c.version, c.suite, c.etm)
		f.open()
		for range 100 {
			f.data(true, "Q")
			f.data(false, "A")
		}
		f.chunks = nil
		f.data(true, "late Q")
		f.data(false, "late A")
		f.data(true, "more")
		keys := keyLogOf(t, f.log())
		for range 3 { // of other connections
			f.newSecrets()
			if err := keys.Load(bytes.NewReader(f.log())); err != nil {
				t.Fatal(err)
			}
		}
		r, info := play(keys, f.chunks, 0)
		want, state := "", MidStream
		if c.version == versionTLS13 {
			want, state = "C-gap -1\nC \"late Q\"\nS-gap -1\nS \"late A\"\nC \"more\"\n", Decrypting
		}
		if r.String() != want || info.State != state {
			t.Errorf("%s %04x: %+v\n%s", versionName(c.version), c.suite, info, r)
		}
		r, info = play(NewKeyLog(nil), f.chunks, 0)
		if len(r.events) != 0 || info.State != MidStream || info.Reason != noClientHello {
			t.Errorf("%s %04x without keys: %+v", versionName(c.version), c.suite, info)
		}
	}
}

// TestGivenUp: what never fits again is given up, told as a gap, once; the
// other direction goes on.
func TestGivenUp(t *testing.T) {
	f, s := longAnswer(t, versionTLS13, 0x1301, false, 10, rand.New(rand.NewPCG(1, 2)))
	f.raw(false, s.wire)
	for i := range 60 {
		f.raw(false, recordOf(typeApplicationData, versionTLS12, bytes.Repeat([]byte{byte(i)}, 40)))
	}
	f.data(true, "Q")
	r, info := play(keyLogOf(t, f.log()), f.chunks, 0)
	if info.State != Lost || info.Gaps != [2]uint64{0, 1} || info.Unauthentic[1] != maxFails {
		t.Errorf("%+v", info)
	}
	if !bytes.Equal(r.bytesOf(false), s.content) || string(r.bytesOf(true)) != "Q" {
		t.Errorf("%s", r)
	}
}

// TestCutAtEnd: a record that is not whole at the end is a gap.
func TestCutAtEnd(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1301, false)
	f.open()
	f.data(false, "A1")
	f.data(false, "A2")
	whole := f.chunks[len(f.chunks)-1].b
	for n := 1; n < len(whole); n++ {
		f.chunks[len(f.chunks)-1].b = whole[:n]
		if r, _ := play(keyLogOf(t, f.log()), f.chunks, 0); r.String() != "S \"A1\"\nS-gap -1\n" {
			t.Fatalf("%d bytes: %s", n, r)
		}
	}
}

// TestSearchIsBounded: a hostile stream of damaged records and losses costs no
// more trials than are allowed for its size.
func TestSearchIsBounded(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1301, false)
	f.open()
	f.data(false, "A")
	r, c := new(recorder), NewConn(keyLogOf(t, f.log()), Options{})
	feed(c, f.chunks, 0, r)
	fed := int64(sizeOf(f.chunks))
	junk := recordOf(typeApplicationData, versionTLS12, bytes.Repeat([]byte{1}, 1000))
	for i := range 200 {
		c.Gap(false, -1)
		b := bytes.Clone(junk)
		binary.BigEndian.PutUint32(b[100:], uint32(i))
		if i%5 == 4 { // now and then a good one, so that the direction lives
			b = f.sealers[toClient].seal(typeApplicationData, []byte("A"), 0)
		}
		c.Feed(false, b, At{}, r)
		fed += int64(len(b))
	}
	if limit := int64(searchBase) + searchPerByte*fed; c.work < 0 || c.work > limit {
		t.Errorf("work left: %d", c.work)
	}
	if got := r.bytesOf(false); len(got) < 2 {
		t.Errorf("%s", r)
	}
}
