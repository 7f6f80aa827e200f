package analyze

import (
	"github.com/pgsniff/pgsniff/internal/tlsdecrypt"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// alpnPostgreSQL is the protocol name that PostgreSQL registers for direct TLS
// (since version 17).
const alpnPostgreSQL = "postgresql"

// NewTLS returns the maker of TLS layers that use a key log; keys may be nil.
func NewTLS(keys *tlsdecrypt.KeyLog) func() session.TLS {
	scratch := new(tlsdecrypt.Scratch)
	return func() session.TLS {
		return &tlsLayer{conn: tlsdecrypt.NewConn(keys, tlsdecrypt.Options{Scratch: scratch})}
	}
}

// tlsLayer makes a session's TLS of a decrypter.
type tlsLayer struct {
	conn  *tlsdecrypt.Conn
	out   session.TLSOutput
	facts session.TLSFacts
	state tlsdecrypt.State
	known bool // facts are those of state
}

func (t *tlsLayer) Data(d messages.Direction, b []byte, at session.Stamp, out session.TLSOutput) {
	t.out = out
	t.conn.Feed(d == messages.Frontend, b, tlsAt(at), tlsSink{t})
}

func (t *tlsLayer) Gap(d messages.Direction, n int64, _ session.Stamp, out session.TLSOutput) {
	t.out = out
	t.conn.Gap(d == messages.Frontend, n)
}

func (t *tlsLayer) Close(at session.Stamp, out session.TLSOutput) {
	t.out = out
	t.conn.Close(tlsAt(at), tlsSink{t})
	t.known = false
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

func (s tlsSink) Plaintext(fromClient bool, b []byte, at tlsdecrypt.At) {
	s.t.out.Plaintext(direction(fromClient), b, fromTLS(at))
}

func (s tlsSink) Gap(fromClient bool, n int64, at tlsdecrypt.At) {
	s.t.out.LostPlaintext(direction(fromClient), n, fromTLS(at))
}

// Facts tells what is known; it is looked up again while the handshake goes on
// and when the state changes.
func (t *tlsLayer) Facts() *session.TLSFacts {
	state := t.conn.State()
	if t.known && state == t.state && state != tlsdecrypt.Handshaking {
		return &t.facts
	}
	t.state, t.known = state, true
	i := t.conn.Info()
	f := &t.facts
	f.Version, f.Cipher, f.ServerName, f.Subject = i.Version, i.CipherSuite, i.ServerName, i.ServerSubject
	f.ALPN = i.ALPN
	for _, name := range i.OfferedALPN {
		f.OffersPostgreSQL = f.OffersPostgreSQL || name == alpnPostgreSQL
		if f.ALPN == "" {
			f.ALPN = name
		}
	}
	f.Offered = f.Offered || i.Version != "" || len(i.OfferedALPN) > 0 || i.ServerName != ""
	switch state {
	case tlsdecrypt.Handshaking, tlsdecrypt.Decrypting:
		f.Failed = ""
	default:
		f.Failed = i.Reason
	}
	return f
}
