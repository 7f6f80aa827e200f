package capture

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"hash/crc64"
	"io"

	"github.com/ulikunitz/xz/lzma"
)

// xzReader reads the container of "The .xz File Format" 1.2.0 and leaves LZMA2
// to the library. The library's own container reader allocates the dictionary
// that a file asks for, up to 4 GiB; this one refuses beyond
// maxXzDictionary, and a file that makes it allocate much to yield little.
type xzReader struct {
	br      *bufio.Reader
	counted countingReader // what the current block has taken
	block   *lzma.Reader2  // nil between blocks
	sum     hash.Hash      // of the block's uncompressed bytes; nil for none
	sumLen  int
	stream  bool // inside a stream
	streams int
	err     error

	yielded    int64 // uncompressed bytes so far
	dictionary int64 // sum of the dictionaries so far
}

// countingReader counts what passes, and offers ReadByte so that the decoder
// does not read ahead.
type countingReader struct {
	br *bufio.Reader
	n  int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.br.Read(p)
	c.n += int64(n)
	return n, err
}

func (c *countingReader) ReadByte() (byte, error) {
	b, err := c.br.ReadByte()
	if err == nil {
		c.n++
	}
	return b, err
}

func (x *xzReader) Read(p []byte) (int, error) {
	for x.err == nil {
		if x.block == nil {
			x.err = x.advance()
			continue
		}
		n, err := x.block.Read(p)
		x.yielded += int64(n)
		if x.sum != nil {
			x.sum.Write(p[:n])
		}
		if err == io.EOF {
			err = x.endBlock()
		}
		x.err = err
		if n > 0 {
			return n, nil
		}
	}
	return 0, x.err
}

// advance goes to the next block, over the ends and beginnings of streams;
// io.EOF at a clean end of the file.
func (x *xzReader) advance() error {
	if !x.stream {
		return x.beginStream()
	}
	size, err := x.br.ReadByte()
	if err != nil {
		return unexpected(err)
	}
	if size == 0 {
		x.stream = false
		return x.skipIndex()
	}
	return x.beginBlock(size)
}

func (x *xzReader) full(b []byte) error {
	_, err := io.ReadFull(x.br, b)
	return unexpected(err)
}

func unexpected(err error) error {
	if err == io.EOF {
		return io.ErrUnexpectedEOF
	}
	return err
}

// beginStream reads a Stream Header, after Stream Padding (groups of four zero
// bytes) where a stream has gone before.
func (x *xzReader) beginStream() error {
	var h [12]byte
	for {
		_, err := io.ReadFull(x.br, h[:4])
		if err == io.EOF && x.streams > 0 {
			return io.EOF
		}
		if err != nil {
			return unexpected(err)
		}
		if x.streams == 0 || binary.LittleEndian.Uint32(h[:]) != 0 {
			break
		}
	}
	if err := x.full(h[4:]); err != nil {
		return err
	}
	if !bytes.Equal(h[:6], xzMagic) {
		return errors.New("no stream header")
	}
	if binary.LittleEndian.Uint32(h[8:]) != crc32.ChecksumIEEE(h[6:8]) {
		return errors.New("stream header checksum")
	}
	if h[6] != 0 || h[7]&0xf0 != 0 {
		return errors.New("reserved stream flags are set")
	}
	x.setCheck(h[7])
	x.stream = true
	x.streams++
	return nil
}

// setCheck chooses the check of uncompressed data. One that is not known is
// skipped over: its length follows from its number.
func (x *xzReader) setCheck(id byte) {
	x.sumLen = [...]int{0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64}[id&0xf]
	x.sum = nil
	switch id {
	case 1:
		x.sum = crc32.NewIEEE()
	case 4:
		x.sum = crc64.New(crc64.MakeTable(crc64.ECMA))
	case 10:
		x.sum = sha256.New()
	}
}

// beginBlock reads a Block Header, whose first byte gives its length.
func (x *xzReader) beginBlock(size byte) error {
	h := make([]byte, (int(size)+1)*4)
	h[0] = size
	if err := x.full(h[1:]); err != nil {
		return err
	}
	body := h[:len(h)-4]
	if binary.LittleEndian.Uint32(h[len(body):]) != crc32.ChecksumIEEE(body) {
		return errors.New("block header checksum")
	}
	dict, err := xzDictionary(body)
	if err != nil {
		return err
	}
	// Every block has a dictionary of its own, to be allocated and cleared.
	// xz --block-size=1MiB -9 asks for 64 bytes of it a byte.
	const free, perByte = 1 << 30, 256
	x.dictionary += int64(dict)
	if x.dictionary > free+perByte*x.yielded {
		return errors.New("small blocks with large dictionaries")
	}
	x.counted = countingReader{br: x.br}
	x.block, err = lzma.Reader2Config{DictCap: dict}.NewReader2(&x.counted)
	if x.sum != nil {
		x.sum.Reset()
	}
	return err
}

// xzDictionary takes the dictionary's size from a Block Header that has LZMA2
// as its only filter: no more than the block's own length, if that is given.
func xzDictionary(h []byte) (int, error) {
	flags, rest := h[1], h[2:]
	if flags&0x3c != 0 {
		return 0, errors.New("reserved block flags are set")
	}
	enough := uint64(maxXzDictionary)
	for _, present := range []byte{0x40, 0x80} { // compressed, uncompressed size
		if flags&present != 0 {
			v, n := binary.Uvarint(rest)
			if n <= 0 {
				return 0, errors.New("bad block header")
			}
			rest = rest[n:]
			if present == 0x80 {
				enough = max(v, lzma.MinDictCap)
			}
		}
	}
	const lzma2 = 0x21
	if flags&3 != 0 || len(rest) < 3 || rest[0] != lzma2 || rest[1] != 1 {
		return 0, errors.New("filters other than LZMA2 are not supported")
	}
	bits := int(rest[2])
	if bits > 40 {
		return 0, errors.New("bad dictionary size")
	}
	size := int64(1)<<32 - 1
	if bits < 40 {
		size = int64(2|bits&1) << (bits/2 + 11)
	}
	if size > maxXzDictionary && enough >= maxXzDictionary {
		return 0, fmt.Errorf("its dictionary of %d MiB is above the limit of %d MiB", size>>20, maxXzDictionary>>20)
	}
	return int(min(uint64(size), enough)), nil
}

// endBlock reads Block Padding and checks the block's checksum.
func (x *xzReader) endBlock() error {
	x.block = nil
	var b [3 + 64]byte
	pad := int(-x.counted.n & 3)
	if err := x.full(b[:pad+x.sumLen]); err != nil {
		return err
	}
	if x.sum == nil {
		return nil
	}
	want, got := b[pad:pad+x.sumLen], x.sum.Sum(nil)
	if x.sumLen < sha256.Size { // CRCs are stored little-endian
		for i, j := 0, len(got)-1; i < j; i, j = i+1, j-1 {
			got[i], got[j] = got[j], got[i]
		}
	}
	if !bytes.Equal(want, got) {
		return errors.New("checksum error")
	}
	return nil
}

// skipIndex reads over Index and Stream Footer: they serve random access.
func (x *xzReader) skipIndex() error {
	c := countingReader{br: x.br, n: 1} // the Index Indicator has been read
	records, err := binary.ReadUvarint(&c)
	if err != nil {
		return unexpected(err)
	}
	for range records { // ends with the file, whatever the count claims
		for range 2 {
			if _, err := binary.ReadUvarint(&c); err != nil {
				return unexpected(err)
			}
		}
	}
	var b [3 + 4 + 12]byte
	return x.full(b[:int(-c.n&3)+4+12])
}
