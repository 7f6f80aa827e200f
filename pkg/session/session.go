package session

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// Config is what the sessions of a capture have in common.
type Config struct {
	// NewTLS makes the TLS layer of a connection; nil: ciphertext is counted only.
	NewTLS func() TLS
	// Stream configures the decoders.
	Stream codec.StreamOptions
	// Exchanges tells that the handler wants exchanges (or connection totals);
	// without, none are made.
	Exchanges bool
	// Messages tells that the handler wants messages.
	Messages bool
	// OnError, if not nil, takes each ErrorResponse, Messages or not. The event is
	// borrowed until it returns.
	OnError func(*Event)
	// Some, if not nil, takes messages of some kinds, where Messages is not set.
	Some *Some
	// States tells that the handler wants the State of each message.
	States bool
	// Secret, if not nil, tells whether the value of a start-up parameter or of a
	// setting is a secret: what Info tells of it is "<redacted>" then.
	Secret func(name, value []byte) bool
	// Strict counts messages whose body has not their format as violations;
	// otherwise bodies are decoded only when somebody asks.
	Strict bool
}

// Opening is what is known of a connection when its first packet is seen.
type Opening struct {
	ID             uint64
	Client, Server string // address:port
	At             Stamp
	MidStream      bool // no SYN was seen
	// Continues is the ID of the connection that this one was before it was given up
	// (EndGivenUp); 0 where it was none.
	Continues uint64
	// Candidate tells that only the content can say whether this is PostgreSQL:
	// neither its port nor the user named it.
	Candidate bool
}

// Session is one captured connection. Make it with Shared.New.
type Session struct {
	ID             uint64
	Client, Server string // address:port

	cfg     *Config
	shared  *Shared
	handler Handler
	log     *exchange.Log
	work    *work // nil where the server does not tell of it
	tracker tracker.Tracker
	stepper tracker.Stepper
	streams [2]*codec.Stream
	resting [2]friend.Rest   // where streams is nil
	pending [2]*pendingStamp // nil where nothing is
	info    Info

	tls        TLS
	outsideTLS *TLSFacts
	tlsTold    bool // it was said that it cannot be decrypted
	joins      *[2]tlsJoin
	tlsSince   Stamp // of the first ciphertext that waits for keys
	keyless    int   // its place in Shared.keyless, from 1; 0: none
	encrypted  bool  // ciphertext flows
	decrypting bool  // its plaintext is being decoded
	outside    bool  // which comes from elsewhere than its ciphertext
	candidate  bool
	auditing   bool      // it has to show that it is PostgreSQL
	held       *audition // nil where nothing is held back for that
	proxied    bool      // a proxy's header came first
	odd        odd       // what makes messages others than they seem: see translate
	extension  string    // of the protocol, that the client asked for
	extended   bool      // its RowDescriptions have more than PostgreSQL's
	// extendedRows tells that the latest had.
	extendedRows bool
	roles        roles
	balanced     bool // a LoadBalanceRequest waits for its answer
	heard        bool // a message was decoded
	joined       bool // its bytes are not known from the beginning
	ending       bool // the rest of a direction is being handed out
	over         bool // nothing more is wanted of it
	ended        bool
	lingers      bool // it is over, but for the keys that may come
	gaps         bool
	places       places
	cutBytes     int64  // missing at the end of messages
	inferred     uint64 // latest exchange whose request was concluded
	// Bytes passed over before the first message was made out.
	unread [2]int

	target        int32 // where in Shared.targets a CancelRequest finds this connection, from 1; 0: nowhere
	pendingCancel uint64
	waits         bool        // a CancelRequest whose target has not been seen
	trouble       [2]*trouble // nil where the message boundaries are known
	holding       holding
	room          int                     // requests that may be outstanding before more is asked for
	charged       int                     // for names, to what all connections may keep
	replication   *replication.Connection // nil unless it replicates
	stalls        *stalls                 // nil for nearly all
	// Memo is for handlers: what they keep for the connection.
	Memo any
	// Violations counts anomalies.
	Violations uint64
}

// Info returns what is known of the connection so far.
func (s *Session) Info() *Info { return &s.info }

