package render

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// End writes a connection record.
func (j *JSON) End(s *session.Session) { j.close(connOf(s, j.opt.Slot), s.Info(), s.Totals()) }

func (j *JSON) close(c *conn, i *session.Info, t exchange.Totals) {
	b := &j.body
	b.buf = j.begin(j.out.buf, "connection", c, i.Started.Time)
	b.comma, b.cuts = true, b.cuts[:0]
	if i.Ended.Time != 0 {
		b.key("end")
		b.buf = append(b.buf, '"')
		b.buf = j.clock.appendTime(b.buf, i.Ended.Time)
		b.buf = append(b.buf, '"')
	}
	b.buf = append(b.buf, j.who(c, i.User, i.Database, i.Application)...)
	b.known("protocol_version", i.ProtocolVersion)
	b.known("server_version", i.ServerVersion)
	b.known("server_product", i.Product)
	b.known("proxied_client", i.Proxied)
	if i.HasProcessID {
		b.Int("process_id", int64(i.ProcessID))
	}
	b.known("auth", i.Auth)
	b.known("encryption", i.Encryption.String())
	j.tls(i)
	b.known("decrypted_by", i.DecryptedBy)
	if p := i.Peer; p != nil {
		b.Int("peer_pid", int64(p.PID))
		b.Int("peer_uid", int64(p.UID))
		b.known("peer_program", p.Program)
	}
	if i.TLS.Alert != "" {
		b.str("tls_alert", i.TLS.Alert)
		b.str("tls_alert_from", [2]string{"client", "server"}[i.TLS.AlertFrom])
	}
	b.str("state", i.State.String())
	if i.Failure != nil {
		b.key("error")
		b.buf, b.comma = append(b.buf, '{'), false
		(&record.Connection{Info: *i}).VisitError(b)
		b.buf, b.comma = append(b.buf, '}'), true
	}
	if i.ClientClosed.Time != 0 {
		b.key("client_closed")
		b.buf = append(b.buf, '"')
		b.buf = j.clock.appendTime(b.buf, i.ClientClosed.Time)
		b.buf = append(b.buf, '"')
	}
	if i.Cancels.Conn != 0 {
		b.buf = appendCancels(b.buf, i.Cancels)
	}
	if !i.Unreadable {
		b.Int("queries", int64(t.Queries))
		b.Int("errors", int64(i.Errors))
		b.Int("transactions", int64(t.Transactions))
		b.Int("rows", int64(t.Rows))
	}
	if t.IdleInTransaction > 0 {
		b.Int("idle_in_transaction_ns", t.IdleInTransaction)
	}
	f, k := messages.Frontend, messages.Backend
	b.Int("frontend_bytes", int64(i.Traffic.Bytes[f]))
	b.Int("backend_bytes", int64(i.Traffic.Bytes[k]))
	b.Int("lost_bytes", int64(i.Traffic.Lost[f]+i.Traffic.Lost[k]))
	b.Int("retransmitted_bytes", int64(i.Traffic.Retransmitted[f]+i.Traffic.Retransmitted[k]))
	if i.Stream != nil {
		record.VisitStream(j.visitor(), i.Stream)
	}
	if i.GivenUp {
		b.Bool("given_up", true)
	}
	if i.Continues != 0 {
		b.Int("continues", int64(i.Continues))
	}
	b.Bool("started_mid_stream", i.MidStream)
	j.out.buf = append(b.buf, '}', '\n')
	j.out.wrote()
}

// known writes a fact that may be unknown.
func (b *body) known(name, v string) {
	if v != "" {
		b.str(name, v)
	}
}

func (j *JSON) tls(i *session.Info) {
	if i.Encryption != session.EncryptionTLS && i.Encryption != session.EncryptionTLSDirect {
		return
	}
	b := &j.body
	b.known("tls_version", i.TLS.Version)
	b.known("cipher", i.TLS.Cipher)
	b.known("server_name", i.TLS.ServerName)
	b.known("alpn", i.TLS.ALPN)
	b.known("certificate_subject", i.TLS.Subject)
	b.known("client_certificate_subject", i.TLS.ClientSubject)
	b.Bool("decrypted", i.TLS.Decrypted)
}
