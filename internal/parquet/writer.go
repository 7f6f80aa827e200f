package parquet

import (
	"encoding/binary"
	"io"

	"github.com/klauspost/compress/zstd"
)

// A row group is written when it has that many rows, which readers work well with, or
// holds that many bytes, which bounds memory.
const (
	maxRows  = 64 << 10
	maxBytes = 32 << 20
)

// Encodings and page types (format: "Encodings", "Data Pages").
const (
	encodingPlain      = 0
	encodingRLE        = 3
	encodingDictionary = 8
	pageData           = 0
	pageDictionary     = 2
	codecZstd          = 6
)

const magic = "PAR1"

// Writer writes one file. Its methods belong to one goroutine. Between two calls of
// EndRow each column takes one value at most; those that take none are null there.
// The first error of the underlying writer is kept and returned by Close.
type Writer struct {
	w       io.Writer
	err     error
	at      int64
	columns []column
	rows    int64
	inGroup int
	held    int
	groups  []group
	enc     *zstd.Encoder
	body    []byte
	packed  []byte
	meta    map[string]string
}

// group is a row group that was written.
type group struct {
	rows   int64
	bytes  int64
	packed int64
	at     int64
	chunks []chunk
}

// chunk is what the footer says of a column of a row group.
type chunk struct {
	at, dictionary int64
	bytes, packed  int64
	values, nulls  int64
	encoding       int
	min, max       int64
	hasRange       bool
}

// New begins a file. meta is free text beside the schema; both are not to be changed
// afterwards.
func New(w io.Writer, columns []Column, meta map[string]string) *Writer {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedDefault))
	if err != nil {
		panic(err) // the options are constant
	}
	p := &Writer{w: w, enc: enc, meta: meta}
	for _, c := range columns {
		p.columns = append(p.columns, column{Column: c})
	}
	p.write([]byte(magic))
	return p
}

// Size returns the bytes written so far and those that are held, uncompressed.
func (p *Writer) Size() (written, held int64) { return p.at, int64(p.held) }

// Rows returns the rows that came.
func (p *Writer) Rows() int64 { return p.rows }

// Int sets the value of a column of type Int64 or Timestamp.
func (p *Writer) Int(col int, v int64) { p.column(col).int(v) }

// Double sets the value of a column of type Double.
func (p *Writer) Double(col int, v float64) { p.column(col).double(v) }

// Bool sets the value of a column of type Bool.
func (p *Writer) Bool(col int, v bool) { p.column(col).bool(v) }

// String sets the value of a column of type String or JSON; v is UTF-8 and is copied.
func (p *Writer) String(col int, v []byte) { p.column(col).string(v) }

// Strings sets the value of a column of type Strings; a nil element is null.
func (p *Writer) Strings(col int, v [][]byte) { p.column(col).strings(v) }

func (p *Writer) column(col int) *column {
	c := &p.columns[col]
	if c.set {
		panic("parquet: two values for " + c.Name + " in a row")
	}
	c.set = true
	return c
}

// EndRow ends a row.
func (p *Writer) EndRow() {
	p.held = 0
	for i := range p.columns {
		c := &p.columns[i]
		if !c.set {
			c.null()
		}
		c.set = false
		p.held += c.size()
	}
	p.rows++
	if p.inGroup++; p.inGroup >= maxRows || p.held >= maxBytes {
		p.flush()
	}
}

// Close writes what is held and the footer. It does not close the underlying writer.
func (p *Writer) Close() error {
	p.flush()
	from := p.at
	p.write(p.footer())
	var end [8]byte
	binary.LittleEndian.PutUint32(end[:], uint32(p.at-from))
	copy(end[4:], magic)
	p.write(end[:])
	_ = p.enc.Close() // it writes to nothing
	return p.err
}

func (p *Writer) write(b []byte) {
	if p.err != nil {
		return
	}
	var n int
	n, p.err = p.w.Write(b)
	p.at += int64(n)
}

// flush writes a row group.
func (p *Writer) flush() {
	if p.inGroup == 0 {
		return
	}
	g := group{rows: int64(p.inGroup), at: p.at}
	for i := range p.columns {
		k := p.chunk(&p.columns[i])
		g.bytes += k.bytes
		g.packed += k.packed
		g.chunks = append(g.chunks, k)
		p.columns[i].reset()
	}
	p.groups = append(p.groups, g)
	p.inGroup, p.held = 0, 0
}

// chunk writes the pages of a column.
func (p *Writer) chunk(c *column) chunk {
	k := chunk{values: int64(len(c.def)), nulls: c.nulls, min: c.min, max: c.max, hasRange: c.physical() == physicalInt64 && c.count > 0}
	from := p.at
	body, encoding := c.page(p.body[:0])
	k.encoding = encoding
	if encoding == encodingDictionary {
		k.dictionary = p.at
		k.bytes += p.page(pageDictionary, c.dict, len(c.index), encodingPlain)
	}
	k.at = p.at
	k.bytes += p.page(pageData, body, len(c.def), encoding)
	k.packed = p.at - from
	p.body = body[:0]
	return k
}

// page writes a page and returns its size before compression, the header included.
func (p *Writer) page(kind int, body []byte, values, encoding int) int64 {
	p.packed = p.enc.EncodeAll(body, p.packed[:0])
	var t thrift
	t.begin()
	t.int32(1, kind)
	t.int32(2, len(body))
	t.int32(3, len(p.packed))
	if kind == pageDictionary {
		t.structure(7)
		t.int32(1, values)
		t.int32(2, encoding)
	} else {
		t.structure(5)
		t.int32(1, values)
		t.int32(2, encoding)
		t.int32(3, encodingRLE)
		t.int32(4, encodingRLE)
	}
	t.end()
	t.end()
	p.write(t.buf)
	p.write(p.packed)
	return int64(len(t.buf) + len(body))
}
