package findings

import (
	"fmt"
	"strings"

	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// minChurn connections at minChurnRate a second, with the median of
	// fewExchanges exchanges or shortLife at most.
	minChurn     = 20
	minChurnRate = 1.0
	fewExchanges = 3
	shortLife    = second
	// churnTurns is how many connections there are, at least, for each that is open at
	// the busiest moment: a pool opens its own once.
	churnTurns = 2
)

var connectionChurn = &code{name: "connection_churn", finish: finishChurn}

// churn is what an application's connections cost to open.
type churn struct {
	draft       *draft
	n           uint64
	connect     sample // to the first ReadyForQuery
	spent       int64
	exchanges   sample
	life        sample
	first, last int64
	auth        string
	tls         bool
}

// startedUp takes the end of a connection's start-up: BackendKeyData comes with the
// first ReadyForQuery, and of who sends none the first query tells.
func (e *Engine) startedUp(c *conn, at Stamp) {
	x := &c.start
	if x.ready.Time != 0 || x.startup.Time == 0 || c.MidStream {
		return
	}
	x.ready = at
	c.app.idle++
	c.server.down.up(c, at.Time)
	e.reconnected(c, at)
	c.app.busy += max(at.Time-c.Started.Time, 0)
	c.busyTo = at.Time
	c.lastTx = 'I'
}

// churned counts a connection that its client closed in good order.
func (e *Engine) churned(c *conn, end *Ending) {
	if c.start.ready.Time == 0 || c.MidStream || end.Open || c.gone.fatal != "" || c.Replication ||
		c.app.tool == toolBench || c.app.tool == toolDump || c.start.cancel {
		return
	}
	if !c.gone.terminate && c.gone.client == 0 {
		return
	}
	x := &c.app.churn
	connect := c.start.ready.Time - c.Started.Time
	life := end.At.Time - c.Started.Time
	if x.n++; x.n == 1 || c.Started.Time < x.first {
		x.first = c.Started.Time
	}
	x.last = max(x.last, c.Started.Time)
	x.connect.add(connect)
	x.spent += connect
	x.exchanges.add(int64(c.exchanges))
	x.life.add(life)
	x.auth, x.tls = c.start.auth, c.start.sslTaken
	if x.draft == nil {
		if x.draft = e.draft(connectionChurn, c.app, 0); x.draft == nil {
			return
		}
		x.draft.data = x
	}
	d := x.draft
	d.note(c.Started)
	d.span(end.At)
	d.on(c)
	if c.last != nil {
		d.calls(c.last, 1)
	}
	d.cost.TimeNS = x.spent
	if d.count%minChurn == 1 {
		d.show(c.Started, c, 0, fmt.Sprintf("connected in %s for %s", units.Duration(connect), count(c.exchanges, "query")))
	}
}

func finishChurn(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*churn)
	seconds := float64(max(x.last-x.first, millisecond)) / 1e9
	rate := float64(x.n-1) / seconds
	if x.n < churnTurns*uint64(max(d.app.most, 1)) {
		return f, false
	}
	if x.n < minChurn || rate < minChurnRate || x.exchanges.median() > fewExchanges && x.life.median() > shortLife {
		return f, false
	}
	f = d.finding(d.byCost(e), Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s opens a connection for each task: %s, %s a second, for %s each; connecting takes %s of %s", d.app.name(), count(x.n, "connection"), digits(rate), count(x.exchanges.median(), "query"), units.Duration(x.connect.median()), units.Duration(x.life.median()))
	f.Advice = poolWays.of(d.app)
	return f, true
}

var (
	tooManyConnections = &code{name: "too_many_connections", finish: finishTooMany}
	failedLogins       = &code{name: "failed_logins", finish: finishLogins}
)

const (
	minLogins = 5
	guessing  = 5
	// fallbackTime is how soon libpq tries again without, or with, TLS.
	fallbackTime = 200 * millisecond
)

type tooManyData struct {
	server   *server
	messages map[string]uint64
	apps     map[string]uint64
	open     map[string]int
}

type logins struct {
	draft  *draft
	states map[string]uint64
	users  map[string]bool
	last   int64
	lastTo string
	// lastTLS tells that it was inside TLS.
	lastTLS bool
	gaps    sample
	host    string
}

// fatal takes an error that no query cycle ends in.
func (e *Engine) fatal(c *conn, m *Message) {
	state := errorField(m.Body, messages.FieldSQLState)
	starting := c.start.ready.Time == 0 && !c.MidStream
	text := errorField(m.Body, messages.FieldMessage)
	if c.start.sslAsked && c.start.startup.Time == 0 && starting {
		return // an old server's answer to SSLRequest
	}
	c.gone.fatal, c.gone.fatalAt = state, m.At
	switch {
	case state == tooManyState, state == "08P01" && starting && text == "no more connections allowed (max_client_conn)":
		e.tooMany(c, m, text)
	case text == queryWaitTimeout:
		e.gaveUp(c, m.At, 0, nil, Unknown)
	case starting && (state == "28P01" || state == "28000" || state == "3D000" || state == "0LP01" || state == "42501"),
		starting && state == "08P01" && refusedByPooler(text):
		e.loginFailed(c, m, state)
	default:
		e.fatalState(c, state, m.At, 0)
	}
	c.start.failed = starting
}

