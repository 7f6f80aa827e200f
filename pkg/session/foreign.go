package session

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Servers of others speak the protocol with additions of their own. Where they say
// who they are, what they add is told apart from what PostgreSQL means by the same
// bytes.

// The products that tell themselves, as Info.Product has them.
const (
	productPostgreSQL  = "postgresql"
	productPgBouncer   = "pgbouncer"
	productCockroachDB = "cockroachdb"
	productCrate       = "crate"
	productMaterialize = "materialize"
	productRedshift    = "redshift"
	productOpenGauss   = "opengauss"
	productYugabyteDB  = "yugabytedb"
	productVertica     = "vertica"
)

// Versions that openGauss's clients ask for: 3.50 and 3.51.
const (
	versionGauss50 = 3<<16 | 50
	versionGauss51 = 3<<16 | 51
)

// productOfStartup tells the product from what its own clients ask for.
func (s *Session) productOfStartup(m *messages.StartupMessage) {
	switch {
	case m.Version == versionGauss50 || m.Version == versionGauss51:
		s.setProduct(productOpenGauss)
	case m.Parameter("client_protocol_version") != nil:
		s.setProduct(productRedshift)
	case bytes.HasPrefix(m.Parameter("client_type"), []byte("vertica")):
		s.setProduct(productVertica)
	}
}

// productLetters are those that the parameters begin with which tell a product.
var productLetters = [256]bool{'c': true, 'm': true, 'p': true, 's': true}

// productOfParameter tells the product from what a server reports.
func (s *Session) productOfParameter(body []byte) {
	if len(body) == 0 || !productLetters[body[0]] {
		return
	}
	switch {
	case hasName(body, "crdb_version"):
		s.setProduct(productCockroachDB)
	case hasName(body, "crate_version"):
		s.setProduct(productCrate)
	case hasName(body, "mz_version"):
		s.setProduct(productMaterialize)
	case hasName(body, "padb_version"):
		s.setProduct(productRedshift)
	case hasName(body, "server_protocol_version"):
		s.setProduct(productRedshift)
		_, rest, _ := bytes.Cut(body, []byte{0})
		value, _, _ := bytes.Cut(rest, []byte{0})
		s.extended = len(value) > 0 && string(value) != "0"
	case hasName(body, "session_authorization"):
		if s.info.Product == "" {
			s.setProduct(productPostgreSQL) // others say so besides
		}
	}
}

// productOfVersion tells it from the version, where the product is part of that.
func (s *Session) productOfVersion(version string) {
	switch {
	case strings.HasSuffix(version, "/bouncer"):
		s.setProduct(productPgBouncer)
	case strings.Contains(version, "-YB-"):
		s.setProduct(productYugabyteDB)
	case strings.Contains(version, "openGauss"), strings.Contains(version, "GaussDB"):
		s.setProduct(productOpenGauss)
	}
}

func (s *Session) setProduct(p string) {
	s.info.Product = p
	s.odd &^= oddForeign
	if p != productPostgreSQL && p != productPgBouncer {
		s.odd |= oddForeign
	}
}

// odd is a set of reasons why messages are others than their types say.
type odd uint8

const (
	oddForeign odd = 1 << iota // the server is another product
	oddAsked                   // an authentication request waits for its answer
)

// answersOtherwise tells whether a message comes where the answer to an authentication
// request is due, and is none by its type: it may be the password all the same. Nothing is
// known to be missing between.
func (s *Session) answersOtherwise(d messages.Direction, tag byte) bool {
	return s.odd&oddAsked != 0 && d == messages.Frontend && tag != 0 && tag != messages.KindPasswordMessage.Tag() && tag != messages.KindTerminate.Tag()
}

// answersUnknown tells whether a client's message may answer a request that is not of the
// protocol, though its type is that of something else: its own answers are known as such.
func (s *Session) answersUnknown(f *codec.Frame) bool {
	return s.info.Auth == authUnknown && f.Tag != 0 && f.Tag != messages.KindPasswordMessage.Tag() && f.Tag != messages.KindTerminate.Tag()
}

func authenticating(p messages.Phase) bool {
	switch p {
	case messages.PhaseAuthenticating, messages.PhaseAuthenticatingGSS, messages.PhaseSASLInitial, messages.PhaseSASLContinue:
		return true
	}
	return false
}

// translate makes of a message of another product what can be read as one of
// PostgreSQL's, or makes it unknown.
func (s *Session) translate(d messages.Direction, f *codec.Frame) {
	if d != messages.Backend {
		if f.Kind == messages.KindStartupMessage {
			s.translateStartup(f)
			return
		}
		// What answers Redshift's requests has the type of CopyData.
		redshift := s.info.Product == productRedshift && f.Tag == messages.KindCopyData.Tag()
		if (redshift || s.answersUnknown(f) || s.answersOtherwise(d, f.Tag)) && authenticating(s.tracker.Phase(d)) {
			f.Kind = messages.KindUnknown
		} else {
			s.odd &^= oddAsked
		}
		return
	}
	switch {
	case s.info.Product == productOpenGauss && f.Tag == messages.KindAuthenticationOk.Tag() && len(f.Body) >= 4 &&
		gaussAuthentication(binary.BigEndian.Uint32(f.Body)) != "":
		f.Kind = messages.KindUnknown
	case s.extended && f.Kind == messages.KindRowDescription:
		s.shared.plainColumns, s.extendedRows = plainColumns(s.shared.plainColumns[:0], f.Body)
		if s.extendedRows {
			f.Body = s.shared.plainColumns
		}
	}
}

// gaussAuthentication is the name of a request that means something else in
// openGauss, "" for others.
func gaussAuthentication(code uint32) string {
	switch code {
	case 10:
		return "SHA256"
	case 11:
		return "MD5_SHA256"
	case 12:
		return "RFC_SHA256"
	case 13:
		return "SM3"
	case 14:
		return "IAM"
	}
	return ""
}

// plainColumns appends the body of a RowDescription without what Redshift adds to
// each field: the names of its schema, table, column and catalog, and flags. It
// reports whether the body had that form.
func plainColumns(dst, body []byte) ([]byte, bool) {
	const count, fixed, flags, names = 2, 18, 2, 4
	if len(body) < count {
		return dst, false
	}
	dst = append(dst, body[:count]...)
	rest := body[count:]
	for range binary.BigEndian.Uint16(body) {
		n := bytes.IndexByte(rest, 0)
		if n < 0 || len(rest) < n+1+fixed {
			return dst, false
		}
		dst = append(dst, rest[:n+1+fixed]...)
		rest = rest[n+1+fixed:]
		for range names {
			n := bytes.IndexByte(rest, 0)
			if n < 0 {
				return dst, false
			}
			rest = rest[n+1:]
		}
		if len(rest) < flags {
			return dst, false
		}
		rest = rest[flags:]
	}
	return dst, len(rest) == 0
}
