package session

import (
	"bytes"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
)

// State is how a connection stands or ended.
type State uint8

// The states of a connection.
const (
	StateOpen State = iota
	StateTerminated
	StateClosed
	StateReset
	StateFailed
	StateCancelRequest
	StateNotPostgreSQL
	StateRefused  // the server's host refused it: no TCP connection
	StateNoAnswer // the server's host did not answer
	StateEmpty    // nobody said anything
)

var stateNames = [...]string{"open", "terminated", "closed", "reset", "failed", "cancel_request", "not_postgresql", "refused", "no_answer", "empty"}

func (s State) String() string { return stateNames[s] }

// Encryption is how a connection is protected.
type Encryption uint8

// The kinds of encryption.
const (
	EncryptionUnknown Encryption = iota
	EncryptionNone
	EncryptionRefused
	EncryptionTLS
	EncryptionTLSDirect
	EncryptionGSS
)

var encryptionNames = [...]string{"", "none", "refused", "tls", "tls_direct", "gss"}

func (e Encryption) String() string { return encryptionNames[e] }

// Traffic counts the bytes of TCP payload of a connection, by direction.
type Traffic struct {
	Bytes, Lost, Retransmitted [2]uint64 // indexed by messages.Direction
}

func (t Traffic) turned() Traffic {
	for _, n := range []*[2]uint64{&t.Bytes, &t.Lost, &t.Retransmitted} {
		n[0], n[1] = n[1], n[0]
	}
	return t
}

// Info is what is known of a connection. Strings are owned.
type Info struct {
	User, Database, Application string
	Replication                 string // the startup parameter, "" if not sent
	// Stream is what is known of replication once the connection is over, nil if
	// there was none.
	Stream          *replication.Summary
	ProtocolVersion string
	ServerVersion   string
	// Product is what the server is, as far as it or its client says so: postgresql,
	// pgbouncer, cockroachdb, redshift, opengauss, crate, …
	Product   string
	TimeZone  string // as the server reported it last, "" if not seen
	DateStyle string // likewise
	// IntervalStyle likewise.
	IntervalStyle string
	// SearchPath is the setting of that name as the server reported it last, which those
	// before 18 do not; else as the client's startup packet gave it, "" if it did not.
	SearchPath string
	// Formats is what the text of values depends on: TimeZone, and where the others
	// are not the defaults, a NUL, DateStyle, a NUL and IntervalStyle.
	Formats string
	// Escapes tells that the server takes backslashes in plain constants for escapes:
	// it reported standard_conforming_strings off.
	Escapes      bool
	Proxied      string // the client that a proxy's header named, "" if none
	ProcessID    uint32
	HasProcessID bool
	Auth         string
	Encryption   Encryption
	TLS          *TLSFacts // never nil
	DecryptedBy  string    // what gave its plaintext, where that is known
	Peer         *Peer     // of a Unix socket, nil where not known
	State        State
	// Failure is the body of the ErrorResponse that ended the connection; nil where
	// there was none, or no memory for it.
	Failure []byte
	// ClientClosed is when the client closed its side, where the server had not
	// closed its own by the end; the zero Stamp otherwise.
	ClientClosed Stamp
	// Unreadable tells that the connection was encrypted and its plaintext is not
	// known: nothing can be said of its queries.
	Unreadable bool
	Started    Stamp // first packet
	Ended      Stamp // last packet, or the one that ended it
	MidStream  bool
	// DoubtfulBefore is the number of a packet: what was told of the connection's packets
	// before it was concluded, and later contradicted (NoticeInference). 0: nothing was.
	DoubtfulBefore uint64
	// Continues is the ID under which the beginning of the connection was told, before
	// it was given up; 0: this is all of it.
	Continues uint64
	GivenUp   bool // more were open than are followed: it may have gone on
	Traffic   Traffic
	Errors    uint64 // ErrorResponse messages, those outside queries included
	Cancels   Cancelled
}

