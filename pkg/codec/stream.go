package codec

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Result is what Next has to report.
type Result uint8

const (
	// NeedMore: nothing until more is fed.
	NeedMore Result = iota
	// FrameReady: a message, see Frame.
	FrameReady
	// SkipReady: bytes that belong to no message, see Skip.
	SkipReady
)

func (r Result) String() string {
	switch r {
	case NeedMore:
		return "need more"
	case FrameReady:
		return "frame ready"
	case SkipReady:
		return "skip ready"
	}
	return "unknown"
}

const (
	// defaultMaxMessage is the largest body that is kept whole unless
	// StreamOptions says otherwise: a connection must not hold more memory
	// than the whole program may use for hundreds of them.
	defaultMaxMessage = 1 << 20
	// maxKept is how much is kept of a body that is larger than that: enough to
	// show what it was.
	maxKept = 64 << 10
	// maxDoubtful is the largest body that a message of an undefined type, or
	// of a length its type does not have, is waited for: if it turns out not to
	// be one, a boundary is searched in these very bytes.
	maxDoubtful = 64 << 10
)

// StreamOptions configures a Stream. The zero value is ready for use.
type StreamOptions struct {
	// MaxMessage is the size in bytes of the largest body that is delivered
	// whole; 0 stands for 1 MiB. Of a larger one only the beginning is kept: as
	// much as MaxMessage, at most 64 KiB.
	MaxMessage int
}

// limit returns the size in bytes of the largest body that is delivered whole.
func (o StreamOptions) limit() uint32 {
	if o.MaxMessage <= 0 {
		return defaultMaxMessage
	}
	return uint32(min(o.MaxMessage, 1<<30))
}

type mode uint8

const (
	inStep  mode = iota // at a message boundary
	passing             // in a message of which only the beginning is kept
	hunting             // the next boundary is not known
	dropped             // not PostgreSQL
)

// Stream is the lenient decoder of one direction of a captured connection. It
// never fails: bytes that are missing or impossible are reported as Skip and as
// truncated frames, and the next message boundary is searched.
//
// It is used in turns: Feed a chunk, call Next until it returns NeedMore, and so
// on; then End. A Stream is not safe for concurrent use. The zero Stream is not
// usable; see NewStream.
type Stream struct {
	in      input
	fast    *[256]typeInfo
	typed   *[phaseMask + 1]bool
	maxBody uint32
	mode    mode
	dir     messages.Direction
	// settled tells that standard messages were found although the phase speaks
	// of startup: the startup was lost, and the phase is behind.
	settled bool

	frame Frame
	skip  Skip

	// head is the message at the boundary whose body is still incomplete;
	// head.size is 0 if there is none or its header is not trusted.
	head head
	// nul is how many unread bytes were searched for the end of a version-2
	// error.
	nul  int
	pass pass
	hunt hunt
	// phase is that of the last Next which did not take the fast path.
	phase messages.Phase

	// chunk is the size of the chunk fed last, largest that of the largest: a
	// boundary that falls on a chunk's end is evidence.
	chunk, largest int
	// ending tells that nothing will follow.
	ending bool
}

// head describes a message at the boundary.
type head struct {
	size int // the whole message on the wire
	body int // where its body begins
}

// NewStream returns a Stream for what the side d sends.
func NewStream(d messages.Direction, opt StreamOptions) *Stream {
	s := new(Stream)
	s.maxBody = opt.limit()
	s.Reset(d)
	return s
}

// Reset makes the Stream ready for a new connection, at its beginning. The
// options stay.
func (s *Stream) Reset(d messages.Direction) {
	in, hunt, limit := s.in, s.hunt, s.maxBody
	in.drop()
	in.release()
	hunt.clear()
	*s = Stream{in: in, hunt: hunt, maxBody: limit, dir: d, fast: &fastTypes[d], typed: &typed[d]}
}

// Feed adds a chunk: bytes that follow those fed before without a gap. The chunk
// is borrowed until Next returns NeedMore, and must not be changed until then.
// Where it ends matters only while a boundary is searched: senders tend to end
// segments with messages.
func (s *Stream) Feed(b []byte) {
	if s.mode == dropped || len(b) == 0 {
		return
	}
	s.in.feed(b)
	s.chunk, s.ending = len(b), false
	if len(b) > s.largest {
		s.largest = len(b)
	}
}

// Next reports what comes next, p being the phase of the connection as far as it
// is known by now; it may differ from call to call.
func (s *Stream) Next(p messages.Phase) Result {
	b := s.in.rest
	if s.mode != inStep || len(s.in.held) != 0 || len(b) < standardHead || !s.typed[p&phaseMask] {
		return s.next(p)
	}
	info := &s.fast[b[0]]
	body := binary.BigEndian.Uint32(b[1:]) - 4
	if body < info.min || body > info.max || body > s.maxBody || int(body) > len(b)-standardHead {
		return s.next(p)
	}
	size := int(body) + standardHead
	s.in.rest = b[size:]
	// Field by field: a literal would be built elsewhere and copied, and wait for
	// its own small writes.
	f := &s.frame
	f.Kind, f.Tag, f.Truncated = info.kind, b[0], false
	f.Len, f.Lost = size, 0
	f.Body = b[standardHead:size:size]
	return FrameReady
}

// Frame returns the message after FrameReady. It is valid, and its body is
// borrowed, until the next call of Next, Feed, Gap, Take, End or Reset.
func (s *Stream) Frame() *Frame { return &s.frame }

// Skip returns what was passed over after SkipReady.
func (s *Stream) Skip() Skip { return s.skip }

// Synced reports whether the Stream knows the message boundaries.
func (s *Stream) Synced() bool { return s.mode == inStep || s.mode == passing }

// Pending returns the number of bytes of an incomplete message, or of what may
// be one, that were fed but not yet reported.
func (s *Stream) Pending() int {
	if s.mode == passing {
		return s.pass.came
	}
	return s.in.available()
}

// Take hands over all bytes that were fed and not yet reported, and forgets
// them: for when encryption begins in the middle of a chunk. It returns nothing
// of a message whose beginning was already passed over. The bytes are borrowed
// until the next Feed or Reset.
func (s *Stream) Take() []byte {
	b := s.in.takeAll()
	s.head = head{}
	s.hunt.clear()
	if s.mode != dropped {
		s.mode = inStep
	}
	return b
}

// Drop ends decoding for good, until Reset: what is fed is ignored, and all
// memory is freed.
func (s *Stream) Drop() {
	s.in = input{}
	s.hunt = hunt{}
	s.mode = dropped
}

// MidStream tells, before the first Feed, that the stream is joined at an
// unknown place: the first boundary has to be found.
func (s *Stream) MidStream() {
	if s.mode != dropped {
		s.lose(SkipMidStream)
	}
}

// lose begins the search for a boundary at the first unread byte.
func (s *Stream) lose(why SkipReason) {
	s.mode = hunting
	s.head = head{}
	s.hunt.clear()
	s.hunt.reason = why
}
