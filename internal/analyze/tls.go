package analyze

import (
	"encoding/json"
	"slices"

	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// alpnPostgreSQL is the protocol name that PostgreSQL registers for direct TLS
// (since version 17).
const alpnPostgreSQL = "postgresql"

// NewTLS returns the maker of TLS layers that use a key log, which may grow
// meanwhile; nil stands for there being none, and none to come.
func NewTLS(keys *tlsdecrypt.KeyLog) func() session.TLS {
	scratch := new(tlsdecrypt.Scratch)
	return func() session.TLS {
		return &tlsLayer{
			conn: tlsdecrypt.NewConn(keys, tlsdecrypt.Options{Scratch: scratch}),
			keys: keys,
		}
	}
}

// tlsLayer makes a session's TLS of a decrypter.
type tlsLayer struct {
	conn   *tlsdecrypt.Conn
	keys   *tlsdecrypt.KeyLog
	out    session.TLSOutput
	facts  session.TLSFacts
	state  tlsdecrypt.State
	known  bool // facts are those of state
	given  bool // plaintext was given out
	closed bool
	before *session.TLSFacts // what an earlier capture told; nil without one
	asked  int               // how often the key log was read again for this connection
}

// maxAsked is how often the key log is read again for a connection that sends
// something and whose keys are missing. Clients write them before the first they send.
const maxAsked = 4

// Data takes ciphertext.
func (t *tlsLayer) Data(d messages.Direction, b []byte, at session.Stamp, out session.TLSOutput) {
	t.out = out
	t.conn.Feed(d == messages.Frontend, b, tlsAt(at), tlsSink{t})
	if d == messages.Frontend && t.asked < maxAsked && t.askAgain() {
		t.asked++
	}
}

// askAgain reads a key log that grows once more, if keys are missing, and reports
// whether it did. Errors are told by whoever follows the log.
func (t *tlsLayer) askAgain() bool {
	if t.keys == nil || !t.keys.Growing() || t.conn.State() != tlsdecrypt.NoKeys {
		return false
	}
	_ = t.keys.Refresh()
	t.conn.Poll(tlsSink{t})
	return true
}

// Gap tells of missing ciphertext. What that means for the plaintext comes out
// with the next record.
func (t *tlsLayer) Gap(d messages.Direction, n int64, _ session.Stamp, out session.TLSOutput) {
	t.out = out
	t.conn.Gap(d == messages.Frontend, n)
}

// Poll decrypts what waits, if the keys are there now.
func (t *tlsLayer) Poll(out session.TLSOutput) {
	t.out = out
	t.conn.Poll(tlsSink{t})
}

// Retry reads the key log once more.
func (t *tlsLayer) Retry(out session.TLSOutput) {
	t.out = out
	t.askAgain()
}

// Close ends the connection.
func (t *tlsLayer) Close(at session.Stamp, out session.TLSOutput) {
	t.out = out
	t.conn.Close(tlsAt(at), tlsSink{t})
	t.known, t.closed = false, true
}

func tlsAt(at session.Stamp) tlsdecrypt.At {
	return tlsdecrypt.At{Time: at.Time, Frame: int64(at.Frame)}
}

func fromTLS(at tlsdecrypt.At) session.Stamp {
	return session.Stamp{Time: at.Time, Frame: uint64(at.Frame)}
}

func direction(fromClient bool) messages.Direction {
	if fromClient {
		return messages.Frontend
	}
	return messages.Backend
}

// tlsSink passes what the decrypter gives on to the session.
type tlsSink struct{ t *tlsLayer }

// Plaintext passes application data on.
func (s tlsSink) Plaintext(fromClient bool, b []byte, at tlsdecrypt.At) {
	s.t.giving()
	s.t.out.Plaintext(direction(fromClient), b, fromTLS(at))
}

// Gap passes a loss of application data on.
func (s tlsSink) Gap(fromClient bool, n int64, at tlsdecrypt.At) {
	s.t.giving()
	s.t.out.LostPlaintext(direction(fromClient), n, fromTLS(at))
}

// Snapshot tells what is known.
func (t *tlsLayer) Snapshot() *session.TLSSnapshot {
	k := &session.TLSSnapshot{Facts: *t.Facts(), Secrets: t.conn.Secrets()}
	if p, ok := t.conn.Place(); ok {
		k.Place, _ = json.Marshal(p) // of numbers and texts: it does not fail
	}
	return k
}

// Resume makes a new layer go on from there.
func (t *tlsLayer) Resume(k *session.TLSSnapshot) {
	before := k.Facts
	before.Alert, before.Failed, before.Waiting, before.MayCome, before.Decrypted = "", "", false, false, false
	t.before = &before
	var p tlsdecrypt.Place
	if k.Place != nil && json.Unmarshal(k.Place, &p) == nil {
		t.conn.Resume(p)
	}
}

// giving is called before what is given out: the handshake is over, all that
// will be known of it is known.
func (t *tlsLayer) giving() {
	if !t.given {
		t.given, t.known = true, false
	}
}

// Held and Shed are those of the decrypter.
func (t *tlsLayer) Held() int { return t.conn.Held() }

func (t *tlsLayer) Shed() { t.conn.Shed() }

// Facts tells what is known; it is looked up again while the handshake goes on
// and when the state changes.
func (t *tlsLayer) Facts() *session.TLSFacts {
	state := t.conn.State()
	if t.known && state == t.state && (steady(state) || t.facts.Failed != "") {
		return &t.facts
	}
	t.state, t.known = state, true
	i := t.conn.Info()
	f := &t.facts
	f.Version, f.Cipher, f.ServerName = i.Version, i.CipherSuite, i.ServerName
	f.Subject, f.ClientSubject = i.ServerSubject, i.ClientSubject
	f.Offered = f.Offered || i.Version != "" || len(i.OfferedALPN) > 0 || i.ServerName != ""
	f.OffersPostgreSQL = slices.Contains(i.OfferedALPN, alpnPostgreSQL)
	f.ALPN, f.ALPNOffered = i.ALPN, false
	if f.ALPN == "" && len(i.OfferedALPN) > 0 && !answered(&i) {
		f.ALPN, f.ALPNOffered = i.OfferedALPN[0], true
	}
	if b := t.before; b != nil {
		f.Version, f.Cipher, f.ServerName = b.Version, b.Cipher, b.ServerName
		f.ALPN, f.ALPNOffered, f.Subject, f.ClientSubject = b.ALPN, b.ALPNOffered, b.Subject, b.ClientSubject
		f.Offered, f.OffersPostgreSQL = b.Offered, b.OffersPostgreSQL
	}
	f.Alert, f.AlertFrom = i.LastAlert, messages.Direction(i.LastAlertFrom)
	if f.Alert == "close_notify" || f.Alert == "user_canceled" {
		f.Alert = ""
	}
	f.KeysFrom = i.KeysFrom.String()
	f.Failed, f.Waiting = t.failure(&i)
	f.MayCome = f.Waiting && t.keys.Growing()
	f.ClientCloses = i.Closing[messages.Frontend]
	return f
}

// steady tells of a state in which the facts do not change.
func steady(s tlsdecrypt.State) bool {
	switch s {
	case tlsdecrypt.Handshaking, tlsdecrypt.NoKeys, tlsdecrypt.WrongKeys:
		return false
	}
	return true
}

// answered reports whether the server's choice of a protocol was seen: it is in
// the ServerHello up to TLS 1.2, after that among what precedes the certificate.
func answered(i *tlsdecrypt.Info) bool {
	switch i.Version {
	case "":
		return false
	case "TLSv1.3":
		return i.Decrypted[1] > 0 && (i.ServerSubject != "" || i.Resumed)
	}
	return true
}

// failure says why there is no plaintext, where that is certain, and whether
// keys are waited for.
func (t *tlsLayer) failure(i *tlsdecrypt.Info) (why string, waits bool) {
	if t.closed && i.BrokenOff {
		return t.handshake(i), false
	}
	switch i.State {
	case tlsdecrypt.Handshaking, tlsdecrypt.Decrypting:
		return t.handshake(i), false
	case tlsdecrypt.NoKeys:
		if t.keys == nil {
			return i.Reason, false
		}
		if !t.closed && i.DroppedBytes == 0 {
			return "", true
		}
		if t.keys.Len() == 0 {
			return "there are no keys", !t.closed
		}
		return i.Reason, !t.closed
	case tlsdecrypt.MidStream:
		// The secrets of TLS 1.3 may fit one of the next records.
		if t.keys != nil && t.keys.Len() > 0 && !t.closed && i.Records[0]+i.Records[1] < joining {
			return "", false
		}
	case tlsdecrypt.WrongKeys:
		if !t.closed && !settled(i) {
			return "", false
		}
		return "the keys are wrong; " + i.Reason, false
	}
	return i.Reason, false
}

// handshake says how a handshake ended that did not come to its end.
func (t *tlsLayer) handshake(i *tlsdecrypt.Info) string {
	switch {
	case !t.closed || t.given || i.Bytes == [2]uint64{}:
		return ""
	case !t.facts.Offered:
		return "the handshake was not captured"
	case t.facts.Alert != "":
		return "the handshake failed"
	case i.State == tlsdecrypt.Handshaking, i.BrokenOff:
		return tlsdecrypt.BrokenOff
	}
	return ""
}

// joining is how many records of a connection that was joined in the middle are
// looked at before it is said that it cannot be decrypted: twice as many as are
// tried with the secrets.
const joining = 16

// settled reports whether it is certain that the keys are wrong: a record that
// fits none may as well have been damaged.
func settled(i *tlsdecrypt.Info) bool {
	const several, many = 2, 16
	if i.Decrypted == [2]uint64{} && i.Unauthentic[0] >= several && i.Unauthentic[1] >= several {
		return true
	}
	return i.Unauthentic[0] >= many && i.Decrypted[0] == 0 || i.Unauthentic[1] >= many && i.Decrypted[1] == 0
}
