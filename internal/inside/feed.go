package inside

import (
	"net/netip"

	"github.com/pgsniff/pgsniff/internal/analyze"
	"github.com/pgsniff/pgsniff/internal/attach"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// By is the word for what gave the plaintext (connection records' decrypted_by).
const By = "attach"

// Options configure a Feed.
type Options struct {
	// Port decides by its port whether a connection through TCP is of interest; nil:
	// all are.
	Port func(uint16) bool
	// Captured tells that packets are captured, too: events wait until those of their
	// time have come (Until).
	Captured bool
}

// Feed takes events and passes them on. Its methods belong to the analyzer's
// goroutine.
type Feed struct {
	a    *analyze.Analyzer
	opt  Options
	seen uint64 // pieces of data: they count as packets do
	held held
	// What waits for its packets, see place.
	now     int64 // time of the packets
	blocked []*flow
	waiting int // bytes
	// told are the connections through TCP that are open. One that both of its ends are
	// looked into at is told once.
	told map[ends]*flow
	// Connections is how many there were, Ignored how many were not of interest.
	Connections, Ignored uint64
}

// New returns a feed.
func New(a *analyze.Analyzer, opt Options) *Feed {
	return &Feed{a: a, opt: opt, told: make(map[ends]*flow)}
}

// ends are those of a connection through TCP, seen at one of them.
type ends struct {
	client, server netip.AddrPort
	ofClient       bool
}

// flow is a connection on its way to the analyzer.
type flow struct {
	in      *analyze.Inlet
	ignored bool
	joined  bool // packets of it are captured
	sure    bool // of joined: what is read and written is encrypted in these
	waits   []attach.Event
	// unplaced tells that packets of it were waited for in vain.
	unplaced bool
	asked    messages.Kind // SSLRequest or GSSENCRequest whose answer is not known yet
	begun    bool          // its first byte was seen
	direct   bool          // it began with a ClientHello
	// given is how much of the frontend was passed on, skipped how much before it was
	// not, in bytes.
	given, skipped uint64
}

// Event takes the next event; its data is borrowed for the call.
func (f *Feed) Event(e *attach.Event) {
	if f.opt.Captured {
		if f.held.full() {
			f.release()
		}
		f.held.add(e)
		return
	}
	f.take(e)
}

func (f *Feed) take(e *attach.Event) {
	w, _ := e.Conn.Value.(*flow)
	if e.Kind == attach.Closed {
		if at := (ends{e.Conn.Client, e.Conn.Server, e.Conn.OfClient}); f.told[at] == w {
			delete(f.told, at)
		}
	}
	if w == nil {
		w = f.open(e)
		e.Conn.Value = w
	}
	switch {
	case w.ignored:
	case w.in == nil && !f.choose(w, e): // not before there is something to tell
	case len(w.waits) > 0:
		f.wait(w, e)
	case w.joined:
		f.within(w, e)
	default:
		f.alone(w, e)
	}
}

// open begins a connection.
func (f *Feed) open(e *attach.Event) *flow {
	w := &flow{begun: e.Conn.Joined}
	if c := e.Conn; c.Socket == "" && f.opt.Port != nil && c.Server.IsValid() && !f.opt.Port(c.Server.Port()) {
		f.Ignored++
		w.ignored = true
		return w
	}
	if c := e.Conn; c.Client.IsValid() && c.Server.IsValid() {
		if f.told[ends{c.Client, c.Server, !c.OfClient}] != nil {
			w.ignored = true
			return w
		}
		f.told[ends{c.Client, c.Server, c.OfClient}] = w
	}
	if !f.opt.Captured || e.Conn.Socket != "" {
		f.begin(w, e)
	}
	return w
}

// begin begins one that no packets are captured of.
func (f *Feed) begin(w *flow, e *attach.Event) {
	client, server := Names(e.Conn)
	w.in = f.a.OpenInlet(client, server, f.at(e), e.Conn.Joined, By)
	if w.in == nil { // there are too many
		f.Ignored++
		w.ignored = true
		return
	}
	f.Connections++
	if e.Conn.Sealed {
		w.in.Secured(session.EncryptionTLS)
		w.midstream(e)
	}
	if p := e.Conn.Peer; p.Known {
		w.in.Peer(session.Peer{PID: p.PID, UID: p.UID, Program: p.Program})
	}
}

// midstream tells of an encrypted connection that was open before that what came until
// now is not known.
func (w *flow) midstream(e *attach.Event) {
	if !e.Conn.Joined {
		return
	}
	at := session.Stamp{Time: e.Time}
	w.in.Lost(messages.Frontend, -1, at)
	w.in.Lost(messages.Backend, -1, at)
}

// Names are what the two ends are called in records.
func Names(c *attach.Conn) (client, server string) {
	switch {
	case c.Socket != "":
		return "unix:" + c.Socket, "unix:" + c.Socket
	case c.Client.IsValid() && c.Server.IsValid():
		return c.Client.String(), c.Server.String()
	}
	return "unknown", "unknown"
}

// at is where an event is: pieces of data are numbered as packets are in a capture.
func (f *Feed) at(e *attach.Event) session.Stamp {
	if f.opt.Captured {
		return session.Stamp{Time: e.Time}
	}
	return session.Stamp{Time: e.Time, Frame: max(f.seen, 1)}
}

// alone takes an event of a connection that no packets are captured of.
func (f *Feed) alone(w *flow, e *attach.Event) {
	switch e.Kind {
	case attach.Data:
		f.seen++
		f.data(w, e)
	case attach.Gap:
		w.begun = true
		w.lost(e, f.at(e))
	case attach.Worked:
		w.worked(e)
	case attach.Encrypted:
		f.encrypted(w, e)
	case attach.Described:
		w.in.Names(e.Conn.TLSVersion, attach.CipherName(e.Conn.Cipher))
	case attach.Closed:
		w.in.Close(f.at(e))
		w.ignored = true
	}
}

// data passes bytes on, but for those that are no plaintext.
func (f *Feed) data(w *flow, e *attach.Event) {
	first := !w.begun
	w.begun = true
	if e.Dir == messages.Backend {
		w.asked = 0
	} else {
		// Since PostgreSQL 17 the first bytes are read in the same way whatever
		// they are: of direct TLS they are the ClientHello.
		const handshake = 22
		if first && e.Data[0] == handshake {
			w.direct = true
			return
		}
		// A server before PostgreSQL 17 answers the request for encryption past the
		// function that is looked at. That another packet of the same kind follows,
		// with no handshake before it, tells that it refused.
		if w.asked != 0 {
			f.answer(w, e, 'N')
		}
		w.asked = request(e.Data)
	}
	w.data(e, f.at(e))
}

// request returns the kind of a request for encryption, 0 for other data.
func request(b []byte) messages.Kind {
	const size = 8
	if len(b) != size || b[0] != 0 || b[1] != 0 || b[2] != 0 || b[3] != size {
		return 0
	}
	switch k := messages.StartupKindOf(b[4:]); k {
	case messages.KindSSLRequest, messages.KindGSSENCRequest:
		return k
	}
	return 0
}

// encrypted is for the begin of a handshake, which tells how a request was answered.
func (f *Feed) encrypted(w *flow, e *attach.Event) {
	switch {
	case w.asked == messages.KindGSSENCRequest:
		f.answer(w, e, 'G')
	case w.asked != 0:
		f.answer(w, e, 'S')
	case w.direct:
		w.in.Secured(session.EncryptionTLSDirect)
	}
}

func (f *Feed) answer(w *flow, e *attach.Event, b byte) {
	w.asked = 0
	w.in.Data(messages.Backend, []byte{b}, f.at(e))
}