// refusedByPooler reports whether PgBouncer refuses a login with a message: 1.18 has one
// SQLSTATE for whatever it refuses.
func refusedByPooler(text string) bool {
	return strings.Contains(text, "authentication failed") || strings.HasPrefix(text, "no such user") || strings.HasPrefix(text, "no such database")
}

// warned takes a warning: what a server says while it crashes, or stops at once,
// comes as one.
func (e *Engine) warned(c *conn, m *Message) {
	switch state := errorField(m.Body, messages.FieldSQLState); state {
	case crashShutdownState, adminShutdownState:
		e.fatalState(c, state, m.At, m.Query)
	}
}

func (e *Engine) tooMany(c *conn, m *Message, text string) {
	d := e.draft(tooManyConnections, nil, c.server.id)
	if d == nil {
		return
	}
	x, _ := d.data.(*tooManyData)
	if x == nil {
		x = &tooManyData{server: c.server, messages: make(map[string]uint64), apps: make(map[string]uint64), open: make(map[string]int)}
		d.data = x
		for _, a := range e.apps {
			if a.open > 0 && len(x.open) < maxRefs {
				x.open[a.name()] += a.open
			}
		}
		if x.open[c.app.name()] > 0 {
			x.open[c.app.name()]-- // it is not let in
		}
	}
	if text = shorten(clean160(text), 120); len(x.messages) < 8 || x.messages[text] > 0 {
		x.messages[text]++
	}
	if len(x.apps) < maxRefs || x.apps[c.app.name()] > 0 {
		x.apps[c.app.name()]++
	}
	d.note(m.At)
	d.on(c)
	d.cost.TimeNS += m.At.Time - c.Started.Time
	d.show(m.At, c, 0, c.app.name()+": "+text)
}

func clean160(s string) string {
	b := []byte(s)
	out := ""
	for len(b) > 0 && len(out) < 160 {
		n := min(len(b), 60)
		for n < len(b) && b[n]&0xc0 == 0x80 {
			n--
		}
		if n == 0 {
			break
		}
		out += clean(b[:n])
		b = b[n:]
	}
	return out
}

func finishTooMany(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*tooManyData)
	f = d.finding(Critical, Certain)
	f.Title = fmt.Sprintf("The server refused %s of %s: too many connections", count(d.count, "connection"), list(firstKeys(x.apps, 3)))
	held := make(map[string]uint64)
	for a, n := range x.open {
		if n > 1 {
			held[a] = uint64(n)
		}
	}
	if keys := firstKeys(held, 3); len(keys) > 0 {
		for i, k := range keys {
			if held[k] > 0 {
				keys[i] = fmt.Sprintf("%s %d", k, held[k])
			}
		}
		f.Title += "; open at that time: " + list(keys)
	}
	f.Advice = "Make the pools smaller (instances × pool size must stay below max_connections), or put PgBouncer in front; a higher max_connections seldom helps."
	return f, true
}

func (e *Engine) loginFailed(c *conn, m *Message, state string) {
	s, host := c.server, hostOf(c.Client)
	if s.logins == nil {
		s.logins = make(map[string]*logins)
	}
	x := s.logins[host]
	if x == nil {
		if len(s.logins) >= maxApps {
			return
		}
		x = &logins{states: make(map[string]uint64), users: make(map[string]bool), host: host}
		x.draft = e.draft(failedLogins, nil, hashOf([]byte(s.address+"\x00"+host)))
		if x.draft == nil {
			return
		}
		x.draft.data = x
		s.logins[host] = x
	}
	d := x.draft
	at := m.At.Time
	tls := c.start.sslTaken
	if x.last != 0 && at-x.last < fallbackTime && x.lastTo == c.User && x.lastTLS != tls && state == "28000" {
		x.last, x.lastTo = at, "" // it explains one
		d.on(c)
		return // the same attempt, with TLS and without
	}
	if x.last != 0 {
		x.gaps.add(at - x.last)
	}
	x.last, x.lastTo, x.lastTLS = at, c.User, tls
	if x.states[state]++; len(x.users) < maxRefs {
		x.users[c.User] = true
	}
	d.note(m.At)
	d.on(c)
	d.cost.TimeNS += at - c.Started.Time
	d.show(m.At, c, 0, fmt.Sprintf("%s for user %s on database %s", state, clean([]byte(c.User)), clean([]byte(c.Database))))
}

func finishLogins(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*logins)
	s := Info
	if d.count >= minLogins {
		s = Warning
	}
	f = d.finding(s, Certain)
	users := sortedKeys(x.users)
	f.Title = fmt.Sprintf("%s of %s failed", count(d.count, "login"), x.host)
	if len(users) == 1 && users[0] != "" {
		f.Title += " as " + users[0]
	}
	f.Title += " with " + list(firstKeys(x.states, 3))
	if d.count >= minLogins {
		f.Title += ", one each " + units.Duration(x.gaps.median())
	}
	f.Advice = "28P01: the password is wrong; 28000: no line of pg_hba.conf fits (host, user, database, TLS); 3D000: no such database; 42501: CONNECT is not granted. Find the program that still has the old credentials, and let it wait between attempts."
	if x.states["08P01"] > 0 {
		f.Advice += " 08P01 is PgBouncer's: it does not know the user (auth_file, auth_query), the password, or the database."
	}
	if len(users) >= guessing {
		f.Title += fmt.Sprintf(", with %d different users: is somebody guessing?", len(users))
	}
	return f, true
}
