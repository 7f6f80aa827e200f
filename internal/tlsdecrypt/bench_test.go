package tlsdecrypt

import (
	"fmt"
	"testing"
)

// countingSink counts what it is given.
type countingSink struct{ bytes, gaps int }

func (s *countingSink) Plaintext(_ bool, b []byte, _ At) { s.bytes += len(b) }
func (s *countingSink) Gap(bool, int64, At)              { s.gaps++ }

var benchmarkSuites = []struct {
	version, suite uint16
	etm            bool
}{
	{versionTLS13, 0x1301, false},
	{versionTLS13, 0x1302, false},
	{versionTLS13, 0x1303, false},
	{versionTLS12, 0xC02F, false},
	{versionTLS12, 0xC013, false},
	{versionTLS12, 0xC027, true},
}

// bulk makes a connection that has shaken hands, and a stream of records for it
// with size bytes of data each.
func bulk(t testing.TB, version, suite uint16, etm bool, size, n int) (*Conn, []byte) {
	f := newFake(t, version, suite, etm)
	f.open()
	c := NewConn(keyLogOf(t, f.log()), Options{})
	feed(c, f.chunks, 0, new(recorder))
	var wire []byte
	for range n {
		wire = append(wire, f.sealers[toClient].seal(typeApplicationData, make([]byte, size), 0)...)
	}
	return c, wire
}

// BenchmarkDecrypt decrypts full records and small ones out of segments of an
// Ethernet's size and of those that segmentation offload makes.
func BenchmarkDecrypt(b *testing.B) {
	for _, s := range benchmarkSuites {
		for _, size := range []int{100, 8192, maxPlaintext} {
			for _, segment := range []int{1448, 65160} {
				b.Run(fmt.Sprintf("%s/%d/%d", suiteByID(s.suite).name, size, segment), func(b *testing.B) {
					c, wire := bulk(b, s.version, s.suite, s.etm, size, 1<<20/size)
					d := &c.dirs[toClient]
					seq, sink := d.seq, new(countingSink)
					b.SetBytes(int64(len(wire)))
					b.ReportAllocs()
					for b.Loop() {
						d.seq = seq
						feedSegments(c, wire, segment, sink)
					}
					if sink.gaps > 0 || sink.bytes == 0 {
						b.Fatalf("%+v", c.Info())
					}
				})
			}
		}
	}
}

func feedSegments(c *Conn, wire []byte, segment int, sink Sink) {
	for len(wire) > 0 {
		n := min(segment, len(wire))
		c.Feed(false, wire[:n], At{}, sink)
		wire = wire[n:]
	}
}

// TestAllocs: nothing is allocated for a record, whole or in pieces, decrypted
// or only counted.
func TestAllocs(t *testing.T) {
	for _, s := range benchmarkSuites {
		for _, segment := range []int{300, 1448, 65160} {
			c, wire := bulk(t, s.version, s.suite, s.etm, 1000, 100)
			d := &c.dirs[toClient]
			seq, sink := d.seq, new(countingSink)
			allocs := testing.AllocsPerRun(10, func() {
				d.seq = seq
				feedSegments(c, wire, segment, sink)
			})
			if allocs != 0 || sink.bytes != 11*100*1000 || sink.gaps != 0 {
				t.Errorf("%04x in segments of %d: %v allocations for 100 records; %+v", s.suite, segment, allocs, sink)
			}
		}
	}
}

// TestAllocsWithoutKeys: an encrypted connection that nobody can read costs
// nothing but counting.
func TestAllocsWithoutKeys(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1301, false)
	f.open()
	c, sink := NewConn(nil, Options{}), new(countingSink)
	feed(c, f.chunks, 0, new(recorder))
	wire := f.sealers[toClient].seal(typeApplicationData, make([]byte, 5000), 0)
	if allocs := testing.AllocsPerRun(100, func() { feedSegments(c, wire, 1448, sink) }); allocs != 0 {
		t.Errorf("%v allocations for a record", allocs)
	}
	if info := c.Info(); info.Records[1] < 100 || sink.bytes != 0 {
		t.Errorf("%+v", info)
	}
}
