package packet

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// fragments4 splits an IPv4 packet into fragments of size bytes.
func fragments4(ip []byte, size int) [][]byte {
	var out [][]byte
	for off := 0; off < len(ip)-20; off += size {
		end := min(off+size, len(ip)-20)
		f := join(ip[:20], ip[20+off:20+end])
		be.PutUint16(f[2:], uint16(len(f)))
		at := uint16(off / 8)
		if end < len(ip)-20 {
			at |= 0x2000
		}
		be.PutUint16(f[6:], at)
		out = append(out, f)
	}
	return out
}

// fragments6 splits what follows an IPv6 header.
func fragments6(ip []byte, id uint32, size int) [][]byte {
	var out [][]byte
	for off := 0; off < len(ip)-40; off += size {
		end := min(off+size, len(ip)-40)
		at := off
		if end < len(ip)-40 {
			at |= 1
		}
		next := ip[6]
		if off > 0 {
			next = 59 // only the first fragment's counts
		}
		f := join(ip[:40], []byte{next, 0}, u16(at), be.AppendUint32(nil, id), ip[40+off:40+end])
		f[6] = protoFragment
		be.PutUint16(f[4:], uint16(len(f)-40))
		out = append(out, f)
	}
	return out
}

// feed decodes raw IP packets, one a microsecond.
func feed(t testing.TB, d *Decoder, ips ...[]byte) []sent {
	t.Helper()
	var ss []sent
	var seg reassembly.Segment
	for i, ip := range ips {
		p := capture.Packet{Data: ip, OrigLen: len(ip), LinkType: linkRaw, Frame: uint64(i + 1), Time: 1e18 + int64(i)*1000}
		if d.Decode(&p, &seg) == TCP {
			ss = append(ss, sentOf(&seg))
		}
	}
	return ss
}

func TestFragmentsOfACapture(t *testing.T) {
	for _, name := range []string{"psql_simple.pcap", "ipv6.pcap"} {
		want := decodeAll(t, readPackets(t, name))
		ips := ipPackets(t, name)
		for order, shuffle := range map[string]func([][]byte){
			"in order": func([][]byte) {},
			"reversed": func(f [][]byte) { slices.Reverse(f) },
			"shuffled": func(f [][]byte) { rand.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] }) },
		} {
			for _, size := range []int{8, 24, 400} { // 24: the last ones are short
				d := NewDecoder(Options{})
				var got []sent
				for i, ip := range ips {
					ip = bytes.Clone(ip)
					var fs [][]byte
					if ip[0]>>4 == 4 {
						be.PutUint16(ip[4:], uint16(i))
						fs = fragments4(ip, size)
					} else {
						fs = fragments6(ip, uint32(i), size)
					}
					shuffle(fs)
					ss := feed(t, d, fs...)
					if len(ss) == 1 && ss[0].stampFrame != uint64(len(fs)) {
						t.Fatalf("the stamp is of frame %d, the last was %d", ss[0].stampFrame, len(fs))
					}
					got = append(got, ss...)
				}
				t.Run(name+" "+order, func(t *testing.T) { equalSent(t, got, want) })
			}
		}
	}
}

const fragPayload = "The quick brown fox jumps over the lazy dog. 0123456789"

func fragPacket(id uint16, payload string) []byte {
	ip := ipv4(protoTCP, tcpSegment(payload))
	be.PutUint16(ip[4:], id)
	return ip
}

func wantPayload(t testing.TB, ss []sent, want ...string) {
	t.Helper()
	var got []string
	for _, s := range ss {
		got = append(got, s.payload)
	}
	if !slices.Equal(got, want) {
		t.Fatalf("payloads %q, want %q", got, want)
	}
}

// Every packet twice, as some captures have them: one segment.
func TestFragmentsTwice(t *testing.T) {
	fs := fragments4(fragPacket(1, fragPayload), 16)
	var twice [][]byte
	for _, f := range fs {
		twice = append(twice, f, f)
	}
	wantPayload(t, feed(t, NewDecoder(Options{}), twice...), fragPayload)
	wantPayload(t, feed(t, NewDecoder(Options{}), append(slices.Clone(fs), fs...)...), fragPayload)
}

// Of overlapping fragments, the first wins byte by byte.
func TestFragmentsOverlap(t *testing.T) {
	ip := fragPacket(1, fragPayload)
	evil := bytes.Clone(ip)
	for i := 40; i < len(evil); i++ {
		evil[i] = '!'
	}
	good, bad := fragments4(ip, 16), fragments4(evil, 24)
	want := []byte(fragPayload) // of bad[1], the datagram's bytes 24 to 48, all were new
	for i := 24 - 20; i < 48-20; i++ {
		want[i] = '!'
	}
	wantPayload(t, feed(t, NewDecoder(Options{}), good[0], bad[1], good[1], good[2], good[3], good[4]), string(want))
}

func TestFragmentsContradict(t *testing.T) {
	fs := fragments4(fragPacket(1, fragPayload), 16)
	last := len(fs) - 1
	beyond := fragments4(fragPacket(1, fragPayload+fragPayload), 16)[last+2] // beyond the end
	early := bytes.Clone(fs[1])
	early[6] &^= 0x20 // claims to be the last
	wantPayload(t, feed(t, NewDecoder(Options{}), fs[last], beyond, early, fs[0], fs[1], fs[2], fs[3]), fragPayload)
	wantPayload(t, feed(t, NewDecoder(Options{}), fs[3], early, fs[0], fs[1], fs[2], fs[last]), fragPayload)
	// Beyond 65,535 bytes, and of no length.
	over := bytes.Clone(fs[0])
	be.PutUint16(over[6:], 0x1fff)
	empty := bytes.Clone(fs[0])[:20]
	be.PutUint16(empty[2:], 20)
	var seg reassembly.Segment
	for _, b := range [][]byte{over, empty} {
		if v := NewDecoder(Options{}).Decode(packetOf(linkRaw, b), &seg); v != Malformed {
			t.Errorf("%v, want malformed", v)
		}
	}
}

