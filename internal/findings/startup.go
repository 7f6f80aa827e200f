package findings

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// The security of a connection, and what its start-up costs.
var (
	cleartextPassword = &code{name: "cleartext_password", finish: finishCleartext}
	md5Auth           = &code{name: "md5_auth", finish: finishMD5}
	sslFallback       = &code{name: "ssl_fallback_plaintext", finish: finishFallback}
	weakTLS           = &code{name: "weak_tls", finish: finishWeakTLS}
	gssencRoundtrip   = &code{name: "gssenc_roundtrip", finish: finishGSS}
)

// startup is how a connection began.
type startup struct {
	startup              Stamp // the startup packet
	ready                Stamp // the first ReadyForQuery
	sslAsked, sslRefused bool
	sslTaken             bool
	gssAsked             bool
	gssAt                int64
	gssRefused           Stamp // told when it is known whose connection it is
	gssTaken             bool
	auth                 string
	failed               bool // it ended before it was ready
	cancel               bool
}

// starting takes the messages of a start-up.
func (e *Engine) starting(c *conn, m *Message) {
	x := &c.start
	switch m.Kind {
	case messages.KindSSLRequest:
		x.sslAsked = true
	case messages.KindGSSENCRequest:
		x.gssAsked, x.gssAt = true, m.At.Time
	case messages.KindSSLResponse:
		x.sslTaken = len(m.Body) > 0 && m.Body[0] == 'S'
		c.server.tries.taken = c.server.tries.taken || x.sslTaken
		x.sslRefused = len(m.Body) > 0 && m.Body[0] == 'N'
	case messages.KindGSSENCResponse:
		x.gssTaken = len(m.Body) > 0 && m.Body[0] == 'G'
		if !x.gssTaken && x.gssAsked {
			x.gssRefused = m.At
		}
	case messages.KindStartupMessage:
		x.startup = m.At
		if c.driver = driverOfStartup(m.Body); c.app.driver == unknownDriver && c.driver != likeNodePg {
			c.app.driver = c.driver
		}
		e.startsPlain(c, m)
		e.gssRefused(c)
	case messages.KindCancelRequest:
		x.cancel = true
	case messages.KindAuthenticationCleartextPassword:
		x.auth = "password"
	case messages.KindAuthenticationMD5Password:
		e.method(c, md5Auth, m.At)
	case messages.KindPasswordMessage:
		if x.auth == "password" && !x.sslTaken && !x.gssTaken {
			e.method(c, cleartextPassword, m.At)
		}
	}
}

// method notes a weak way to prove who one is.
func (e *Engine) method(c *conn, k *code, at Stamp) {
	d := e.shared(k, c, c.login()+boolKey(c.start.sslTaken))
	if d == nil {
		return
	}
	d.note(at)
	d.on(c)
	if k == md5Auth {
		d.data = c.start.sslTaken
	}
	d.show(at, c, 0, "user "+clean([]byte(c.User)))
}

func boolKey(b bool) uint64 {
	if b {
		return 1
	}
	return 0
}

func (a *app) who() string {
	if a == nil || a.user == "" {
		return a.name()
	}
	if a.application == "" {
		return "user " + a.user + " on " + a.host
	}
	return a.application + " (user " + a.user + ")"
}

func finishCleartext(e *Engine, d *draft) (f Finding, ok bool) {
	f = d.finding(Critical, Certain)
	f.Title = fmt.Sprintf("The password of %s goes over the wire as it is, on %s without encryption", d.app.who(), count(d.count, "connection"))
	f.Advice = "Change pg_hba.conf from password (or LDAP, PAM, RADIUS, which need it) to scram-sha-256, and host to hostssl; then change the password."
	return f, true
}

func finishMD5(e *Engine, d *draft) (f Finding, ok bool) {
	s, tls := Warning, ""
	if inside, _ := d.data.(bool); inside {
		s, tls = Info, ", inside TLS"
	}
	f = d.finding(s, Certain)
	f.Title = fmt.Sprintf("%s logs in with MD5, which PostgreSQL 18 deprecates and who listens can use: %s%s", d.app.who(), count(d.count, "connection"), tls)
	f.Advice = "Set password_encryption = 'scram-sha-256', let the user set the password anew, and write scram-sha-256 into pg_hba.conf."
	return f, true
}

// sameHost reports whether both ends are on one host.
func sameHost(c *conn) bool {
	client, server := hostOf(c.Client), hostOf(c.Server)
	return client == server || strings.HasPrefix(server, "127.") || server == "[::1]"
}

// startsPlain takes a startup packet that is not encrypted.
func (e *Engine) startsPlain(c *conn, m *Message) {
	if c.server.plainAfterTLS(c, m.At) {
		e.fellBack(c, m.At, afterTLS)
		return
	}
	if !c.start.sslRefused || c.start.sslTaken || c.start.gssTaken {
		return
	}
	e.fellBack(c, m.At, "SSLRequest was answered N, and the startup packet followed in plain text")
}

// probe is a program that looks whether the server answers, proves nothing and asks nothing.
const probe = "pg_isready"

type fallbackData struct {
	local  bool
	failed uint64 // after a handshake that failed, not a refusal
	logins []uint64
	names  []string // of the first ones
}

const (
	// maxFallbacks bounds the logins that are told apart.
	maxFallbacks = 256
	// namedFallbacks is how many of them a title names.
	namedFallbacks = 3
)

