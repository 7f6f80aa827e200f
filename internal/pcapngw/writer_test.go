package pcapngw

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket/pcapgo"
)

type packet struct {
	iface   int
	ns      int64
	data    []byte
	origLen int
}

// samplePackets are UDP packets of Ethernet with all lengths of padding.
func samplePackets(n int) []packet {
	r := rand.New(rand.NewPCG(1, 2))
	all := make([]packet, n)
	for i := range all {
		data := []byte("\x00\x01\x02\x03\x04\x05\x00\x01\x02\x03\x04\x06\x08\x00" +
			"\x45\x00\x00\x40\x00\x01\x40\x00\x40\x11\x00\x00\x0a\x00\x00\x01\x0a\x00\x00\x02" +
			"\x15\x38\x15\x39\x00\x2c\x00\x00")
		for range r.IntN(40) {
			data = append(data, byte(r.Uint32()))
		}
		all[i] = packet{iface: i % 2, ns: 1_700_000_000_123_456_789 + int64(i)*1_000_003, data: data, origLen: len(data) + i%3*100}
	}
	return all
}

func newWriter(t *testing.T, o Options) *Writer {
	t.Helper()
	w, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	for _, i := range []Interface{
		{Name: "eth0", Description: "first", LinkType: 1, SnapLen: 262144, Filter: "tcp port 5432"},
		{Name: "lo", LinkType: 1},
	} {
		if _, err := w.AddInterface(i); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

func writeAll(t *testing.T, w *Writer, packets []packet) {
	t.Helper()
	for _, p := range packets {
		if err := w.Write(p.iface, p.ns, p.data, p.origLen); err != nil {
			t.Fatal(err)
		}
	}
}

// readBack reads a file with a reader of somebody else's.
func readBack(t *testing.T, name string) (packets []packet, r *pcapgo.NgReader) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	r, err = pcapgo.NewNgReader(f, pcapgo.NgReaderOptions{WantMixedLinkType: true})
	if err != nil {
		t.Fatal(err)
	}
	for {
		data, ci, err := r.ReadPacketData()
		if errors.Is(err, io.EOF) {
			return packets, r
		}
		if err != nil {
			t.Fatalf("%s: packet %d: %v", name, len(packets), err)
		}
		packets = append(packets, packet{ci.InterfaceIndex, ci.Timestamp.UnixNano(), data, ci.Length})
	}
}

func sameAs(t *testing.T, got, want []packet) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d packets were read, %d written", len(got), len(want))
	}
	for i, g := range got {
		w := want[i]
		if g.iface != w.iface || g.ns != w.ns || g.origLen != w.origLen || !bytes.Equal(g.data, w.data) {
			t.Fatalf("packet %d is %v, was %v", i, g, w)
		}
	}
}

func TestReadBack(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.pcapng")
	w := newWriter(t, Options{Path: name, App: "pgsniff 1.2"})
	want := samplePackets(3000)
	writeAll(t, w, want[:2000])
	if err := w.Secrets(SecretsTLS, []byte("CLIENT_RANDOM 00 11\n")); err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, want[2000:])
	w.SetStatistics(0, Statistics{Received: 5000, InterfaceDropped: 3, KernelDropped: 7})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, r := readBack(t, name)
	sameAs(t, got, want)
	if app := r.SectionInfo().Application; app != "pgsniff 1.2" {
		t.Errorf("application is %q", app)
	}
	if os := r.SectionInfo().OS; os == "" {
		t.Error("no operating system")
	}
	first, err := r.Interface(0)
	if err != nil {
		t.Fatal(err)
	}
	if first.Name != "eth0" || first.Description != "first" || first.SnapLength != 262144 || first.Filter != "tcp port 5432" {
		t.Errorf("interface is %+v", first)
	}
	if s := first.Statistics; s.PacketsReceived != 5000 || s.PacketsDropped != 3 {
		t.Errorf("statistics are %+v", s)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode is %v, %v", info.Mode(), err)
	}
}

