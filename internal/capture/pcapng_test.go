package capture

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"
)

var (
	little = binary.LittleEndian
	big    = binary.BigEndian
)

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

func TestPcapngByteOrders(t *testing.T) {
	for _, o := range []binary.AppendByteOrder{little, big} {
		got, err := readBytes(t, buildPcapng(o, sample()))
		wantKind(t, err, nil)
		equalRecs(t, got, sample())
	}
}

// Sections have their own byte order and interfaces; interfaces have their own
// link types; blocks that mean nothing to us may stand anywhere.
func TestPcapngSectionsAndInterfaces(t *testing.T) {
	r := sample()[0]
	junk := ngBlock(little, 0x0bad1dea, []byte("custom"))
	names := ngBlock(little, 4, make([]byte, 4))
	stats := ngBlock(little, 5, make([]byte, 12))
	old := join(
		little.AppendUint16(nil, 1), little.AppendUint16(nil, 99), // interface, drops
		little.AppendUint32(nil, 0), little.AppendUint32(nil, 5_000_000),
		little.AppendUint32(nil, 4), little.AppendUint32(nil, 60), []byte("abcd"))
	comment := ngOption(little, 1, []byte("a comment"))
	file := join(
		ngSection(little), junk,
		ngInterface(little, 1, 0), names, ngInterface(little, 276, 0, comment),
		ngEnhanced(little, 1, 2_000_000, r), stats,
		ngBlock(little, blockPacketOld, old),
		ngSimple(little, rec{orig: 5, data: "hello"}),
		ngSection(big),
		ngInterface(big, 101, 0),
		ngEnhanced(big, 0, 3_000_000, r),
	)
	got, err := readBytes(t, file)
	wantKind(t, err, nil)
	equalRecs(t, got, []rec{
		{2e9, r.orig, 276, 1, r.data},
		{5e9, 60, 276, 1, "abcd"},
		{0, 5, 1, 0, "hello"},
		{3e9, r.orig, 101, 2, r.data},
	})
}

func TestPcapngSimplePacketIsCutAtSnapLength(t *testing.T) {
	file := join(ngSection(little), ngInterface(little, 1, 3),
		ngSimple(little, rec{orig: 9, data: "abc"}), ngSimple(little, rec{orig: 2, data: "ab"}))
	got, err := readBytes(t, file)
	wantKind(t, err, nil)
	equalRecs(t, got, []rec{{0, 9, 1, 0, "abc"}, {0, 2, 1, 0, "ab"}})
}

func TestPcapngTimes(t *testing.T) {
	resol := func(v byte) []byte { return ngOption(little, optTsResol, []byte{v}) }
	offset := func(s int64) []byte { return ngOption(little, optTsOffset, little.AppendUint64(nil, uint64(s))) }
	for _, c := range []struct {
		name    string
		options []byte
		stamp   uint64
		want    int64
	}{
		{"microseconds by default", nil, 1_700_000_000_123_456, 1_700_000_000_123_456_000},
		{"seconds", resol(0), 1_700_000_000, 1_700_000_000e9},
		{"milliseconds", resol(3), 1_700_000_000_123, 1_700_000_000_123_000_000},
		{"nanoseconds", resol(9), 1_700_000_000_123_456_789, 1_700_000_000_123_456_789},
		{"picoseconds", resol(12), 1_700_000_123_456_789, 1_700_000_123_456},
		{"finest decimal", resol(28), 10_000_000_000_000_000_000, 1},
		{"decimal beyond use", resol(29), 1 << 63, 0},
		{"2^-1", resol(0x81), 3, 1_500_000_000},
		{"2^-20", resol(0x94), 1_700_000_000<<20 | 1<<19, 1_700_000_000_500_000_000},
		{"2^-32", resol(0xa0), 1_700_000_000<<32 | 1<<30, 1_700_000_000_250_000_000},
		{"2^-63", resol(0xbf), 1 << 62, 500_000_000},
		{"binary beyond use", resol(0xc0), 1 << 63, 0},
		{"offset", offset(1_700_000_000), 123_456, 1_700_000_000_000_000_000 + 123_456_000},
		{"offset back", offset(-3600), 7_200_000_000, 3600e9},
		{"offset beyond use", offset(math.MaxInt64), 1, 0},
		{"offset over the end", join(resol(0), offset(9_223_372_036)), 9_223_372_036, 0},
		{"time beyond use", nil, math.MaxUint64, 0},
		{"binary time beyond use", resol(0x80), math.MaxUint64, 0},
		{"option of a wrong length", ngOption(little, optTsResol, []byte{9, 9}), 1, 1000},
		{"options broken off", []byte{9, 0, 200, 0}, 1, 1000},
		{"options ended", join(make([]byte, 4), resol(9)), 1, 1000},
	} {
		file := join(ngSection(little), ngInterface(little, 1, 0, c.options), ngEnhanced(little, 0, c.stamp, rec{}))
		got, err := readBytes(t, file)
		wantKind(t, err, nil)
		if len(got) != 1 || got[0].time != c.want {
			t.Errorf("%s: %v, want %d", c.name, got, c.want)
		}
	}
}

