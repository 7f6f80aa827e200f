package codec

import (
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// ErrNeedMore is what a Decoder returns when there is no further complete
// message in what it was fed. It is not a failure.
var ErrNeedMore = errors.New("codec: the next message is not complete yet")

// ErrEncrypted is what a Decoder returns for bytes that are there while its
// phase is messages.PhaseEncrypted. They stay; Clear or another phase goes on.
var ErrEncrypted = errors.New("codec: the phase says that these bytes are encrypted")

// FramingError tells that the bytes cannot be cut into messages from some place
// on. The stream cannot be decoded further.
type FramingError struct {
	// Offset is where the message at fault begins, in bytes since the Decoder
	// was made or cleared.
	Offset int64
	// Tag is its type byte, 0 if it has none.
	Tag byte
	// Length is the length field as sent, 0 if there is none.
	Length uint32
	// Reason says what is wrong, in a few words.
	Reason string
}

func (e *FramingError) Error() string {
	switch {
	case e.Tag != 0 && e.Length == 0:
		return fmt.Sprintf("codec: at byte %d: %q: %s", e.Offset, e.Tag, e.Reason)
	case e.Tag == 0:
		return fmt.Sprintf("codec: at byte %d: length %d: %s", e.Offset, e.Length, e.Reason)
	}
	return fmt.Sprintf("codec: at byte %d: message %q of length %d: %s", e.Offset, e.Tag, e.Length, e.Reason)
}

// Is reports whether target is messages.ErrProtocol.
func (e *FramingError) Is(target error) bool { return target == messages.ErrProtocol }

// The reasons of a FramingError.
const (
	reasonBelow = "a length counts itself and is at least 4"
	reasonShort = "too short for a startup packet"
	reasonOver  = "larger than the limit"
	reasonNoNUL = "no NUL ends the version-2 error"
	// reasonAnswer is for the answers to SSLRequest and GSSENCRequest.
	reasonAnswer = "not an answer to the request for encryption"
	// reasonUnknown is of a messages.DecodeError.
	reasonUnknown = "the protocol does not define this message"
)

// DecodingError tells that a message was framed, but that its body does not have
// the format of its kind. The stream goes on after it.
type DecodingError struct {
	// Offset is where the message begins, in bytes since the Decoder was made or
	// cleared.
	Offset int64
	// Err is what is wrong with the body.
	Err *messages.DecodeError
}

func (e *DecodingError) Error() string { return fmt.Sprintf("codec: at byte %d: %v", e.Offset, e.Err) }

// Unwrap returns Err.
func (e *DecodingError) Unwrap() error { return e.Err }
