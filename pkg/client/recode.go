package client

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsniff/pgsniff/internal/value"
)

const (
	oidTSQuery = 3615
	// maxRecodeDepth bounds rows within rows.
	maxRecodeDepth = 16
	// maxDimensions is PostgreSQL's MAXDIM.
	maxDimensions = 6
)

var errBinaryText = errors.New("text in the binary format of this type is not converted")

// recode returns a value in binary format with the text in it in UTF-8. It is done
// before the value is printed: a printed array has quotes and backslashes, which
// in some encodings are the second halves of characters.
func (t *textEncoding) recode(oid uint32, b []byte, depth int) ([]byte, error) {
	if t.asIs(b) {
		return b, nil
	}
	switch oid {
	case pgtype.JSONBOID, pgtype.JSONPathOID:
		text, err := t.decode(b[1:]) // after the version
		return append(b[:1:1], text...), err
	case pgtype.TSVectorOID, oidTSQuery:
		return nil, &EncodingError{t.name, errBinaryText}
	case pgtype.RecordOID:
		return t.recodeRecord(b, depth)
	}
	if strings.HasSuffix(value.TypeName(oid), "[]") {
		return t.recodeArray(b, depth)
	}
	if printed, ok := value.Append(nil, oid, b, nil); ok && bytes.Equal(printed, b) {
		return t.decode(b) // its binary form is its text
	}
	return b, nil
}

// recodeArray recodes the elements of an array: number of dimensions, flags, the
// elements' type, each dimension's length and lower bound; the elements.
func (t *textEncoding) recodeArray(b []byte, depth int) ([]byte, error) {
	if depth == maxRecodeDepth || len(b) < 12 {
		return nil, errFormat
	}
	dimensions := binary.BigEndian.Uint32(b)
	if dimensions > maxDimensions || len(b) < 12+8*int(dimensions) {
		return nil, errFormat
	}
	element := binary.BigEndian.Uint32(b[8:])
	header := 12 + 8*int(dimensions)
	out := append([]byte(nil), b[:header]...)
	return t.recodeParts(out, b[header:], depth, func(rest []byte) (uint32, []byte, bool) { return element, rest, true })
}

// recodeRecord recodes the fields of a row: their number; of each the type and the
// value.
func (t *textEncoding) recodeRecord(b []byte, depth int) ([]byte, error) {
	if depth == maxRecodeDepth || len(b) < 4 {
		return nil, errFormat
	}
	out := append([]byte(nil), b[:4]...)
	return t.recodeParts(out, b[4:], depth, func(rest []byte) (uint32, []byte, bool) {
		if len(rest) < 4 {
			return 0, nil, false
		}
		return binary.BigEndian.Uint32(rest), rest[4:], true
	})
}

// recodeParts appends values with their lengths, -1 for NULL, to out. next returns
// the type of the next one and what follows that; bytes that it passes over are
// kept.
func (t *textEncoding) recodeParts(out, rest []byte, depth int, next func([]byte) (uint32, []byte, bool)) ([]byte, error) {
	for len(rest) > 0 {
		oid, after, ok := next(rest)
		if !ok || len(after) < 4 {
			return nil, errFormat
		}
		out = append(out, rest[:len(rest)-len(after)]...)
		size := int32(binary.BigEndian.Uint32(after))
		if size < 0 {
			out, rest = append(out, after[:4]...), after[4:]
			continue
		}
		if int64(size) > int64(len(after)-4) {
			return nil, errFormat
		}
		part, err := t.recode(oid, after[4:4+size], depth+1)
		if err != nil {
			return nil, err
		}
		out = binary.BigEndian.AppendUint32(out, uint32(len(part)))
		out = append(out, part...)
		rest = after[4+size:]
	}
	return out, nil
}
