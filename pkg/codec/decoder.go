package codec

import (
	"errors"
	"iter"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// DefaultMaxMessageSize is the default of DecoderOptions.MaxMessageSize: the most
// that PostgreSQL itself accepts (PQ_LARGE_MESSAGE_LIMIT) or can send, so that no
// peer that works with PostgreSQL fails here. Memory is taken as bytes arrive and
// never for an announced length, but who decodes what strangers send should set
// less.
const DefaultMaxMessageSize = 0x3fffffff

// maxAuthentication is the largest message that a frontend may send before it is
// authenticated, as in the server (PG_MAX_AUTH_TOKEN_LENGTH).
const maxAuthentication = 65535

// DecoderOptions configures a Decoder. The zero value is ready for use.
type DecoderOptions struct {
	// MaxMessageSize is the greatest length field in bytes that is accepted; 0
	// stands for DefaultMaxMessageSize. Startup packets may have 10000 bytes and
	// a frontend's authentication messages 65535 at most, as in the server.
	MaxMessageSize int
	// Phase is the initial phase. The zero value, PhaseUnknown, stands for
	// PhaseStartup; a connection from a pool begins in PhaseReady.
	Phase messages.Phase
}

// Decoder turns the bytes that one side of a connection sent into messages, for
// programs that speak the protocol themselves. It does no I/O and keeps no state
// of the protocol but the phase, which its user sets as the connection goes on
// (package connection does that).
//
// The zero Decoder is one for what a frontend sent, with the default options. It is
// used in turns: Feed what was received, call Next until it returns
// ErrNeedMore, and so on. A Decoder is not safe for concurrent use.
type Decoder struct {
	in     input
	dir    messages.Direction
	phase  messages.Phase
	first  messages.Phase
	limit  uint32
	offset int64  // of the first unread byte
	wire   []byte // the message returned last, as it was sent
	nul    int    // how many unread bytes were searched for the end of a version-2 error
	err    error
	reused [messages.NumKinds]messages.Message
}

// NewFrontendDecoder returns a Decoder for what a frontend sent: a server or a
// proxy reads its clients with it.
func NewFrontendDecoder(opt DecoderOptions) *Decoder { return newDecoder(messages.Frontend, opt) }

// NewBackendDecoder returns a Decoder for what a backend sent: a driver or a
// proxy reads its server with it.
func NewBackendDecoder(opt DecoderOptions) *Decoder { return newDecoder(messages.Backend, opt) }

func newDecoder(dir messages.Direction, opt DecoderOptions) *Decoder {
	d := &Decoder{dir: dir, phase: opt.Phase, limit: DefaultMaxMessageSize}
	if opt.MaxMessageSize > 0 {
		d.limit = uint32(min(opt.MaxMessageSize, DefaultMaxMessageSize))
	}
	if d.phase == messages.PhaseUnknown {
		d.phase = messages.PhaseStartup
	}
	d.first = d.phase
	return d
}

// Feed adds bytes in the order they were received, in chunks of any size. The
// chunk is borrowed until Next or NextFrame has returned ErrNeedMore and must not
// be changed until then. If earlier bytes are still unread, these are copied.
func (d *Decoder) Feed(b []byte) {
	if len(b) == 0 {
		return
	}
	if d.limit == 0 { // the zero Decoder
		d.limit, d.phase, d.first = DefaultMaxMessageSize, messages.PhaseStartup, messages.PhaseStartup
	}
	d.in.feed(b)
}

// Phase returns the phase that decides the framing of the next message.
func (d *Decoder) Phase() messages.Phase { return d.phase }

// SetPhase sets the phase. It takes effect with the next message, also in the
// middle of what has been fed.
func (d *Decoder) SetPhase(p messages.Phase) { d.phase = p }

// Buffered returns the number of bytes that were fed and not yet returned in
// messages.
func (d *Decoder) Buffered() int { return d.in.available() }

// Unread hands over the bytes that were fed and not yet returned in messages, and
// forgets them: for when encryption begins in the middle of a chunk. They are
// borrowed until the next Feed.
func (d *Decoder) Unread() []byte {
	d.offset += int64(d.in.available())
	d.nul = 0
	return d.in.takeAll()
}

// Clear forgets all bytes that were not returned in messages, and a FramingError.
// The phase stays: what comes next is of the same connection.
func (d *Decoder) Clear() {
	d.offset += int64(d.in.available())
	d.in.drop()
	d.in.release()
	d.wire, d.nul, d.err = nil, 0, nil
}

// Reset is Clear for a new connection: the phase is the initial one again and
// offsets count from its beginning.
func (d *Decoder) Reset() {
	d.Clear()
	d.phase, d.offset = d.first, 0
}

// Next returns the next message. The message and what it points to are borrowed
// until the next call of Next, NextFrame, Feed, Unread or Clear; messages are
// reused, and messages.Clone makes a copy to keep. If the protocol does not define
// the message, or its body does not have the format of its kind, the message holds
// what was read of it and the error is a *DecodingError: the stream goes on.
//
// Without a complete message the error is ErrNeedMore. A *FramingError is final.
func (d *Decoder) Next() (messages.Message, error) {
	k, body, err := d.next()
	if err != nil {
		return nil, err
	}
	m := d.reused[k]
	if m == nil {
		m = k.New()
		d.reused[k] = m
	}
	if k == messages.KindUnknown {
		return m, d.unknown(m, body)
	}
	if err := m.Decode(body); err != nil {
		return m, d.decodingError(err)
	}
	return m, nil
}

// unknown sets m, which is of no kind that the protocol defines.
func (d *Decoder) unknown(m messages.Message, body []byte) error {
	if u, ok := m.(*messages.Unknown); ok {
		u.Tag = 0
		if len(d.wire)-len(body) == standardHead {
			u.Tag = d.wire[0]
		}
	}
	_ = m.Decode(body)
	return d.decodingError(&messages.DecodeError{Kind: messages.KindUnknown, Reason: reasonUnknown})
}

// decodingError is for a body of the message returned last.
func (d *Decoder) decodingError(err error) error {
	var de *messages.DecodeError
	if !errors.As(err, &de) {
		return err
	}
	return &DecodingError{Offset: d.offset - int64(len(d.wire)), Err: de}
}

// Wire returns the bytes of the message that Next or NextFrame returned last, as
// they were sent: for programs that pass it on. It is nil after an error of theirs
// that came without a message. They are borrowed as the message is.
func (d *Decoder) Wire() []byte { return d.wire }

// Keep copies what was fed and not yet returned, so that the chunk is not borrowed
// any more. The message returned last stays as it is.
func (d *Decoder) Keep() { d.in.keep() }

// All ranges over the messages that are complete, with the error of Next; it ends
// where Next returns ErrNeedMore, and after a *FramingError. Messages are borrowed
// as those of Next. SetPhase may be called in between. When a loop is left early,
// the rest is kept, and the chunk that was fed is not borrowed any more.
func (d *Decoder) All() iter.Seq2[messages.Message, error] {
	return func(yield func(messages.Message, error) bool) {
		for {
			m, err := d.Next()
			if errors.Is(err, ErrNeedMore) {
				return
			}
			if !yield(m, err) {
				d.Keep()
				return
			}
			if m == nil {
				return
			}
		}
	}
}

// ReadAll returns the messages that are complete, all framed in the present
// phase. They and their bytes are copies and belong to the caller. The error is
// that of the first message that could not be decoded, which is then the last one
// returned, or a *FramingError; the messages after it are still there.
func (d *Decoder) ReadAll() ([]messages.Message, error) {
	var all []messages.Message
	for {
		m, err := d.Next()
		if errors.Is(err, ErrNeedMore) {
			return all, nil
		}
		if m != nil {
			all = append(all, messages.Clone(m))
		}
		if err != nil {
			return all, err
		}
	}
}
