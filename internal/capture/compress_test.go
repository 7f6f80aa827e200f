package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
	"github.com/ulikunitz/xz"
)

func compressWith(newWriter func(io.Writer) (io.WriteCloser, error)) func(testing.TB, []byte) []byte {
	return func(t testing.TB, b []byte) []byte {
		t.Helper()
		var out bytes.Buffer
		w, err := newWriter(&out)
		if err == nil {
			_, err = w.Write(b)
		}
		if err == nil {
			err = w.Close()
		}
		if err != nil {
			t.Fatal(err)
		}
		return out.Bytes()
	}
}

var compressors = map[string]func(testing.TB, []byte) []byte{
	"gzip": compressWith(func(w io.Writer) (io.WriteCloser, error) { return gzip.NewWriter(w), nil }),
	"zstd": compressWith(func(w io.Writer) (io.WriteCloser, error) {
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<18))
	}),
	"lz4": compressWith(func(w io.Writer) (io.WriteCloser, error) {
		z := lz4.NewWriter(w)
		return z, z.Apply(lz4.BlockSizeOption(lz4.Block64Kb))
	}),
	"xz": compressWith(func(w io.Writer) (io.WriteCloser, error) {
		return xz.WriterConfig{DictCap: 1 << 18, CheckSum: xz.CRC64}.NewWriter(w)
	}),
}

func TestCompressed(t *testing.T) {
	plain := slurp(t, testdata("base_mix.pcap"))
	want, err := readBytes(t, plain)
	wantKind(t, err, nil)
	for name, compress := range compressors {
		t.Run(name, func(t *testing.T) {
			half := len(plain) / 3
			for _, b := range [][]byte{
				compress(t, plain),
				join(compress(t, plain[:half]), compress(t, plain[half:])), // several members, frames, streams
				join(compress(t, nil), compress(t, plain)),
			} {
				for _, direct := range []bool{true, false} {
					got, err := readStream(t, bytes.NewReader(b), FileOptions{NoReadAhead: direct})
					wantKind(t, err, nil)
					equalRecs(t, got, want)
				}
			}
		})
	}
}

// A compressed capture that ends early is cut, never corrupt, and what can be
// read of it is a beginning of the whole.
func TestCompressedCutAtEveryByte(t *testing.T) {
	want := sample()
	plain := buildPcap(littleMicro, want)
	for name, compress := range compressors {
		t.Run(name, func(t *testing.T) {
			b := join(compress(t, plain[:500]), compress(t, plain[500:]))
			for n := range b {
				got, err := readBytes(t, b[:n])
				switch {
				case n == 0:
					wantKind(t, err, ErrEmpty)
				case sniffCompression(b[:n]) == 0:
					wantKind(t, err, ErrNotCapture)
				case err != nil && !errors.Is(err, ErrTruncated):
					t.Fatalf("cut at byte %d of %d: %v", n, len(b), err)
				}
				if len(got) > len(want) {
					t.Fatal("more packets than there are")
				}
				equalRecs(t, got, want[:len(got)])
				if err == nil && len(got) < len(want) {
					t.Fatalf("cut at byte %d of %d: %d packets and no warning", n, len(b), len(got))
				}
			}
		})
	}
}

// Any byte of the data changed: an error of ours or nothing, and never a panic.
func TestCompressedDamaged(t *testing.T) {
	plain := buildPcap(littleMicro, sample())
	for name, compress := range compressors {
		whole := compress(t, plain)
		corrupt := 0
		for i := range whole {
			b := bytes.Clone(whole)
			b[i] ^= 0x55
			_, err := readBytes(t, b)
			var e *FileError
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("%s, byte %d: %T %v", name, i, err, err)
			}
			if errors.Is(err, ErrCorrupt) {
				corrupt++
			}
		}
		if corrupt < len(whole)/2 {
			t.Errorf("%s: only %d of %d damages were noticed", name, corrupt, len(whole))
		}
	}
}

func TestGzipTrailingGarbage(t *testing.T) {
	b := compressors["gzip"](t, buildPcap(littleMicro, sample()))
	var warned error
	got, err := readStream(t, bytes.NewReader(join(b, make([]byte, 512))), FileOptions{OnWarning: func(err error) { warned = err }})
	wantKind(t, err, nil)
	wantKind(t, warned, ErrTrailing)
	equalRecs(t, got, sample())
}