// Totals returns the counts of its exchanges so far.
func (s *Session) Totals() exchange.Totals { return s.log.Totals }

// Done reports whether nothing more is wanted of the connection's bytes.
func (s *Session) Done() bool { return s.over }

// PostgreSQL reports whether the connection has been recognised, or was named
// by its port.
func (s *Session) PostgreSQL() bool { return !s.candidate }

// Tx returns the transaction status, 0 if not known.
func (s *Session) Tx() byte { return s.tracker.Tx() }

func (s *Session) lost() bool { return s.gaps }

// Data takes the next bytes of a direction; they are borrowed for the call.
func (s *Session) Data(d messages.Direction, b []byte, at Stamp) {
	d = s.side(d)
	parts := s.shared.cycle.parts[:]
	n, shape := split(&s.shared.splitter, d, b, parts)
	s.chunk(d, b, parts[:n], shape, at)
}

// divided is Data for a chunk that split has looked at.
func (s *Session) divided(d messages.Direction, b []byte, parts []friend.Part, shape friend.Shape, at Stamp) {
	if s.roles.turned {
		s.Data(d, b, at) // it was looked at as the other side's
		return
	}
	s.chunk(d, b, parts, shape, at)
}

func (s *Session) chunk(d messages.Direction, b []byte, parts []friend.Part, shape friend.Shape, at Stamp) {
	if s.over || len(b) == 0 {
		return
	}
	if s.roles.open && s.wrongWay(d, b) {
		s.turn(at)
		s.Data(d, b, at)
		return
	}
	s.places.arrive(d)
	switch {
	case s.auditing && !s.audit(d, b, at):
	case s.encrypted || !s.heard && (s.opensTLS(d, b) || s.joinsTLS(d, b, at)):
		s.places.forget(d)
		s.tlsData(d, b, at)
	case shape != 0 && s.replication == nil && s.takeCycle(d, b, parts, shape, at):
	default:
		s.decode(d, b, at)
	}
}

// plaintext takes what was decrypted.
func (s *Session) plaintext(d messages.Direction, b []byte, at Stamp) {
	parts := s.shared.cycle.parts[:]
	if n, shape := split(&s.shared.splitter, d, b, parts); shape == 0 || s.replication != nil || !s.takeCycle(d, b, parts[:n], shape, at) {
		s.decode(d, b, at)
	}
}

// opensTLS recognises TLS where a startup packet could be: direct TLS (since
// PostgreSQL 17), or a connection joined after its handshake.
func (s *Session) opensTLS(d messages.Direction, b []byte) bool {
	phase := s.tracker.Phase(d)
	switch {
	case s.pending[d] != nil:
		return false
	case phase == messages.PhaseStartup && d == messages.Frontend && b[0] == 22:
		s.info.Encryption = EncryptionTLSDirect
	case phase == messages.PhaseUnknown && looksLikeTLS(b):
		s.info.Encryption = EncryptionTLS
	default:
		return false
	}
	s.tracker.Encrypted()
	s.startTLS()
	return true
}

// decode takes plaintext message by message.
func (s *Session) decode(d messages.Direction, b []byte, at Stamp) {
	if o := 1 - d; s.pending[o] != nil && len(b) > 0 {
		s.peerWentOn(o, at)
	}
	if s.balanced && d == messages.Backend {
		if b = s.balanceAnswer(b, at); len(b) == 0 {
			return
		}
	}
	st, p := s.stream(d), s.pending[d]
	st.Feed(b)
	s.places.fed[d] += int64(len(b))
	first, last := at, at
	if p != nil {
		p.add(len(b), at, s.places.acked[d])
	}
	for {
		r := st.Next(s.tracker.Phase(d))
		if r == codec.NeedMore {
			break
		}
		if p != nil {
			first, last = p.took(st, r)
		}
		if r == codec.FrameReady {
			f := st.Frame()
			s.placeFrame(d, f.Len, p)
			s.frame(d, f, first, last)
			if runs[f.Kind] {
				if n := s.takeRun(st, at); n > 0 {
					s.places.at[d] += int64(n)
					if p != nil {
						p.take(n)
					}
				}
			}
		} else {
			k := st.Skip()
			s.places.at[d] += int64(k.Bytes + k.Lost)
			s.skip(d, k, last)
		}
		if s.over {
			return
		}
		if s.encrypted && !s.decrypting {
			s.switchToTLS(d, st, at)
			return
		}
	}
	switch n := st.Pending(); {
	case n == 0:
		s.places.at[d] = s.places.fed[d]
		s.shared.clearPending(s, d)
	case p == nil:
		p = s.shared.newPending()
		p.add(n, at, s.places.acked[d])
		s.pending[d] = p
	}
	s.shared.settle(s, d, st)
}