// fellBack takes a connection in plain text whose client had asked for TLS. It is one
// illness, of the server or of what all clients leave at its default, however many they are.
func (e *Engine) fellBack(c *conn, at Stamp, how string) {
	if c.Application == probe {
		return
	}
	local := sameHost(c)
	d := e.shared(sslFallback, c, hashOf([]byte(c.Server))+boolKey(local))
	if d == nil {
		return
	}
	x, _ := d.data.(*fallbackData)
	if x == nil {
		x = &fallbackData{local: local}
		d.data = x
	}
	if login := c.login(); len(x.logins) < maxFallbacks && !slices.Contains(x.logins, login) {
		x.logins = append(x.logins, login)
		if name := c.app.name(); len(x.names) < namedFallbacks && !slices.Contains(x.names, name) {
			x.names = append(x.names, name)
		}
	}
	if !c.start.sslRefused {
		x.failed++
	}
	d.note(at)
	d.on(c)
	d.show(at, c, 0, how)
}

// who names those who fell back.
func (x *fallbackData) who(a *app) string {
	if len(x.logins) < 2 {
		return a.who()
	}
	names := list(x.names)
	if len(x.logins) > len(x.names) {
		names = strings.Join(x.names, ", ") + " and others"
	}
	return names
}

func finishFallback(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*fallbackData)
	s := Warning
	if x.local {
		s = Info
	}
	how, sure := "was refused", Certain
	if len(x.logins) > 1 {
		how = "were refused"
	}
	switch {
	case x.failed == d.count:
		how, sure = "failed in the handshake", Strong
		if d.count == 1 { // another program of the host may have come just then
			s, sure = Info, Likely
		}
	case x.failed > 0:
		how, sure = how+" or failed in the handshake", Strong
	}
	f = d.finding(s, sure)
	f.Title = fmt.Sprintf("%s asked for TLS, %s and went on in plain text, on %s", x.who(d.app), how, count(d.count, "connection"))
	f.Advice = "sslmode=prefer, the default of libpq, protects nothing: turn ssl on at the server and use sslmode=verify-full (at least require); or sslmode=disable where plain text is meant."
	return f, true
}

// endedTLS looks at the version and cipher of a connection that is over.
func (e *Engine) endedTLS(c *conn, end *Ending) {
	weak := ""
	switch end.TLSVersion {
	case "SSLv3", "TLSv1", "TLSv1.0", "TLSv1.1":
		weak = end.TLSVersion
	}
	upper := strings.ToUpper(end.Cipher)
	for _, bad := range []string{"NULL", "EXPORT", "RC4", "3DES", "DES-CBC3", "DES_CBC"} {
		if strings.Contains(upper, bad) {
			weak = strings.TrimSpace(end.TLSVersion + " " + end.Cipher)
		}
	}
	if weak == "" {
		return
	}
	d := e.shared(weakTLS, c, c.login()+hashOf([]byte(weak)))
	if d == nil {
		return
	}
	d.data = weak
	d.note(c.Started)
	d.on(c)
	d.show(c.Started, c, 0, weak)
}

func finishWeakTLS(e *Engine, d *draft) (f Finding, ok bool) {
	f = d.finding(Warning, Certain)
	f.Title = fmt.Sprintf("%s uses %s, which is broken or obsolete (RFC 8996), on %s", d.app.who(), d.data.(string), count(d.count, "connection"))
	f.Advice = "Set ssl_min_protocol_version = 'TLSv1.2' at the server, and renew the old client or its OpenSSL."
	return f, true
}

// minGSS refused requests are a warning, or fewer where the server is far away.
const (
	minGSS = 5
	farGSS = 5 * millisecond
)

type gssData struct{ rtt, refused, abandoned int64 }

// gssRefused notes that GSSAPI encryption was asked for in vain.
func (e *Engine) gssRefused(c *conn) {
	at := c.start.gssRefused
	if at.Time == 0 {
		return
	}
	c.start.gssRefused = Stamp{}
	d := e.shared(gssencRoundtrip, c, c.login())
	if d == nil {
		return
	}
	x, _ := d.data.(*gssData)
	if x == nil {
		x = &gssData{}
		d.data = x
	}
	x.rtt = c.roundTrip()
	x.refused++
	d.note(at)
	d.on(c)
	d.cost.TimeNS += max(at.Time-c.start.gssAt+c.rtt[1], c.roundTrip())
	d.cost.RoundTrips++
	d.show(at, c, 0, "GSSENCRequest was answered N")
}

// gssAbandoned notes a connection that was given up after the server had agreed.
func (e *Engine) gssAbandoned(c *conn, end *Ending) {
	if !c.start.gssTaken || c.start.ready.Time != 0 || end.Open || end.At.Time-c.Started.Time > second {
		return
	}
	d := e.shared(gssencRoundtrip, c, c.login())
	if d == nil {
		return
	}
	x, _ := d.data.(*gssData)
	if x == nil {
		x = &gssData{}
		d.data = x
	}
	x.rtt = c.roundTrip()
	x.abandoned++
	d.note(c.Started)
	d.on(c)
	d.cost.TimeNS += end.At.Time - c.Started.Time
	d.show(c.Started, c, 0, "GSSAPI encryption was begun and given up")
}

func finishGSS(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*gssData)
	if x.abandoned > 0 && x.abandoned < 2 && x.refused == 0 {
		return f, false
	}
	s := Info
	if d.count >= minGSS || x.rtt >= farGSS {
		s = Warning
	}
	f = d.finding(s, Certain)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s asks for GSSAPI encryption in vain on %s: a round trip of %s each, %s in all", d.app.who(), count(d.count, "connection"), units.Duration(x.rtt), units.Duration(d.cost.TimeNS))
	f.Advice = "libpq asks first wherever it has a Kerberos ticket: gssencmode=disable, or PGGSSENCMODE=disable in the environment."
	return f, true
}
