package capture

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/google/gopacket/pcapgo"
)

func TestPcapStyles(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	for _, s := range []pcapStyle{
		littleMicro,
		{big, magicMicro, 4, 65535, 1},
		{little, magicNano, 4, 65535, 1},
		{big, magicNano, 4, 65535, 1},
		{little, magicModified, 4, 65535, 1},
		{big, magicModified, 4, 65535, 1},
		{little, magicMicro, 4, 0, 1},           // no snap length
		{little, magicMicro, 4, 68, 1},          // a wrong one
		{little, magicMicro, 4, 0xffffffff, 1},  // an absurd one
		{little, magicMicro, 2, 65535, 1},       // lengths in the old order
		{little, magicMicro, 3, 65535, 1},       // lengths in either order
		{little, magicMicro, 4, 65535, 1 | 276}, // more than eight bits
	} {
		rs := sample()
		rs[2].orig = 9000 // cut by a snap length
		for i := range rs {
			rs[i].link = uint16(s.link)
			if s.magic == magicNano {
				rs[i].time += 7
			}
		}
		got, err := readBytes(t, buildPcap(s, rs))
		wantKind(t, err, nil)
		equalRecs(t, got, rs)
	}
}

func TestPcapFrameCheckSequence(t *testing.T) {
	s := littleMicro
	s.link = 0x24000000 | 276 // two 16-bit words of FCS; the link type is below
	f, err := OpenFiles([]string{"-"}, FileOptions{Stdin: bytes.NewReader(buildPcap(s, sample()))})
	wantKind(t, err, nil)
	defer f.Close()
	var p Packet
	wantKind(t, f.Next(&p), nil)
	if p.LinkType != 276 || p.FCSLen != 4 {
		t.Fatalf("link type %d, %d bytes of FCS", p.LinkType, p.FCSLen)
	}
}

// A length on the wire below what was captured is a writer's mistake.
func TestPcapOriginalLengthTooSmall(t *testing.T) {
	rs := sample()
	rs[0].orig = 3
	got, err := readBytes(t, buildPcap(littleMicro, rs))
	wantKind(t, err, nil)
	rs[0].orig = len(rs[0].data)
	equalRecs(t, got, rs)
}

func TestPcapCutAtEveryByte(t *testing.T) {
	rs := sample()
	whole := buildPcap(littleMicro, rs)
	ends := map[int]int{} // file length to the packets that end there
	for i := range rs {
		ends[len(buildPcap(littleMicro, rs[:i+1]))] = i + 1
	}
	ends[pcapHeaderLen] = 0
	complete := 0
	for n := range whole {
		got, err := readBytes(t, whole[:n])
		k, atEnd := ends[n]
		if atEnd {
			complete = k
		}
		switch {
		case n == 0:
			wantKind(t, err, ErrEmpty)
		case n < 4:
			wantKind(t, err, ErrNotCapture)
		case atEnd:
			wantKind(t, err, nil)
		default:
			wantKind(t, err, ErrTruncated)
		}
		equalRecs(t, got, rs[:complete])
	}
}

func TestPcapCorruptLength(t *testing.T) {
	rs := sample()
	for _, n := range []uint32{maxPacket + 1, 1 << 30, 0x7fffffff, 0x80000000, 0xffffffff} {
		b := buildPcap(littleMicro, rs)
		at := len(buildPcap(littleMicro, rs[:3]))
		binary.LittleEndian.PutUint32(b[at+8:], n)
		binary.LittleEndian.PutUint32(b[at+12:], n)
		got, err := readBytes(t, b)
		wantKind(t, err, ErrCorrupt)
		equalRecs(t, got, rs[:3])
		e := err.(*FileError)
		if e.Packet != 3 || e.Offset != int64(at) {
			t.Fatalf("packet %d, byte %d, want 3 and %d", e.Packet, e.Offset, at)
		}
	}
}

func TestPcapCorruptTime(t *testing.T) {
	for frac, kind := range map[uint32]error{999_999_999: nil, 1_000_000_000: ErrCorrupt} {
		b := buildPcap(littleMicro, sample())
		binary.LittleEndian.PutUint32(b[pcapHeaderLen+4:], frac)
		_, err := readBytes(t, b)
		wantKind(t, err, kind)
	}
}

// What an announced length makes us allocate must follow the bytes that come.
func TestPcapHostileLengthIsNotAllocated(t *testing.T) {
	s := littleMicro
	s.snap = maxSnapLen
	b := buildPcap(s, sample())
	binary.LittleEndian.PutUint32(b[pcapHeaderLen+8:], maxSnapLen-1)
	bound(t, 2<<20, func() {
		_, err := readBytes(t, b)
		wantKind(t, err, ErrTruncated)
	})
}

// The library's reader is right on an ordinary capture.
func TestPcapAgreesWithPcapgo(t *testing.T) {
	b := slurp(t, testdata("base_mix.pcap"))
	r, err := pcapgo.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	want, err := readAll(t, FromPacketData(r, uint16(r.LinkType())))
	wantKind(t, err, nil)
	got, err := readBytes(t, b)
	wantKind(t, err, nil)
	if len(want) != 427 {
		t.Fatalf("pcapgo reads %d packets", len(want))
	}
	equalRecs(t, got, want)
}

func FuzzPcap(f *testing.F) {
	rs := sample()
	f.Add(buildPcap(littleMicro, rs))
	f.Add(buildPcap(pcapStyle{binary.BigEndian, magicNano, 4, 0, 276}, rs))
	f.Add(buildPcap(pcapStyle{binary.LittleEndian, magicModified, 3, 9, 1}, rs))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 4 {
			if _, ok := pcapMagic(b); !ok {
				binary.LittleEndian.PutUint32(b, magicMicro)
			}
		}
		sameInPieces(t, b)
	})
}
