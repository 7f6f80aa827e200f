package record

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

var (
	connSchema     = NewSchema("connection", "A connection, when it ends, or at the end of the capture.")
	cEnd           = connSchema.Time("end", "When it ended: its last packet.")
	cUser          = connSchema.Text("user", "The user.")
	cDatabase      = connSchema.Text("database", "The database.")
	cApp           = connSchema.Text("application_name", "The application's name, last.")
	cProtocol      = connSchema.Text("protocol_version", "Version of the protocol.")
	cServerVersion = connSchema.Text("server_version", "Version of the server, as it told.")
	cProduct       = connSchema.Text("server_product", "What the server is, where it or its client says so: postgresql, pgbouncer, cockroachdb, …")
	cProxied       = connSchema.Text("proxied_client", "The client that a proxy's header names (PROXY protocol).")
	cProcess       = connSchema.Int("process_id", "", "The server process's ID.")
	cAuth          = connSchema.Text("auth", "How the client proved who it is.")
	cEncryption    = connSchema.Text("encryption", "none, refused, tls, tls_direct or gss.")
	cTLSVersion    = connSchema.Text("tls_version", "Version of TLS.")
	cCipher        = connSchema.Text("cipher", "The cipher suite.")
	cServerName    = connSchema.Text("server_name", "The name that the client asked for (SNI).")
	cALPN          = connSchema.Text("alpn", "The protocol chosen in the handshake.")
	cSubject       = connSchema.Text("certificate_subject", "Subject of the server's certificate.")
	cClientSubject = connSchema.Text("client_certificate_subject", "Subject of the client's certificate.")
	cDecrypted     = connSchema.Bool("decrypted", "Its plaintext could be read.")
	cDecryptedBy   = connSchema.Text("decrypted_by", "What gave the plaintext of TLS: keylog, capture or attach.")
	cPeerPID       = connSchema.Int("peer_pid", "", "The client's process ID; of a Unix socket.")
	cPeerUID       = connSchema.Int("peer_uid", "", "The client's user ID; of a Unix socket.")
	cPeerProgram   = connSchema.Text("peer_program", "The client's program; of a Unix socket.")
	cAlert         = connSchema.Text("tls_alert", "The TLS alert that ended it, by its name in RFC 8446.")
	cAlertFrom     = connSchema.Text("tls_alert_from", "Who sent it: client or server.")
	cState         = connSchema.Text("state", "How it stands or ended.")
	cError         = connSchema.Object("error", "Fields of the ErrorResponse that ended it.")
	cClientClosed  = connSchema.Time("client_closed", "When the client closed its side; the server had not closed its own.")
	cCancels       = connSchema.Object("cancels", "What its CancelRequest cancelled.")
	cQueries       = connSchema.Int("queries", "", "Number of queries.")
	cErrors        = connSchema.Int("errors", "", "Number of ErrorResponses.")
	cTransactions  = connSchema.Int("transactions", "", "Number of transactions.")
	cRows          = connSchema.Int("rows", "", "Number of rows.")
	cIdle          = connSchema.Int("idle_in_transaction_ns", "ns", "How long it was idle with a transaction open.")
	cFrontend      = connSchema.Int("frontend_bytes", "bytes", "Bytes that the client sent.")
	cBackend       = connSchema.Int("backend_bytes", "bytes", "Bytes that the server sent.")
	cLost          = connSchema.Int("lost_bytes", "bytes", "Bytes that were not captured.")
	cRetransmitted = connSchema.Int("retransmitted_bytes", "bytes", "Bytes that were sent again.")
	cSlot          = connSchema.Text("slot", "The replication slot that it streamed from.")
	cPlugin        = connSchema.Text("plugin", "The output plugin of logical replication.")
	cPublications  = connSchema.List("publications", "The publications that it asked for.")
	cWALBytes      = connSchema.Int("wal_bytes", "bytes", "Of WAL, or of the plugin's messages, in WALData.")
	cSent          = connSchema.Text("sent_lsn", "The position up to which WAL was sent.")
	cServerLSN     = connSchema.Text("server_lsn", "The position up to which the server had WAL, as it told.")
	cWritten       = connSchema.Text("write_lsn", "The position up to which the client had written, as it told last.")
	cFlushed       = connSchema.Text("flush_lsn", "Likewise flushed.")
	cApplied       = connSchema.Text("apply_lsn", "Likewise applied.")
	cLag           = connSchema.Object("lag", "How far the client was behind.")
	cBackup        = connSchema.Object("base_backup", "The base backup that was sent last.")
	cGivenUp       = connSchema.Bool("given_up", "More connections were open than are followed: it may have gone on.")
	cContinues     = connSchema.Int("continues", "", "The connection's number before it was given up.")
	cDoubtful      = connSchema.Int("doubtful_before", "", "The packet before which what was told of it is not to be relied on: inference_given_up.")
	cMidStream     = connSchema.Bool("started_mid_stream", "Its beginning was not captured.")
)

