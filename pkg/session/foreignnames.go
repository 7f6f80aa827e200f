package session

import (
	"bytes"
	"encoding/binary"
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// What other servers, and proposals for PostgreSQL, call messages that PostgreSQL does
// not have. Names are those of their sources; where those have none, it is said what the
// message is for.

// gaussRequests are openGauss's and GaussDB's own messages of clients
// (src/gausskernel/process/tcop/postgres.cpp). Those of the distributed edition go
// between its nodes.
var gaussRequests = map[byte]string{
	'U': "openGauss's batch Bind and Execute", 'J': "openGauss's trace ID", 'g': "GaussDB's global transaction ID", 's': "GaussDB's snapshot",
	't': "GaussDB's timestamp", 'q': "GaussDB's query ID", 'M': "GaussDB's command ID",
	'O': "a message of openGauss's own", 'Z': "a message of openGauss's own", 'h': "a message of openGauss's own", 'Y': "a message of openGauss's own",
	'u': "a message of openGauss's own", 'I': "a message of openGauss's own", 'L': "a message of openGauss's own", 'V': "a message of openGauss's own", 'K': "a message of openGauss's own",
}

// Redshift's authentication requests, and what its clients answer them with.
const (
	redshiftDigest = 13
	redshiftIdP    = 14
)

// notPostgreSQL ends the texts about what PostgreSQL does not have.
const notPostgreSQL = ", which PostgreSQL does not have"

// foreignText describes a message that PostgreSQL does not define and another product
// or a proposal does, "" for others.
func (s *Session) foreignText(e *Event) string {
	code, request := uint32(0), e.Tag == messages.KindAuthenticationOk.Tag() && e.Direction == messages.Backend && len(e.Body) >= 4
	if request {
		code = binary.BigEndian.Uint32(e.Body)
	}
	switch {
	case e.Kind != messages.KindUnknown:
		return ""
	case e.Direction == messages.Frontend && e.Tag == 0:
		if asksForBalance(e) {
			return "LoadBalanceRequest of Vertica's clients" + notPostgreSQL
		}
		return ""
	case request && s.info.Product == productOpenGauss:
		if name := gaussAuthentication(code); name != "" {
			return "openGauss asks for " + name + " authentication" + notPostgreSQL
		}
	case request && s.info.Product == productRedshift && code == redshiftDigest:
		return "Redshift asks for a digest of the password (13)" + notPostgreSQL
	case request && s.info.Product == productRedshift && code == redshiftIdP:
		return "Redshift asks for a token of an identity provider (14)" + notPostgreSQL
	case request && code == redshiftDigest:
		return "an authentication request with the code 13, which PostgreSQL does not define; Redshift's asks for a digest, openGauss's for SM3"
	case e.Direction == messages.Frontend && s.info.Product == productOpenGauss:
		if name := gaussRequests[e.Tag]; name != "" {
			return name + notPostgreSQL
		}
	case e.Direction == messages.Frontend && s.info.Product == productRedshift && (e.Tag == 'd' || e.Tag == 'i'):
		return "Redshift's answer to an authentication request" + notPostgreSQL
	case e.Direction == messages.Backend && e.Tag == 'Y' && s.info.Product == productVertica && e.Step.Phase == messages.PhaseStartup:
		return "LoadBalanceResponse of Vertica's servers" + notPostgreSQL
	case e.Direction == messages.Backend && s.extension != "":
		return undefinedText(e.Tag, s.extension)
	}
	return ""
}

// undefinedText is what is said of a server's message that PostgreSQL does not define
// where the client asked for an extension of the protocol.
func undefinedText(tag byte, extension string) string {
	const proposal = "report_prep_stmt_dealloc"
	if tag == 'i' && extension == proposal {
		return "undefined here; " + proposal + ", which the client asked for, is a proposal, in which this is PrepStmtDealloc"
	}
	return "undefined here; it may be of the extension " + extension + ", which the client asked for"
}

// extensionOf returns the name of the first extension of the protocol that a client
// asks for, without its prefix; "" if there is none but the one that tests servers.
func extensionOf(m *messages.StartupMessage) string {
	const prefix, most = "_pq_.", 63
	for i := range m.Parameters {
		name, ok := bytes.CutPrefix(m.Parameters[i].Name, []byte(prefix))
		if ok && string(name) != "test_protocol_negotiation" {
			return strings.ToValidUTF8(string(name[:min(len(name), most)]), "\uFFFD")
		}
	}
	return ""
}
