package messages

import "encoding/binary"

// begin appends type byte and room for the length, and returns where the length
// goes. finish fills it in.
func begin(dst []byte, k Kind) (out []byte, at int) {
	return append(dst, kinds[k].tag, 0, 0, 0, 0), len(dst) + 1
}

// beginUntyped is begin for messages without type byte.
func beginUntyped(dst []byte) (out []byte, at int) {
	return append(dst, 0, 0, 0, 0), len(dst)
}

// finish sets the length of the message whose length field is at at.
func finish(dst []byte, at int) []byte {
	binary.BigEndian.PutUint32(dst[at:], uint32(len(dst)-at))
	return dst
}

func appendUint16(dst []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(dst, v) }

func appendUint32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }

func appendCString(dst, s []byte) []byte {
	dst = append(dst, s...)
	return append(dst, 0)
}

// appendValue appends length and bytes; nil is NULL.
func appendValue(dst, v []byte) []byte {
	if v == nil {
		return appendUint32(dst, nullLen)
	}
	return append(appendUint32(dst, uint32(len(v))), v...)
}

func appendValues(dst []byte, v Values) []byte {
	dst = appendUint16(dst, uint16(len(v)))
	for _, b := range v {
		dst = appendValue(dst, b)
	}
	return dst
}

func appendFormats(dst []byte, v []int16) []byte {
	dst = appendUint16(dst, uint16(len(v)))
	for _, f := range v {
		dst = appendUint16(dst, uint16(f))
	}
	return dst
}

func appendOIDs(dst []byte, v []uint32) []byte {
	dst = appendUint16(dst, uint16(len(v)))
	for _, oid := range v {
		dst = appendUint32(dst, oid)
	}
	return dst
}

// appendBare appends a message without body.
func appendBare(dst []byte, k Kind) []byte {
	return append(dst, kinds[k].tag, 0, 0, 0, 4)
}

// appendBytes appends a message whose body is data alone.
func appendBytes(dst []byte, k Kind, data []byte) []byte {
	dst, at := begin(dst, k)
	return finish(append(dst, data...), at)
}

// appendString appends a message whose body is one string.
func appendString(dst []byte, k Kind, s []byte) []byte {
	dst, at := begin(dst, k)
	return finish(appendCString(dst, s), at)
}

// decodeBare checks that a message without body has none.
func decodeBare(k Kind, body []byte) error {
	c := cursor{body: body}
	return c.end(k)
}

// singleBytes lets a byte be visited as text without allocating.
var singleBytes = func() (t [256]byte) {
	for i := range t {
		t[i] = byte(i)
	}
	return t
}()

// byteText returns b as a string of one byte. It is shared: not to be changed.
func byteText(b byte) []byte { return singleBytes[b : int(b)+1 : int(b)+1] }