// learn gathers facts from a message on its way.
func (s *Session) learn(e *Event) {
	switch e.Kind {
	case messages.KindStartupMessage:
		s.learnStartup(e.Body, e.Truncated)
		if replicates(s.info.Replication) {
			s.startReplication(true)
		}
	case messages.KindStartupMessageV2:
		s.info.ProtocolVersion = "2.0"
		s.plain()
	case messages.KindParameterStatus:
		s.learnParameter(e.Body)
	case messages.KindBackendKeyData:
		s.learnKey(e.Body)
	case messages.KindNegotiateProtocolVersion:
		var m messages.NegotiateProtocolVersion
		if m.Decode(e.Body) == nil {
			s.info.ProtocolVersion = m.Version().String()
		}
	case messages.KindSSLResponse, messages.KindGSSENCResponse:
		s.learnEncryption(e)
	case messages.KindCancelRequest:
		s.plain()
		s.info.State = StateCancelRequest
		s.cancelRequest(e)
	case messages.KindTerminate:
		if s.info.State == StateOpen {
			s.info.State = StateTerminated
		}
	case messages.KindErrorResponse, messages.KindErrorResponseV2:
		s.info.Errors++
		s.shared.Errors++
		if s.cfg.OnError != nil {
			s.cfg.OnError(e)
		}
		if e.Step.After == messages.PhaseFailed && s.info.State == StateOpen {
			s.info.State = StateFailed
			s.keepFailure(e.Body)
		}
	case messages.KindSASLInitialResponse:
		var m messages.SASLInitialResponse
		s.askedUnknown() // what has not its form answers something else
		if m.Decode(e.Body) == nil {
			s.info.Auth = strings.ToLower(s.name(m.Mechanism))
		}
	case messages.KindUnknown:
		if e.Tag == messages.KindAuthenticationOk.Tag() && e.Direction == messages.Backend && s.info.Auth == "" {
			s.askedUnknown()
		}
	case messages.KindAuthenticationSASL:
		var m messages.AuthenticationSASL
		if m.Decode(e.Body) != nil && !e.Truncated && s.info.Auth == "" {
			s.askedUnknown()
		}
		s.learnAuth(e.Kind)
	default:
		s.learnAuth(e.Kind)
	}
}

// maxFailure is how much of an ErrorResponse is kept with a connection: servers'
// fit well, but for those about a long statement.
const maxFailure = 2 << 10

// keepFailure keeps what ended the connection. It is charged to what all connections
// may keep together.
func (s *Session) keepFailure(body []byte) {
	if len(body) <= maxFailure && logs.Reserve(s.shared.Exchanges, len(body)) {
		s.charged += len(body)
		s.info.Failure = bytes.Clone(body)
	}
}

func (s *Session) plain() {
	if s.info.Encryption == EncryptionUnknown {
		s.info.Encryption = EncryptionNone
	}
}

func (s *Session) learnStartup(body []byte, cut bool) {
	if s.shared.latest.again(s, body, cut) {
		return
	}
	m := &s.shared.startup
	_ = m.Decode(body)
	if n := len(m.Parameters); cut && n > 0 {
		m.Parameters = m.Parameters[:n-1] // its value may be cut, too
	}
	i := &s.info
	s.plain()
	i.ProtocolVersion = s.shared.version(m.Version)
	i.User = s.setting("user", m.Parameter("user"))
	i.Database = s.setting("database", m.Parameter("database"))
	if i.Database == "" && !cut {
		i.Database = i.User // the server's default
	}
	i.Application = s.setting("application_name", m.Parameter("application_name"))
	i.SearchPath = s.searchPathOf(m)
	s.productOfStartup(m)
	s.extension = extensionOf(m)
	i.Replication = s.name(m.Parameter("replication"))
	s.log.Begin(replicates(i.Replication), s.Server, i.Database)
	s.shared.latest.keep(s, body, cut)
}

// startup is what the latest startup packet told: most connections of a capture
// begin with the same.
type startup struct {
	body []byte
	info Info
	// extension is session.extension.
	extension string
}

// maxStartup bounds the packets that are kept.
const maxStartup = 512

func (t *startup) keep(s *Session, body []byte, cut bool) {
	if cut || len(body) > maxStartup || s.charged > 0 {
		return
	}
	t.body = append(t.body[:0], body...)
	t.info = Info{
		ProtocolVersion: s.info.ProtocolVersion, User: s.info.User, Database: s.info.Database,
		Application: s.info.Application, Replication: s.info.Replication, Product: s.info.Product,
		SearchPath: s.info.SearchPath,
	}
	t.extension = s.extension
}