// The snap length cuts fragments, too: what is before the first hole is payload
// and the rest is missing.
func TestFragmentsCut(t *testing.T) {
	fs := fragments4(fragPacket(1, fragPayload), 32)
	cut := fs[1][:20+5]
	ss := feed(t, NewDecoder(Options{}), fs[0], cut, fs[2])
	wantPayload(t, ss, fragPayload[:12+5])
	if ss[0].missing != len(fragPayload)-17 {
		t.Errorf("%d missing", ss[0].missing)
	}
	ss = feed(t, NewDecoder(Options{}), fs[2], cut, fs[1], fs[0])
	wantPayload(t, ss[:1], fragPayload[:17])
}

// The same identification means another datagram after a while.
func TestFragmentsTimeOut(t *testing.T) {
	old, young := fragments4(fragPacket(1, fragPayload), 32), fragments4(fragPacket(1, "another "+fragPayload[8:]), 32)
	for _, c := range []struct {
		name        string
		time, frame int64
		opt         Options
		want        string
	}{
		{"at once", 1, 1, Options{}, fragPayload},
		{"after 31 s", 31e9, 1, Options{}, "another " + fragPayload[8:]},
		{"after a chosen time", 2e9, 1, Options{FragmentTimeout: 1e9}, "another " + fragPayload[8:]},
		{"after many packets", 1, maxAge + 1, Options{}, "another " + fragPayload[8:]},
		{"back in time", -5e9, 1, Options{}, fragPayload},
	} {
		d := NewDecoder(c.opt)
		var seg reassembly.Segment
		p := capture.Packet{Data: old[0], OrigLen: len(old[0]), LinkType: linkRaw, Frame: 1, Time: 1e18}
		d.Decode(&p, &seg)
		got := ""
		for _, f := range young {
			p := capture.Packet{Data: f, OrigLen: len(f), LinkType: linkRaw, Frame: 1 + uint64(c.frame), Time: 1e18 + c.time}
			if d.Decode(&p, &seg) == TCP {
				got = string(seg.Payload)
			}
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// A flood of fragments that never become whole holds what it may and no more,
// and a datagram that comes in between is put together all the same.
func TestFragmentsAreBounded(t *testing.T) {
	flood := func(d *Decoder, n int, size int) {
		var seg reassembly.Segment
		body := make([]byte, size)
		for i := range n {
			f := ipv6(protoFragment, join([]byte{protoTCP, 0}, u16((maxDatagram-size)&^7|1), u32(i), body))
			d.Decode(packetOf(linkRaw, f), &seg)
		}
	}
	opt := Options{MaxDatagrams: 100, MaxFragmentBytes: 1 << 20}
	d := NewDecoder(opt)
	for range 20 {
		flood(d, 1000, 16)
		if len(d.frags.datagrams) > 100 || d.frags.bytes > 1<<20 {
			t.Fatalf("%d datagrams, %d bytes", len(d.frags.datagrams), d.frags.bytes)
		}
		wantPayload(t, feed(t, d, fragments4(fragPacket(1, fragPayload), 16)...), fragPayload)
		d = NewDecoder(opt)
	}
	sum := 0
	for g := d.frags.oldest; g != nil; g = g.newer {
		sum += cap(g.buf)
	}
	if sum != d.frags.bytes {
		t.Errorf("%d bytes are held, %d counted", sum, d.frags.bytes)
	}
}

func TestFragmentsDoNotAllocate(t *testing.T) {
	fs := fragments4(fragPacket(0, fragPayload), 16)
	d := NewDecoder(Options{MaxDatagrams: 64})
	var seg reassembly.Segment
	p := capture.Packet{LinkType: linkRaw}
	id, frame := uint16(0), uint64(0)
	whole := func() {
		id++
		for _, f := range fs {
			be.PutUint16(f[4:], id)
			frame++
			p.Data, p.OrigLen, p.Frame, p.Time = f, len(f), frame, int64(frame)*1e6
			if v := d.Decode(&p, &seg); v != Fragment && v != TCP {
				t.Fatal(v)
			}
		}
		if string(seg.Payload) != fragPayload {
			t.Fatalf("%q", seg.Payload)
		}
	}
	for range 1000 {
		whole()
	}
	if n := testing.AllocsPerRun(1000, whole); n != 0 {
		t.Errorf("%v allocations a datagram", n)
	}
}

func BenchmarkFragments(b *testing.B) {
	fs := fragments4(fragPacket(0, string(make([]byte, 1460))), 400)
	d := NewDecoder(Options{})
	var seg reassembly.Segment
	p := capture.Packet{LinkType: linkRaw}
	b.ReportAllocs()
	for i := range b.N {
		f := fs[i%len(fs)]
		be.PutUint16(f[4:], uint16(i/len(fs)))
		p.Data, p.OrigLen, p.Frame = f, len(f), uint64(i)
		d.Decode(&p, &seg)
	}
}
