package codec

import "fmt"

// Skip tells of bytes that belong to no reported frame.
type Skip struct {
	// Bytes is the number of bytes that were there and were passed over.
	Bytes int
	// Lost is the number of bytes that were missing, as Gap told, outside of
	// messages that are reported as truncated; 0 for a gap of unknown size.
	Lost int
	// Reason is why the message boundary was not known.
	Reason SkipReason
}

// SkipReason tells why bytes had to be passed over.
type SkipReason uint8

const (
	// SkipGap: bytes were missing, and with them a message boundary.
	SkipGap SkipReason = iota + 1
	// SkipMidStream: the stream was joined at an unknown place.
	SkipMidStream
	// SkipBadLength: a length field below 4, or larger than any message can be.
	SkipBadLength
	// SkipBadType: a type byte that the protocol does not define, and nothing
	// after it that would show that this is a message all the same.
	SkipBadType
	// SkipEncrypted: the phase says that these bytes are ciphertext.
	SkipEncrypted
	// SkipCutOff: the input ended before the length of a message was complete.
	SkipCutOff
)

var skipReasons = [...]string{
	SkipGap:       "bytes missing",
	SkipMidStream: "joined in the middle",
	SkipBadLength: "impossible message length",
	SkipBadType:   "not a message type",
	SkipEncrypted: "encrypted",
	SkipCutOff:    "end of input",
}

// String returns the reason in a few words.
func (r SkipReason) String() string {
	if r == 0 || int(r) >= len(skipReasons) {
		return fmt.Sprintf("SkipReason(%d)", uint8(r))
	}
	return skipReasons[r]
}
