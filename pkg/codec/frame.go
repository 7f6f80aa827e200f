package codec

import "github.com/pgsniff/pgsniff/pkg/messages"

// Frame is one message as it stood on the wire, with its body not yet decoded.
type Frame struct {
	Kind messages.Kind
	Tag  byte // 0 where the message has no type byte
	// Len is the length of the whole message on the wire in bytes, type byte
	// and length field included, also where Body holds less of it.
	Len int
	// Body is what follows the length field: borrowed until the decoder's next
	// Next or Feed. Where Truncated is set it is the part from the beginning
	// that was kept.
	Body []byte
	// Truncated tells that Body is shorter than the message was: cut to the
	// decoder's limit, by a gap, or by the end of the input.
	Truncated bool
	// Lost is the number of the message's bytes that were missing from the
	// input, as Gap told; a gap of unknown size counts as all that was to come.
	Lost int
}