// Schema describes connections.
func (c *Connection) Schema() *Schema { return connSchema }

// Visit shows the connection.
func (c *Connection) Visit(v Visitor) {
	i, t := &c.Info, &c.Totals
	if i.Ended.Time != 0 {
		v.Time(cEnd, i.Ended.Time)
	}
	c.Who.visit(v, cUser, cDatabase, cApp)
	fact(v, cProtocol, i.ProtocolVersion)
	fact(v, cServerVersion, i.ServerVersion)
	fact(v, cProduct, i.Product)
	fact(v, cProxied, i.Proxied)
	if i.HasProcessID {
		v.Uint(cProcess, uint64(i.ProcessID))
	}
	fact(v, cAuth, i.Auth)
	fact(v, cEncryption, i.Encryption.String())
	if i.Encryption == session.EncryptionTLS || i.Encryption == session.EncryptionTLSDirect {
		fact(v, cTLSVersion, i.TLS.Version)
		fact(v, cCipher, i.TLS.Cipher)
		fact(v, cServerName, i.TLS.ServerName)
		fact(v, cALPN, i.TLS.ALPN)
		fact(v, cSubject, i.TLS.Subject)
		fact(v, cClientSubject, i.TLS.ClientSubject)
		v.Bool(cDecrypted, i.TLS.Decrypted)
	}
	fact(v, cDecryptedBy, i.DecryptedBy)
	if p := i.Peer; p != nil {
		if p.PID > 0 {
			v.Int(cPeerPID, int64(p.PID))
		}
		v.Int(cPeerUID, int64(p.UID))
		fact(v, cPeerProgram, p.Program)
	}
	if i.TLS.Alert != "" {
		v.String(cAlert, i.TLS.Alert)
		v.String(cAlertFrom, alertFrom(i.TLS.AlertFrom))
	}
	v.String(cState, i.State.String())
	if i.Failure != nil {
		v.Open(cError)
		c.VisitError(bodyOf(v))
		v.Close()
	}
	if i.ClientClosed.Time != 0 {
		v.Time(cClientClosed, i.ClientClosed.Time)
	}
	visitCancels(v, cCancels, i.Cancels)
	if !i.Unreadable { // else nobody knows
		v.Uint(cQueries, t.Queries)
		v.Uint(cErrors, i.Errors)
		v.Uint(cTransactions, t.Transactions)
		v.Uint(cRows, t.Rows)
	}
	if t.IdleInTransaction > 0 {
		v.Int(cIdle, t.IdleInTransaction)
	}
	const f, b = messages.Frontend, messages.Backend
	v.Uint(cFrontend, i.Traffic.Bytes[f])
	v.Uint(cBackend, i.Traffic.Bytes[b])
	v.Uint(cLost, i.Traffic.Lost[f]+i.Traffic.Lost[b])
	v.Uint(cRetransmitted, i.Traffic.Retransmitted[f]+i.Traffic.Retransmitted[b])
	if i.Stream != nil {
		visitStream(v, i.Stream)
	}
	if i.GivenUp {
		v.Bool(cGivenUp, true)
	}
	if i.Continues != 0 {
		v.Uint(cContinues, i.Continues)
	}
	if i.DoubtfulBefore != 0 {
		v.Uint(cDoubtful, i.DoubtfulBefore)
	}
	v.Bool(cMidStream, i.MidStream)
}

var (
	noticeSchema = NewSchema("notice", "Something about a connection that is no message.")
	nDir         = noticeSchema.Text("dir", "The direction that it is about.")
	nCode        = noticeSchema.Text("code", "What it is, as a word.")
	nText        = noticeSchema.Text("text", "What it is, as a sentence.")
	nBytes       = noticeSchema.Int("bytes", "bytes", "How many bytes it is about.")
)

// Schema describes notices.
func (n *Notice) Schema() *Schema { return noticeSchema }

// Visit shows the notice.
func (n *Notice) Visit(v Visitor) {
	if n.Directed {
		v.String(nDir, n.Direction.String())
	}
	v.String(nCode, n.Code)
	v.String(nText, n.Text)
	if n.Bytes > 0 {
		v.Int(nBytes, n.Bytes)
	}
}
