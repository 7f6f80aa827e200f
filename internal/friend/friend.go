// Package friend is what the packages under pkg/ have of each other, and this program
// of them, that other programs have not: how a chunk that holds a whole cycle is taken
// at once, and how memory is accounted for. None of it is part of their API.
//
// The types are here. The functions are unexported ones of the packages that they are
// about, which put them into the variables of this one when the program starts; who
// imports such a package finds them there. That the types of those packages are
// parameters keeps this package below them.
package friend

import (
	"slices"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// What the packages offer: a Codec[codec.StreamOptions, codec.Stream],
// Tracker[tracker.Tracker, tracker.Step], Exchange[exchange.Shared, exchange.Log,
// exchange.Exchange, exchange.Message] and Session[session.Shared, session.Session,
// codec.StreamOptions, session.Stamp].
var OfCodec, OfTracker, OfExchange, OfSession any

// Part is a message of a chunk that was split, or a run of DataRow messages. It
// begins where the part before it ends, the first at 0.
type Part struct {
	// The first message, with its type byte, ends at To, the run at End.
	To, End int32
	N       int32 // messages, 1 but for a run
	Kind    messages.Kind
}

// MaxParts is how many parts a chunk that is split may have.
const MaxParts = 10

// Shape is what kinds of messages a chunk is made of: those of its parts, from the
// first on, KindBits each. 0 is that of a chunk that was not split.
type Shape uint64

// KindBits is how many bits a kind takes in a Shape.
const KindBits = 6

const (
	_ = uint(1<<KindBits - messages.NumKinds) // no kind takes more
	_ = uint(64 - KindBits*MaxParts)
)

// Kinds returns the kinds of the parts.
func (s Shape) Kinds() (kinds []messages.Kind) {
	for ; s != 0; s >>= KindBits {
		kinds = append(kinds, messages.Kind(s&(1<<KindBits-1)))
	}
	slices.Reverse(kinds)
	return kinds
}

// Rest is what a Stream knows while nothing is going on, for callers with more
// connections than they want Streams for. Its zero value is that of a new one.
type Rest struct {
	Largest int32
	Settled bool
}

// Codec is what codec offers. O is its StreamOptions, S its Stream.
type Codec[O, S any] struct {
	// Split divides a chunk of direction d into messages as a Stream with the options
	// would, if b begins at a message boundary, ends at one, and holds nothing but
	// messages that their type byte and a length that such a message can have make
	// out. They are written to parts, and their number and Shape are returned; 0 where
	// b is not of that sort, has more parts than there is room for or than MaxParts,
	// or is longer than the largest message that is kept. It looks at nothing but b:
	// whether b is at a boundary and of a phase in session, other bytes decide; see
	// Divided.
	Split func(o O, d messages.Direction, b []byte, parts []Part) (n int, shape Shape)
	// Divided takes note of a chunk of n bytes that Split has divided into what it
	// holds, in place of Feed and Next. It is for phases in session only; in others
	// the same bytes may mean something else. It reports whether the Stream is at a
	// message boundary; if not, nothing was done, and the chunk is to be fed.
	Divided func(s *S, n int) bool
	// Rest returns what the Stream knows; ok is false unless it is at a message
	// boundary with nothing pending. After it the Stream may be used, by Wake, for
	// another connection.
	Rest func(s *S) (r Rest, ok bool)
	// Wake makes s the Stream of direction d that was in state r.
	Wake func(s *S, d messages.Direction, r Rest)
}

// Usual is a form that chunks have which a Log takes at once; 0 is that of all others.
type Usual uint8

// RequestSize is what an outstanding request takes in bytes.
const RequestSize = 32

// Cycle is what one side usually sends at once in a cycle: all requests, or all
// replies. It is made once and used for every cycle of that form, by Trackers that
// belong to the same goroutine. Only tracker uses its fields.
type Cycle struct {
	Kinds    []messages.Kind
	Requests []grammar.Request // of the frontend's kinds
	// Answers and Fits: whether the backend's kinds answer the requests of the
	// latest Cycle that they were held against.
	Answers *Cycle
	Fits    bool
}

// Tracker is what tracker offers. T is its Tracker, S its Step.
type Tracker[T, S any] struct {
	// Requests returns the Cycle of kinds that are all requests of a cycle, where
	// they are what most frontends send: a Query; or, of Parse, Bind, Describe and
	// Execute, those of one exchange in their order, and Sync. It returns nil for
	// anything else.
	Requests func(kinds []messages.Kind) *Cycle
	// Replies returns the Cycle of kinds that are all replies of a cycle, where they
	// are what most backends send: no errors, no COPY, nothing asynchronous; a
	// ReadyForQuery at the end. Of DataRow messages in a row one is enough. It returns
	// nil for anything else.
	Replies func(kinds []messages.Kind) *Cycle
	// Send is Observe for the requests of c, one after the other. Nothing may be
	// outstanding. It returns the number of their exchange; ok is false where more has to
	// be looked at: then t is as it was. What each request meant is written to steps,
	// if that is not nil: it has a place for each.
	Send func(t *T, c *Cycle, steps []S) (exchange uint64, ok bool)
	// Reply is Observe for the replies of c, one after the other. They must answer
	// everything that is outstanding in turn; status is that of the ReadyForQuery.
	// What it returns is as for Send, but steps may have been written to in vain.
	Reply func(t *T, c *Cycle, status byte, steps []S) (exchange uint64, ok bool)
}

// Exchange is what exchange offers. H is its Shared, L its Log, X its Exchange and M
// its Message.
type Exchange[H, L, X, M any] struct {
	// Exchange is for callers that have several messages of one exchange which were
	// seen together: it returns that exchange, opening it where m, the
	// first of them, begins it; nil if there is none. They pass each of them to what
	// Adds returns, or to Ready. It is borrowed until the next call of Observe or
	// Ready.
	Exchange func(l *L, m *M) *X
	// Adds returns what is Observe for messages of direction d and of x, which was just
	// found with Exchange: whole, not discarded, and none of ReadyForQuery, ErrorResponse,
	// NoticeResponse and ParameterStatus.
	Adds func(x *X, d messages.Direction) func(l *L, x *X, m *M)
	// Ready is Observe for the ReadyForQuery that ends the exchange that Exchange has
	// just found to be x, nil for none.
	Ready func(l *L, x *X, m *M)
	// Usual returns the form of chunks of direction d that are made of these kinds. Only
	// cycles may be of one that trackers know.
	Usual func(d messages.Direction, kinds []messages.Kind) Usual
	// Asked takes the requests of a chunk of a usual form, in place of Exchange and what
	// Adds returns; m has nothing but their direction, their places and the number of
	// their exchange. It reports whether it has; if not, nothing was done.
	Asked func(l *L, u Usual, m *M, b []byte, parts []Part) bool
	// Answered is Asked for replies; m.Step.Tx is the status that their ReadyForQuery
	// tells.
	Answered func(l *L, m *M, b []byte, parts []Part) bool
	// Idle returns the kinds of replies that say nothing more to a Log which has been
	// announced with Exchange, in a cycle without errors.
	Idle func(s *H) [messages.NumKinds]bool
	// Columns sets Limits.NoColumns anew, from the next request on.
	Columns func(s *H, on bool)
	// Reserve charges n bytes to Limits.Total for something that is about to be
	// kept; false means that it must not be.
	Reserve func(s *H, n int) bool
	// Release gives back what Reserve granted.
	Release func(s *H, n int)
	// Crowd tells how many of the bytes of Limits.Total are used elsewhere, for more
	// connections than usual; a quarter is left in any case. What is kept already
	// stays.
	Crowd func(s *H, n int)
	// Resumes reports whether x goes on with a portal that was suspended.
	Resumes func(x *X) bool
}

// Splitter divides chunks for Session.Chunk. It is a value of its own, so that it may
// be used in another goroutine, ahead of the sessions, without touching what they
// write to. O is codec.StreamOptions; only session uses the fields.
type Splitter[O any] struct {
	Stream O
	On     bool // cycles may be taken at once
}

// Session is what session offers. H is its Shared, S its Session, O the options of
// its streams, A its Stamp.
type Session[H, S, O, A any] struct {
	// Splitter returns the Splitter for all sessions.
	Splitter func(h *H) Splitter[O]
	// Columns tells whether descriptions of results are kept from the next request on;
	// see exchange.Limits.
	Columns func(h *H, on bool)
	// Split divides a chunk if it may hold all requests of a usual cycle, or all
	// replies. It returns the number of parts, and their shape, which is 0 otherwise.
	// It depends on b alone.
	Split func(p *Splitter[O], d messages.Direction, b []byte, parts []Part) (n int, shape Shape)
	// Chunk is Data for a chunk that Split has looked at; the parts are borrowed for
	// the call, too.
	Chunk func(s *S, d messages.Direction, b []byte, parts []Part, shape Shape, at A)
}
