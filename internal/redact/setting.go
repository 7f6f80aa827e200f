package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// Setting tells whether the value of a start-up parameter or of a run-time setting
// is hidden as a whole. That of "options" is looked into: see [Options].
func Setting(name, v []byte) bool {
	switch string(name) {
	case "user", "database", "application_name", "client_encoding", "replication",
		// What servers report (manual: "Asynchronous Operations").
		"server_version", "server_encoding", "DateStyle", "IntervalStyle", "TimeZone", "integer_datetimes",
		"standard_conforming_strings", "is_superuser", "session_authorization", "default_transaction_read_only",
		"in_hot_standby", "scram_iterations", "search_path":
		return Value(v)
	case "totp", "otp", "jwt", "auth", "crdb:session_revival_token_base64", "oauth_access_token":
		return true
	}
	return sqlnorm.NamesSecret(name) || Value(v)
}

// Options appends the value of the start-up parameter "options" to dst: arguments of
// the server's command line (manual: "StartupMessage (F)"). What sets a setting of
// the server's own, whose name is no secret's, stays, and so do the names of the
// others. So do endpoint and the like, by which proxies find the server.
func Options(dst, v []byte) []byte {
	for len(v) > 0 {
		n := len(v) - len(bytes.TrimLeft(v, " \t\n\r"))
		dst, v = append(dst, v[:n]...), v[n:]
		if len(v) == 0 {
			break
		}
		n = endOfWord(v)
		dst = appendArgument(dst, v[:n])
		v = v[n:]
	}
	return dst
}

// endOfWord returns where an argument ends: at white space that no backslash is
// before.
func endOfWord(v []byte) int {
	for i := 0; i < len(v); i++ {
		switch v[i] {
		case '\\':
			i++
		case ' ', '\t', '\n', '\r':
			return i
		}
	}
	return len(v)
}

// appendArgument appends one argument: "-c", "name=value", "-cname=value",
// "--name=value", or one of another form, which is shown if it is a flag without
// a value.
func appendArgument(dst, arg []byte) []byte {
	name, value, ok := bytes.Cut(arg, []byte("="))
	if !ok {
		if len(arg) <= 2 && arg[0] == '-' {
			return append(dst, arg...)
		}
		return append(dst, Mark...)
	}
	bare := bytes.TrimPrefix(bytes.TrimPrefix(name, []byte("--")), []byte("-c"))
	dst = append(append(dst, name...), '=')
	if bytes.IndexByte(bare, '.') >= 0 || sqlnorm.NamesSecret(bare) || Value(value) {
		return append(dst, Mark...)
	}
	return append(dst, value...)
}

func (h *Handler) parameterStatus(e *session.Event) ([]byte, bool) {
	if h.plainSettings.has(e.Body) {
		return e.Body, false
	}
	name, rest := upToNUL(e.Body)
	if len(rest) == 0 {
		return e.Body, false
	}
	v, rest := upToNUL(rest[1:])
	if !Setting(name, v) {
		h.plainSettings.add(e.Body)
		return e.Body, false
	}
	h.body = append(h.body[:0], e.Body[:len(name)+1]...)
	h.body = append(h.mark(h.body, v), rest...)
	return h.body, true
}

// startup rewrites a StartupMessage whose parameters have secrets.
func (h *Handler) startup(e *session.Event) ([]byte, bool) {
	const version = 4
	if len(e.Body) < version || h.plainStartups.has(e.Body) {
		return e.Body, false
	}
	dst, changed := append(h.body[:0], e.Body[:version]...), false
	rest := e.Body[version:]
	for len(rest) > 0 && rest[0] != 0 {
		name, after := upToNUL(rest)
		if Value(name) { // a connection string that was taken apart wrongly
			dst, changed = h.mark(dst, name), true
		} else {
			dst = append(dst, name...)
		}
		if len(after) == 0 {
			rest = nil
			break
		}
		v, after := upToNUL(after[1:])
		dst = append(dst, 0)
		from := len(dst)
		switch {
		case string(name) == "options":
			dst = Options(dst, v)
		case Setting(name, v):
			dst = h.mark(dst, v)
		default:
			dst = append(dst, v...)
		}
		changed = changed || !bytes.Equal(dst[from:], v)
		if rest = after; len(rest) > 0 {
			dst = append(dst, 0)
			rest = rest[1:]
		}
	}
	if !changed {
		h.plainStartups.add(e.Body)
	}
	h.body = append(dst, rest...)
	return h.body, changed
}

// oldStartup rewrites a startup packet of version 2 whose parameters have secrets: each has
// a place of its own, filled with NULs.
func (h *Handler) oldStartup(e *session.Event) ([]byte, bool) {
	m := &h.oldStart
	if m.Decode(e.Body) != nil {
		return e.Body, false
	}
	h.value = Options(h.value[:0], m.Options)
	changed := !bytes.Equal(h.value, m.Options)
	m.Options = h.value
	for _, f := range [...]*[]byte{&m.Database, &m.User, &m.Unused, &m.TTY} {
		if Value(*f) {
			*f, changed = []byte(Mark), true
		}
	}
	if !changed {
		return e.Body, false
	}
	const head = 4
	h.body = m.Append(h.body[:0])[head:]
	return h.body, true
}

// negotiated rewrites what a server says of the names of parameters that it does not know,
// if one is no name.
func (h *Handler) negotiated(e *session.Event) ([]byte, bool) {
	var m messages.NegotiateProtocolVersion
	if !mayHoldValue(e.Body) || m.Decode(e.Body) != nil {
		return e.Body, false
	}
	changed := false
	for i, name := range m.Unsupported {
		if Value(name) {
			m.Unsupported[i], changed = []byte(Mark), true
		}
	}
	if !changed {
		return e.Body, false
	}
	const head = 5
	h.body = m.Append(h.body[:0])[head:]
	return h.body, true
}
