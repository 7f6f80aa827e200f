package capture

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"

	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// compression is how a file is compressed.
type compression uint8

const (
	plain compression = iota
	compGzip
	compZstd
	compLz4
	compXz
)

func (c compression) String() string {
	return [...]string{"plain", "gzip", "zstd", "lz4", "xz"}[c]
}

// sniffLen is how many bytes tell the compression.
const sniffLen = 6

// What a decompressor keeps of its past is chosen by the file, so it is bounded:
// for zstd by its own limit (without --long=31), for xz by what xz -9 asks for.
const (
	maxZstdWindow   = 128 << 20
	maxXzDictionary = 64 << 20
)

var xzMagic = []byte("\xfd7zXZ\x00")

// sniffCompression tells the compression by a file's first bytes.
func sniffCompression(h []byte) compression {
	if bytes.HasPrefix(h, xzMagic) {
		return compXz
	}
	if len(h) < 4 {
		return plain
	}
	switch m := binary.LittleEndian.Uint32(h); {
	case m&0xffffff == 0x088b1f: // RFC 1952, method deflate
		return compGzip
	case m == 0xfd2fb528, m&^0xf == 0x184d2a50: // RFC 8878: frame, skippable frame
		return compZstd
	case m == 0x184d2204, m == 0x184c2102: // frame, legacy frame
		return compLz4
	}
	return plain
}

// decompressors makes the readers of compressed data for one file after the
// other.
type decompressors struct {
	// spare is a zstd decoder for reuse: it holds on to its window.
	spare chan *zstd.Decoder
}

func newDecompressors() decompressors { return decompressors{make(chan *zstd.Decoder, 1)} }

// reader returns a reader of the uncompressed bytes and what releases it. warn
// is told of data that was left unread at the end.
func (d decompressors) reader(c compression, br *bufio.Reader, warn func(error)) (io.Reader, func()) {
	nothing := func() {}
	switch c {
	case compGzip:
		return &gzipMembers{br: br, warn: warn}, nothing
	case compZstd:
		return d.zstd(br)
	case compLz4:
		return lz4.NewReader(br), nothing
	case compXz:
		return &xzReader{br: br}, nothing
	}
	return br, nothing
}

func (d decompressors) zstd(br *bufio.Reader) (io.Reader, func()) {
	var z *zstd.Decoder
	var err error
	select {
	case z = <-d.spare:
		err = z.Reset(br)
	default:
		z, err = zstd.NewReader(br,
			zstd.WithDecoderConcurrency(1), // no goroutines of its own: little memory
			zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow),
			zstd.WithDecoderMaxMemory(1<<62), // the whole stream may be of any length
		)
	}
	if err != nil {
		return errorReader{err}, func() {}
	}
	return z, func() {
		_ = z.Reset(nil) // forget the file; cannot fail without a reader
		select {
		case d.spare <- z:
		default:
			z.Close()
		}
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// input is the bottom of the pile: it counts the bytes of the file itself, and
// remembers whether a failure was the system's and whether the end was reached,
// which tells a cut compressed file from a corrupt one.
type input struct {
	r       io.Reader
	counted func(n int)
	err     error // other than io.EOF
	atEnd   bool
}

func (in *input) Read(p []byte) (int, error) {
	n, err := in.r.Read(p)
	in.counted(n)
	switch {
	case err == io.EOF:
		in.atEnd = true
	case err != nil:
		in.err = err
	}
	return n, err
}

// explained turns a decompressor's errors into *FileError.
type explained struct {
	r  io.Reader
	c  compression
	in *input
}

func (e *explained) Read(p []byte) (int, error) {
	n, err := e.r.Read(p)
	if err == nil || err == io.EOF && e.in.err == nil {
		return n, err
	}
	return n, e.explain(err)
}

func (e *explained) explain(err error) error {
	switch {
	case e.in.err != nil:
		return &FileError{Kind: ErrUnreadable, Offset: -1, Cause: e.in.err}
	case e.in.atEnd && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF)):
		return &FileError{Kind: ErrTruncated, Offset: -1, Detail: "the " + e.c.String() + " data ends early"}
	}
	return &FileError{Kind: ErrCorrupt, Offset: -1, Detail: "bad " + e.c.String() + " data", Cause: err}
}