// again tells s what the packet says if it is the one before; it reports whether
// it is.
func (t *startup) again(s *Session, body []byte, cut bool) bool {
	if cut || len(body) == 0 || string(body) != string(t.body) {
		return false
	}
	i, known := &s.info, &t.info
	s.plain()
	i.ProtocolVersion, i.User, i.Database = known.ProtocolVersion, known.User, known.Database
	i.Application, i.Replication, i.SearchPath = known.Application, known.Replication, known.SearchPath
	s.extension = t.extension
	if known.Product != "" {
		s.setProduct(known.Product)
	}
	s.log.Begin(replicates(i.Replication), s.Server, i.Database)
	return true
}

const (
	// serverName is how much of a name servers keep: NAMEDATALEN less its NUL.
	serverName = 63
	// maxName is how much is kept here: poolers take longer ones.
	maxName = 127
)

// name keeps a name or setting. What is longer than usual is charged to what all
// connections may keep together.
func (s *Session) name(b []byte) string {
	b = b[:min(len(b), maxName)]
	if len(b) > serverName {
		if !logs.Reserve(s.shared.Exchanges, len(b)) {
			b = b[:serverName]
		} else {
			s.charged += len(b)
		}
	}
	return s.shared.names.of(b)
}

// setting keeps the value of a start-up parameter or setting.
func (s *Session) setting(name string, value []byte) string {
	if s.cfg.Secret != nil && s.cfg.Secret([]byte(name), value) {
		return "<redacted>"
	}
	return s.name(value)
}

// names keeps one copy of the names that many connections have in common.
type names map[string]string

// maxNames bounds them; each is maxName long at most.
const maxNames = 1024

func (n names) of(b []byte) string {
	name, known := n[string(b)]
	if !known {
		name = string(b)
		if len(n) < maxNames {
			n[name] = name
		}
	}
	return name
}

// version returns the name of a version, made once for those of today.
func (sh *Shared) version(v messages.ProtocolVersion) string {
	if sh.versionText == "" || sh.versionOf != v {
		sh.versionOf, sh.versionText = v, v.String()
	}
	return sh.versionText
}

// replicates reports whether the replication parameter makes a walsender.
func replicates(v string) bool {
	switch strings.ToLower(v) {
	case "", "false", "off", "no", "0", "f", "n":
		return false
	}
	return true
}

func (s *Session) learnEncryption(e *Event) {
	if len(e.Body) == 0 {
		return
	}
	switch e.Body[0] {
	case 'S':
		s.info.Encryption = EncryptionTLS
	case 'G':
		s.info.Encryption = EncryptionGSS
	default:
		s.info.Encryption = EncryptionRefused
	}
}

// authUnknown is the method where the server asked for something that is not of the
// protocol.
const authUnknown = "unknown"

// learnAuth concludes the method from the first authentication request.
func (s *Session) learnAuth(k messages.Kind) {
	switch k {
	case messages.KindAuthenticationOk, messages.KindAuthenticationSASLFinal:
		s.odd &^= oddAsked
	case messages.KindAuthenticationCleartextPassword, messages.KindAuthenticationMD5Password, messages.KindAuthenticationGSS,
		messages.KindAuthenticationSSPI, messages.KindAuthenticationKerberosV5, messages.KindAuthenticationSASL,
		messages.KindAuthenticationSASLContinue, messages.KindAuthenticationGSSContinue:
		s.odd |= oddAsked
	}
	method := ""
	switch k {
	case messages.KindAuthenticationOk:
		if s.info.Auth == "" && !s.joined && !s.lost() {
			method = "trust"
		}
	case messages.KindAuthenticationCleartextPassword:
		method = "password"
	case messages.KindAuthenticationMD5Password:
		method = "md5"
	case messages.KindAuthenticationGSS:
		method = "gss"
	case messages.KindAuthenticationSSPI:
		method = "sspi"
	case messages.KindAuthenticationKerberosV5:
		method = "krb5"
	case messages.KindAuthenticationSASL:
		method = "sasl"
	case messages.KindAuthenticationSASLContinue, messages.KindAuthenticationSASLFinal, messages.KindAuthenticationGSSContinue:
		if !s.joined && !s.lost() {
			method = authUnknown // it goes on with what did not begin
		}
	default:
		return
	}
	switch {
	case s.info.Auth != "":
	case method == authUnknown:
		s.askedUnknown()
	case method != "":
		s.info.Auth = method
	}
}

// askedUnknown takes note that the server asked for something that is not of the protocol.
// What the client says before AuthenticationOk may be the answer, whatever it looks like.
func (s *Session) askedUnknown() {
	s.info.Auth = authUnknown
	s.odd |= oddForeign
}