func TestXzPadding(t *testing.T) {
	plain := buildPcap(littleMicro, sample())
	a, b := compressors["xz"](t, plain[:100]), compressors["xz"](t, plain[100:])
	got, err := readBytes(t, join(a, make([]byte, 8), b, make([]byte, 4)))
	wantKind(t, err, nil)
	equalRecs(t, got, sample())
}

func TestXzChecks(t *testing.T) {
	plain := buildPcap(littleMicro, sample())
	for _, check := range []byte{xz.None, xz.CRC32, xz.CRC64, xz.SHA256} {
		b := compressWith(func(w io.Writer) (io.WriteCloser, error) {
			cfg := xz.WriterConfig{DictCap: 1 << 16, CheckSum: check}
			cfg.NoCheckSum = check == xz.None
			return cfg.NewWriter(w)
		})(t, plain)
		got, err := readBytes(t, b)
		wantKind(t, err, nil)
		equalRecs(t, got, sample())
	}
}

// The dictionary is as large as the file says, up to a limit.
func TestXzDictionaryIsBounded(t *testing.T) {
	b := compressors["xz"](t, buildPcap(littleMicro, sample()))
	const blockHeader = 12
	size := (int(b[blockHeader]) + 1) * 4
	h := b[blockHeader : blockHeader+size]
	at := bytes.Index(h, []byte{0x21, 1}) + 2
	for _, c := range []struct {
		bits byte
		kind error
	}{{28, nil}, {40, ErrCorrupt}, {36, ErrCorrupt}, {41, ErrCorrupt}} { // 64 MiB, 4 GiB, 1 GiB, undefined
		h[at] = c.bits
		binary.LittleEndian.PutUint32(h[size-4:], crc32.ChecksumIEEE(h[:size-4]))
		bound(t, 68<<20, func() {
			_, err := readBytes(t, b)
			wantKind(t, err, c.kind)
		})
	}
}

// A frame header that asks for a window of 2 GiB.
func TestZstdWindowIsBounded(t *testing.T) {
	frame := []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 21 << 3, 0x01, 0, 0}
	bound(t, 4<<20, func() {
		_, err := readBytes(t, frame)
		wantKind(t, err, ErrCorrupt)
	})
	frame[5] = 17 << 3 // 128 MiB are allowed, and allocated once for all files
	path := writeFile(t, "z", frame)
	good := writeFile(t, "good", compressors["zstd"](t, buildPcap(littleMicro, sample())))
	bound(t, 140<<20, func() {
		f, err := OpenFiles([]string{good, path, path, path, path, good}, FileOptions{})
		wantKind(t, err, nil)
		defer f.Close()
		var p Packet
		packets, empty := 0, 0
		for {
			err := f.Next(&p)
			switch {
			case err == io.EOF:
				if packets != 2*len(sample()) || empty != 4 {
					t.Fatalf("%d packets, %d empty files", packets, empty)
				}
				return
			case errors.Is(err, ErrEmpty):
				empty++
			default:
				wantKind(t, err, nil)
				packets++
			}
		}
	})
}

// Tiny blocks, each with the greatest dictionary allowed.
func TestXzManyDictionaries(t *testing.T) {
	stream := compressors["xz"](t, nil)[:12]
	block := []byte{2, 0, 0x21, 1, 28, 0, 0, 0, 0, 0, 0, 0} // LZMA2, 64 MiB
	binary.LittleEndian.PutUint32(block[8:], crc32.ChecksumIEEE(block[:8]))
	empty := append(block, 0, 0, 0, 0) // end of LZMA2, padding
	empty = append(empty, make([]byte, 8)...)
	bound(t, 2<<30, func() {
		_, err := readBytes(t, join(stream, bytes.Repeat(empty, 1000)))
		wantKind(t, err, ErrCorrupt)
	})
}

func FuzzCompressed(f *testing.F) {
	for _, compress := range compressors {
		f.Add(compress(f, buildPcap(littleMicro, sample()[:2])))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		_, err := readBytes(t, b)
		var e *FileError
		if err != nil && !errors.As(err, &e) {
			t.Fatalf("%T %v", err, err)
		}
	})
}
