package app

import (
	"github.com/pgsniff/pgsniff/internal/pcapngw"
	"github.com/pgsniff/pgsniff/internal/redact"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// state is what a file of packets that follows another begins with, so that it can be
// read alone: what is known of the open connections, and with --embed-keys the secrets
// of their TLS. What was learnt of encrypted connections is written only with their
// secrets, and never what is redacted elsewhere.
func (r *run) state(room int) pcapngw.State {
	var s pcapngw.State
	exact := !r.keep.onlyMatching() // otherwise packets are written long after they were read
	s.Blocks = r.analyzer.State(room, func(k *session.Snapshot) {
		if !exact {
			k.Tx = ""
			if k.TLS != nil {
				k.TLS.Place = nil
			}
		}
		switch {
		case k.Encryption == session.EncryptionGSS.String(), k.TLS != nil && !r.opt.kept.embedKeys:
			hide(k)
		case k.TLS != nil:
			s.Secrets = append(s.Secrets, k.TLS.Secrets...)
		}
		r.redactState(k)
	})
	return s
}

// hide takes out all that was ciphertext.
func hide(k *session.Snapshot) {
	tls := k.TLS
	*k = session.Snapshot{Encryption: k.Encryption, Proxied: k.Proxied, TLS: tls}
	if tls != nil {
		tls.Place = nil
		if tls.Facts.Version == "TLSv1.3" {
			tls.Facts.Subject, tls.Facts.ClientSubject, tls.Facts.ALPN = "", "", ""
		}
	}
}

// redactState takes the secrets out of the statements.
func (r *run) redactState(k *session.Snapshot) {
	for i := range k.Statements {
		st := &k.Statements[i]
		text, _ := r.opt.redact.SQL(nil, []byte(st.SQL), false)
		st.SQL = string(text)
		var rows messages.RowDescription
		if r.opt.redact == redact.None || st.Columns == nil {
			continue
		}
		if rows.Decode(st.Columns) != nil {
			st.Columns = nil
			continue
		}
		for j := range rows.Fields {
			if (redact.Cycle{}).ColumnName(rows.Fields[j].Name) {
				st.Columns = nil
				break
			}
		}
	}
}

// addState takes blocks of a capture that are neither packets nor secrets.
func (r *run) addState(kind uint32, data []byte) {
	if kind == pcapngw.BlockState {
		r.analyzer.Resume(data)
	}
}
