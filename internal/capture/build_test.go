package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// rec is one packet of a capture that a test builds or reads.
type rec struct {
	time  int64
	orig  int
	link  uint16
	iface int
	data  string
}

func (r rec) String() string {
	return fmt.Sprintf("{%d orig=%d link=%d if=%d %d bytes %.8x}", r.time, r.orig, r.link, r.iface, len(r.data), r.data)
}

// sample is a few packets of different lengths, all times at full microseconds.
func sample() []rec {
	var rs []rec
	for i, n := range []int{60, 0, 1514, 66, 1, 333} {
		b := make([]byte, n)
		for j := range b {
			b[j] = byte(i*31 + j)
		}
		rs = append(rs, rec{time: 1700000000e9 + int64(i)*1_234_567_000, orig: n, link: 1, data: string(b)})
	}
	return rs
}

type pcapStyle struct {
	order binary.AppendByteOrder
	magic uint32
	minor uint16
	snap  uint32
	link  uint32
}

var littleMicro = pcapStyle{binary.LittleEndian, magicMicro, 4, 65535, 1}

// buildPcap writes the classic format.
func buildPcap(s pcapStyle, rs []rec) []byte {
	o := s.order
	b := o.AppendUint32(nil, s.magic)
	b = o.AppendUint16(b, 2)
	b = o.AppendUint16(b, s.minor)
	b = append(b, make([]byte, 8)...)
	b = o.AppendUint32(b, s.snap)
	b = o.AppendUint32(b, s.link)
	unit := int64(1000)
	if s.magic == magicNano {
		unit = 1
	}
	for _, r := range rs {
		b = o.AppendUint32(b, uint32(r.time/1e9))
		b = o.AppendUint32(b, uint32(r.time%1e9/unit))
		lens := [2]uint32{uint32(len(r.data)), uint32(r.orig)}
		if s.minor < 3 {
			lens[0], lens[1] = lens[1], lens[0]
		}
		b = o.AppendUint32(b, lens[0])
		b = o.AppendUint32(b, lens[1])
		if s.magic == magicModified {
			b = append(b, "ifixprt\x00"...)
		}
		b = append(b, r.data...)
	}
	return b
}

// ngBlock writes one pcapng block.
func ngBlock(o binary.AppendByteOrder, kind uint32, body []byte) []byte {
	for len(body)%4 != 0 {
		body = append(body, 0)
	}
	n := uint32(len(body) + minBlock)
	b := o.AppendUint32(nil, kind)
	b = o.AppendUint32(b, n)
	b = append(b, body...)
	return o.AppendUint32(b, n)
}

func ngSection(o binary.AppendByteOrder) []byte {
	b := o.AppendUint32(nil, byteOrderMagic)
	b = o.AppendUint16(b, 1)
	b = o.AppendUint16(b, 0)
	return ngBlock(o, blockSection, append(b, bytes.Repeat([]byte{0xff}, 8)...))
}

func ngOption(o binary.AppendByteOrder, code uint16, v []byte) []byte {
	b := o.AppendUint16(nil, code)
	b = o.AppendUint16(b, uint16(len(v)))
	b = append(b, v...)
	for len(b)%4 != 0 {
		b = append(b, 0)
	}
	return b
}

func ngInterface(o binary.AppendByteOrder, link uint16, snap uint32, options ...[]byte) []byte {
	b := o.AppendUint16(nil, link)
	b = o.AppendUint16(b, 0)
	b = o.AppendUint32(b, snap)
	for _, v := range options {
		b = append(b, v...)
	}
	return ngBlock(o, blockInterface, b)
}

// ngEnhanced writes an Enhanced Packet Block, its time in the interface's units.
func ngEnhanced(o binary.AppendByteOrder, iface uint32, t uint64, r rec) []byte {
	b := o.AppendUint32(nil, iface)
	b = o.AppendUint32(b, uint32(t>>32))
	b = o.AppendUint32(b, uint32(t))
	b = o.AppendUint32(b, uint32(len(r.data)))
	b = o.AppendUint32(b, uint32(r.orig))
	return ngBlock(o, blockEnhanced, append(b, r.data...))
}

func ngSimple(o binary.AppendByteOrder, r rec) []byte {
	return ngBlock(o, blockSimple, append(o.AppendUint32(nil, uint32(r.orig)), r.data...))
}

// buildPcapng writes packets the plainest way.
func buildPcapng(o binary.AppendByteOrder, rs []rec) []byte {
	b := append(ngSection(o), ngInterface(o, 1, 0)...)
	for _, r := range rs {
		b = append(b, ngEnhanced(o, 0, uint64(r.time/1000), r)...)
	}
	return b
}

// readAll reads a source to its end and checks what holds for every packet.
func readAll(t testing.TB, s Source) ([]rec, error) {
	t.Helper()
	var rs []rec
	var p Packet
	for {
		err := s.Next(&p)
		if err == io.EOF {
			return rs, nil
		}
		if err != nil {
			return rs, err
		}
		if p.Frame != uint64(len(rs)+1) {
			t.Fatalf("packet %d has frame number %d", len(rs)+1, p.Frame)
		}
		if p.OrigLen < len(p.Data) || p.Interface < 0 {
			t.Fatalf("packet %d: %d bytes of %d, interface %d", p.Frame, len(p.Data), p.OrigLen, p.Interface)
		}
		rs = append(rs, rec{p.Time, p.OrigLen, p.LinkType, p.Interface, string(p.Data)})
	}
}

// readStream reads r as standard input.
func readStream(t testing.TB, r io.Reader, opt FileOptions) ([]rec, error) {
	t.Helper()
	opt.Stdin = r
	f, err := OpenFiles([]string{"-"}, opt)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return readAll(t, f)
}

func readBytes(t testing.TB, b []byte) ([]rec, error) {
	t.Helper()
	return readStream(t, bytes.NewReader(b), FileOptions{NoReadAhead: true})
}

func equalRecs(t testing.TB, got, want []rec) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets, want %d", len(got), len(want))
	}
	for i := range got {
		if got[i] != want[i] {
			t.Fatalf("packet %d: %v, want %v", i+1, got[i], want[i])
		}
	}
}

// wantKind checks an error's kind and that it fits on one line; nil is none.
func wantKind(t testing.TB, err, kind error) {
	t.Helper()
	if kind == nil {
		if err != nil {
			t.Fatalf("error %v", err)
		}
		return
	}
	var e *FileError
	if !errors.Is(err, kind) || !errors.As(err, &e) {
		t.Fatalf("error %v, want %v", err, kind)
	}
	if e.Path == "" || bytes.ContainsAny([]byte(err.Error()), "\n\r") {
		t.Fatalf("error text %q", err)
	}
}

func testdata(name string) string { return filepath.Join("..", "..", "testdata", "pcaps", name) }

func writeFile(t testing.TB, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