// blocks lists a file's blocks and fails where they do not follow each other
// without a gap.
func blocks(t *testing.T, b []byte) (types []uint32, bodies [][]byte) {
	t.Helper()
	for len(b) > 0 {
		if len(b) < 12 {
			t.Fatalf("%d bytes are left over", len(b))
		}
		n := int(binary.LittleEndian.Uint32(b[4:]))
		if n < 12 || n%4 != 0 || n > len(b) || binary.LittleEndian.Uint32(b[n-4:]) != uint32(n) {
			t.Fatalf("a block of length %d, with %d bytes left", n, len(b))
		}
		types = append(types, binary.LittleEndian.Uint32(b))
		bodies = append(bodies, b[8:n-4])
		b = b[n:]
	}
	return types, bodies
}

// TestWholeAfterEachWrite holds that what the system has is at all times a
// file of whole blocks.
func TestWholeAfterEachWrite(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.pcapng")
	w := newWriter(t, Options{Path: name})
	last := int64(0)
	written, checked := 0, 0
	for i, p := range samplePackets(20000) {
		writeAll(t, w, []packet{p})
		written++
		if i%5000 == 4999 {
			if err := w.Flush(); err != nil {
				t.Fatal(err)
			}
		}
		if w.flushed == last {
			continue
		}
		last = w.flushed
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		types, _ := blocks(t, b)
		if i%5000 == 4999 && len(types) != 3+written {
			t.Fatalf("%d blocks after Flush and %d packets", len(types), written)
		}
		checked++
	}
	if checked < 8 {
		t.Errorf("only %d writes were seen", checked)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestRotateSize(t *testing.T) {
	dir := t.TempDir()
	tick := time.Date(2026, 11, 21, 9, 30, 0, 0, time.UTC)
	w := newWriter(t, Options{
		Path: filepath.Join(dir, "trace.pcapng"), RotateSize: 20000,
		now: func() time.Time { tick = tick.Add(time.Second); return tick },
	})
	if err := w.Secrets(SecretsTLS, []byte("CLIENT_RANDOM aa bb\n")); err != nil {
		t.Fatal(err)
	}
	want := samplePackets(2000)
	writeAll(t, w, want)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ := filepath.Glob(filepath.Join(dir, "trace_0*.pcapng"))
	if len(names) < 8 {
		t.Fatalf("only %d files: %v", len(names), names)
	}
	if base := filepath.Base(names[0]); base != "trace_00001_20261121093001.pcapng" {
		t.Errorf("the first is named %s", base)
	}
	var got []packet
	for i, name := range names {
		b, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if len(b) > 20000 || (i < len(names)-1 && len(b) < 19000) {
			t.Errorf("%s has %d bytes", name, len(b))
		}
		types, bodies := blocks(t, b)
		if n := bytes.Count(bytes.Join(bodies, nil), []byte("CLIENT_RANDOM aa bb\n")); n != 1 {
			t.Errorf("%s has the secrets %d times", name, n)
		}
		if types[0] != blockSection || types[len(types)-1] != blockStatistics {
			t.Errorf("%s begins with block %#x and ends with %#x", name, types[0], types[len(types)-1])
		}
		part, _ := readBack(t, name)
		got = append(got, part...)
	}
	sameAs(t, got, want)
}

func TestRotateTimeKeepsSomeFiles(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "ring")
	mine := filepath.Join(dir, "ring_00000_by_hand")
	if err := os.WriteFile(mine, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	w := newWriter(t, Options{Path: path, RotateTime: 100 * time.Millisecond, MaxFiles: 3})
	want := samplePackets(1000) // one each millisecond
	writeAll(t, w, want[:500])
	names, _ := filepath.Glob(path + "_0000[1-9]_*")
	if len(names) != 3 {
		t.Fatalf("files are %v", names)
	}
	// One that was moved away must not hinder.
	if err := os.Remove(names[0]); err != nil {
		t.Fatal(err)
	}
	writeAll(t, w, want[500:])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	names, _ = filepath.Glob(path + "_000??_2*")
	if len(names) != 3 || !strings.Contains(names[2], "_00010_") {
		t.Fatalf("files are %v", names)
	}
	var got []packet
	for _, name := range names {
		part, _ := readBack(t, name)
		if span := part[len(part)-1].ns - part[0].ns; span >= 1e8 {
			t.Errorf("%s spans %d ns", name, span)
		}
		got = append(got, part...)
	}
	sameAs(t, got, want[1000-len(got):])
	if _, err := os.Stat(mine); err != nil {
		t.Error("a file that the writer did not make is gone: ", err)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]Options{
		"no path":       {},
		"no directory":  {Path: filepath.Join(dir, "missing", "a.pcapng")},
		"a directory":   {Path: dir},
		"files alone":   {Path: filepath.Join(dir, "a"), MaxFiles: 3},
		"negative size": {Path: filepath.Join(dir, "a"), RotateSize: -1},
	} {
		if w, err := New(o); err == nil {
			w.Close()
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), "cannot write packets") {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := New(Options{Path: filepath.Join(dir, "missing", "a.pcapng")})
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v does not tell that the directory is missing", err)
	}
}

func TestWriteErrors(t *testing.T) {
	w := newWriter(t, Options{Path: filepath.Join(t.TempDir(), "a.pcapng")})
	for _, iface := range []int{-1, 2} {
		if w.Write(iface, 0, nil, 0) == nil {
			t.Errorf("a packet of interface %d was taken", iface)
		}
	}
	if w.Write(0, 0, make([]byte, maxPacket+1), 0) == nil {
		t.Error("a packet too long was taken")
	}
	if err := w.Write(0, -5, []byte{1}, 0); err != nil {
		t.Errorf("an odd packet was refused: %v", err)
	}
	w.file.Close()
	if err := w.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Flush says %v", err)
	}
	if err := w.Write(0, 0, nil, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("the error is forgotten: %v", err)
	}
}

// TestFullDisk holds that no half block stays where the disk ran full.
func TestFullDisk(t *testing.T) {
	if _, err := os.Stat("/dev/full"); err != nil {
		t.Skip("no /dev/full: ", err)
	}
	w, err := New(Options{Path: "/dev/full"})
	if err == nil {
		w.Close()
		t.Fatal("the section was written to a full disk")
	}
	if !strings.Contains(err.Error(), "no space left") {
		t.Errorf("the error is %v", err)
	}
}

func TestCloseTwice(t *testing.T) {
	w := newWriter(t, Options{Path: filepath.Join(t.TempDir(), "a.pcapng")})
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Errorf("the second Close says %v", err)
	}
	if err := w.Write(0, 0, nil, 0); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Write after Close says %v", err)
	}
}