func TestPcapngFrameCheckSequence(t *testing.T) {
	for v, want := range map[byte]uint8{4: 4, 32: 0} { // bytes; some writers mean bits
		file := join(ngSection(little), ngInterface(little, 1, 0, ngOption(little, optFCSLen, []byte{v})), ngEnhanced(little, 0, 0, rec{}))
		f, err := OpenFiles([]string{"-"}, FileOptions{Stdin: bytes.NewReader(file)})
		wantKind(t, err, nil)
		var p Packet
		wantKind(t, f.Next(&p), nil)
		if p.FCSLen != want {
			t.Errorf("if_fcslen %d: %d", v, p.FCSLen)
		}
		f.Close()
	}
}

func TestPcapngSecrets(t *testing.T) {
	type secret struct {
		kind uint32
		data string
	}
	var got []secret
	opt := FileOptions{OnSecrets: func(kind uint32, data []byte) { got = append(got, secret{kind, string(data)}) }}
	f, err := OpenFiles([]string{testdata("v_tls13_dsb.pcapng")}, opt)
	wantKind(t, err, nil)
	defer f.Close()
	rs, err := readAll(t, f)
	wantKind(t, err, nil)
	const tlsKeyLog = 0x544c534b
	if len(rs) != 96 || len(got) != 1 || got[0].kind != tlsKeyLog ||
		!bytes.Contains([]byte(got[0].data), []byte("CLIENT_TRAFFIC_SECRET_0 ")) {
		t.Fatalf("%d packets, secrets %v", len(rs), got)
	}
}

func TestPcapngCutAtEveryByte(t *testing.T) {
	rs := sample()
	whole := buildPcapng(little, rs)
	ends := map[int]int{len(ngSection(little)): 0}
	for i := range len(rs) + 1 {
		ends[len(buildPcapng(little, rs[:i]))] = i
	}
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

func TestPcapngCorrupt(t *testing.T) {
	good := buildPcapng(little, sample())
	set := func(at int, v uint32) []byte {
		return join(ngSection(little), ngInterface(little, 1, 0), ngEnhanced(little, 0, 1, rec{data: "good"}),
			func() []byte {
				b := ngEnhanced(little, 0, 1, rec{data: "evil"})
				little.PutUint32(b[at:], v)
				return b
			}())
	}
	for name, b := range map[string][]byte{
		"length 0":                 set(4, 0),
		"length below the least":   set(4, 8),
		"length no multiple of 4":  set(4, 37),
		"length of 4 GiB":          set(4, 0xfffffffc),
		"lengths differ":           set(32, 40),
		"unknown interface":        set(8, 1),
		"captured beyond block":    set(20, 5),
		"captured far beyond":      set(20, 0xffffffff),
		"section without magic":    join(good, ngBlock(little, blockSection, make([]byte, 16))),
		"version 2":                join(good, ngBlock(little, blockSection, join(little.AppendUint32(nil, byteOrderMagic), []byte{2, 0, 0, 0}, make([]byte, 8)))),
		"short section":            join(good, ngBlock(little, blockSection, little.AppendUint32(nil, byteOrderMagic))),
		"short interface":          join(good, ngBlock(little, blockInterface, make([]byte, 4))),
		"short packet":             join(good, ngBlock(little, blockEnhanced, make([]byte, 16))),
		"short old packet":         join(good, ngBlock(little, blockPacketOld, make([]byte, 16))),
		"short simple packet":      join(good, ngBlock(little, blockSimple, nil)),
		"simple without interface": join(good, ngSection(little), ngSimple(little, rec{})),
		"short secrets":            join(good, ngBlock(little, blockSecrets, make([]byte, 4))),
		"secrets beyond block":     join(good, ngBlock(little, blockSecrets, []byte{1, 0, 0, 0, 9, 0, 0, 0, 1, 2, 3, 4})),
	} {
		got, err := readBytes(t, b)
		if len(got) == 0 {
			t.Errorf("%s: the packets before were lost", name)
		}
		t.Run(name, func(t *testing.T) { wantKind(t, err, ErrCorrupt) })
	}
}

func TestPcapngHostileIsNotAllocated(t *testing.T) {
	head := join(ngSection(little), ngInterface(little, 1, 0))
	long := join(head, little.AppendUint32(nil, blockEnhanced), little.AppendUint32(nil, maxBlock-maxBlock%4), make([]byte, 100))
	bound(t, 2<<20, func() {
		_, err := readBytes(t, long)
		wantKind(t, err, ErrTruncated)
	})
	many := bytes.Repeat(ngInterface(little, 1, 0), maxInterfaces+10)
	bound(t, 32<<20, func() {
		_, err := readBytes(t, join(head, many))
		wantKind(t, err, ErrCorrupt)
	})
}

func FuzzPcapng(f *testing.F) {
	rs := sample()[:3]
	f.Add(buildPcapng(little, rs))
	f.Add(buildPcapng(big, rs))
	f.Add(join(ngSection(little), ngInterface(little, 1, 4, ngOption(little, optTsResol, []byte{0x94})),
		ngSimple(little, rec{orig: 5, data: "hell"}), ngSection(big), ngInterface(big, 101, 0), ngEnhanced(big, 0, 1, rec{data: "x"})))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) >= 4 {
			little.PutUint32(b, blockSection)
		}
		sameInPieces(t, b)
	})
}
