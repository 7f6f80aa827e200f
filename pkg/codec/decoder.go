package codec

import (
	"bytes"
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
// It is used in turns: Feed what was received, call Next until it returns
// ErrNeedMore, and so on. A Decoder is not safe for concurrent use.
type Decoder struct {
	in     input
	dir    messages.Direction
	phase  messages.Phase
	first  messages.Phase
	limit  uint32
	offset int64 // of the first unread byte
	began  int64 // of the message returned last
	nul    int   // how many unread bytes were searched for the end of a version-2 error
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
	if len(b) > 0 {
		d.in.feed(b)
	}
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

// Clear forgets all bytes, the offset and a FramingError, and returns to the
// initial phase: for a new connection.
func (d *Decoder) Clear() {
	d.in.drop()
	d.in.release()
	d.phase, d.offset, d.began, d.nul, d.err = d.first, 0, 0, 0, nil
}

// Next returns the next message. The message and what it points to are borrowed
// until the next call of Next, NextFrame, Feed, Unread or Clear; messages are
// reused. If the body does not have the format of its kind, the message holds
// what was read of it and the error is a *DecodingError: the stream goes on.
//
// Without a complete message the error is ErrNeedMore. A *FramingError is final.
func (d *Decoder) Next() (messages.Message, error) {
	f, err := d.NextFrame()
	if err != nil {
		return nil, err
	}
	m := d.reused[f.Kind]
	if m == nil {
		m = f.Kind.New()
		d.reused[f.Kind] = m
	}
	return m, d.decode(m, &f, f.Body)
}

// decode sets m from a body of the frame f.
func (d *Decoder) decode(m messages.Message, f *Frame, body []byte) error {
	if u, ok := m.(*messages.Unknown); ok {
		u.Tag = f.Tag
	}
	err := m.Decode(body)
	if err == nil {
		return nil
	}
	var de *messages.DecodeError
	if !errors.As(err, &de) {
		return err
	}
	return &DecodingError{Offset: d.began, Err: de}
}

// All ranges over the messages that are complete, with the error of Next; it ends
// where Next returns ErrNeedMore, and after a *FramingError. Messages are borrowed
// as those of Next. SetPhase may be called in between.
func (d *Decoder) All() iter.Seq2[messages.Message, error] {
	return func(yield func(messages.Message, error) bool) {
		for {
			m, err := d.Next()
			if errors.Is(err, ErrNeedMore) {
				return
			}
			if !yield(m, err) || m == nil {
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
		f, err := d.NextFrame()
		if errors.Is(err, ErrNeedMore) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		m := f.Kind.New()
		err = d.decode(m, &f, bytes.Clone(f.Body))
		all = append(all, m)
		if err != nil {
			return all, err
		}
	}
}