func TestLargePackets(t *testing.T) {
	name := filepath.Join(t.TempDir(), "a.pcapng")
	w := newWriter(t, Options{Path: name})
	var want []packet
	for i, n := range []int{0, 1, bufferSize - packetHead - blockTail, bufferSize, 8 * bufferSize, 3} {
		want = append(want, packet{i % 2, int64(i), bytes.Repeat([]byte{byte(i)}, n), n})
	}
	writeAll(t, w, want)
	if err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if cap(w.buf) > 4*bufferSize {
		t.Errorf("a buffer of %d bytes is kept", cap(w.buf))
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got, _ := readBack(t, name)
	sameAs(t, got, want)
}

func TestWriteAllocatesNothing(t *testing.T) {
	w := newWriter(t, Options{Path: filepath.Join(t.TempDir(), "a.pcapng")})
	defer w.Close()
	p := samplePackets(1)[0]
	if n := testing.AllocsPerRun(20000, func() {
		if err := w.Write(p.iface, p.ns, p.data, p.origLen); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func BenchmarkWrite(b *testing.B) {
	w, err := New(Options{Path: os.DevNull})
	if err != nil {
		b.Fatal(err)
	}
	defer w.Close()
	iface, err := w.AddInterface(Interface{Name: "eth0", LinkType: 1})
	if err != nil {
		b.Fatal(err)
	}
	data := make([]byte, 150)
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if err := w.Write(iface, 1, data, len(data)); err != nil {
			b.Fatal(err)
		}
	}
}