// peerWentOn looks for the messages of a direction that were in doubt until the
// other one went on: requests have to be known before their replies.
func (s *Session) peerWentOn(d messages.Direction, at Stamp) {
	if st := s.streams[d]; st != nil && !st.Synced() && st.Paused(s.tracker.Phase(d)) {
		s.decode(d, nil, at)
	}
}

// switchToTLS hands the rest of a chunk to the TLS layer.
func (s *Session) switchToTLS(d messages.Direction, st *codec.Stream, at Stamp) {
	s.shared.clearPending(s, d)
	rest := st.Take()
	if len(rest) == 0 {
		return
	}
	if !looksLikeTLS(rest) && len(rest) >= 3 && s.info.Encryption == EncryptionTLS {
		s.notice(&Notice{
			Code: NotePlaintext, At: at, Direction: d, Directed: true, Bytes: int64(len(rest)),
			Text: strconv.Itoa(len(rest)) + " bytes in plain text between the answer to SSLRequest and the TLS handshake (CVE-2021-23214, CVE-2021-23222)",
		})
		s.Violations++
		return
	}
	s.tlsData(d, rest, at)
}

// Gap tells that n bytes of a direction will never come, n < 0 if their number
// is not known.
func (s *Session) Gap(d messages.Direction, n int64, at Stamp) {
	if s.over {
		return
	}
	d = s.side(d)
	s.gaps, s.balanced = true, false
	if s.auditing {
		if s.auditEnds(at); s.over {
			return
		}
	}
	if s.encrypted && s.tls != nil {
		s.tls.Gap(d, n, at, (*tlsSink)(s))
		return
	}
	if !s.encrypted {
		s.gapPlain(d, n, at)
	}
}

// Retransmitted tells that bytes of a direction came again and were not the same.
func (s *Session) Retransmitted(d messages.Direction, at Stamp) {
	if !s.candidate && !s.over {
		s.notice(&Notice{
			Code: NoticeRetransmit, Direction: s.side(d), Directed: true, At: at,
			Text: "a retransmission carried other bytes; the first ones stand",
		})
	}
}

func (s *Session) gapPlain(d messages.Direction, n int64, at Stamp) {
	s.gaps = true
	st := s.stream(d)
	s.places.fed[d] += max(n, 0)
	s.places.acked[d] = unknownPlace
	st.Gap(int(min(n, 1<<40)))
	// A loss inside a message whose head was seen is told with the message, and
	// leaves no doubt of what comes after it.
	inside := st.Synced()
	if !inside {
		s.tellLost(d, n, at)
	}
	if inside && n >= 0 {
		n = int64(st.Beyond()) // without what the message before it lacks
	}
	s.decode(d, nil, at)
	if inside {
		if st = s.streams[d]; st == nil || st.Synced() || s.over {
			return
		}
		s.tellLost(d, n, at) // it was longer than the message
	}
	if s.cfg.Exchanges {
		s.log.Lost(d, int(max(n, -1)))
	}
}

// tellLost tells of n missing bytes, n < 0 for an unknown number, with which
// messages may be missing.
func (s *Session) tellLost(d messages.Direction, n int64, at Stamp) {
	s.tracker.At(s.places.gap(d))
	s.tracker.Gap(d)
	s.odd &^= oddAsked // the answer may be among it
	if s.replication != nil {
		s.replication.Lost(d)
	}
	if !s.candidate {
		s.addLost(d, n, at)
	}
}

func (s *Session) notice(n *Notice) {
	s.handler.Notice(s, n)
}
