package findings

import (
	"encoding/binary"
	"fmt"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// restartTime is within which all sessions are ended by a restart.
	restartTime = second
	// lostTogether is within which connections are lost that one crash took along.
	lostTogether = 100 * millisecond
	// downTime is for how long after a shutdown refusals belong to it.
	downTime = 120 * second
	// A connection that was idle for longer than netfacts' silentClient fails with
	// minRepeats repetitions.
	minRepeats = 3
)

var (
	backendCrash   = &code{name: "backend_crash", finish: finishCrash}
	adminShutdown  = &code{name: "admin_shutdown", finish: finishShutdown}
	idleDisconnect = &code{name: "idle_disconnect", finish: finishDisconnect}
	refusedCode    = &code{name: "refused", finish: finishRefused}
	noAnswerCode   = &code{name: "no_answer", finish: finishNoAnswer}
)

// down is what tells that a server went down and came back.
type down struct {
	shutdown, crash *draft
	since           int64 // the latest shutdown or crash
	back            int64 // the first login after it
	refused         uint64
	starting        uint64 // 57P03
	startingAt      int64
	abrupt          []lostConn // without a word of the server
	stall           *stallData
}

// lostConn is a connection that the server's end closed without an error message.
type lostConn struct {
	ref ConnRef
	at  Stamp
	s   *statement
	id  uint64
}

type downData struct {
	server *server
	byApp  map[string]uint64
	first  int64
	last   int64
	victim *lostConn
	lost   []lostConn
	open   uint64 // connections to the server when the first was ended
}

// up takes a login.
func (k *down) up(c *conn, at int64) {
	if k.since != 0 && k.back == 0 && c.Started.Time > k.since {
		k.back = at
	}
}

// fatalState takes an error with which the server ends a connection.
func (e *Engine) fatalState(c *conn, state string, at Stamp, id uint64) {
	s := c.server
	k := &s.down
	c.gone.fatal, c.gone.fatalAt = state, at
	switch state {
	case adminShutdownState:
		e.ends(c, adminShutdown, &k.shutdown, at, id)
	case crashShutdownState:
		e.ends(c, backendCrash, &k.crash, at, id)
	case cannotConnectNow:
		k.starting++
		k.startingAt = at.Time
		if k.since == 0 {
			e.crashedUnseen(s)
		}
	case idleSessionTimeout:
		e.disconnected(c, "the server's idle_session_timeout", at, max(at.Time-c.lastEnd.Time, 0), 0)
	}
}

func (e *Engine) ends(c *conn, code *code, place **draft, at Stamp, id uint64) {
	s := c.server
	d := *place
	if d == nil {
		if d = e.draft(code, nil, s.id); d == nil {
			return
		}
		*place = d
		d.data = &downData{server: s, byApp: make(map[string]uint64), first: at.Time, open: e.openOn(s)}
	}
	x := d.data.(*downData)
	s.down.since, s.down.back = at.Time, 0
	x.last = at.Time
	if len(x.byApp) < maxRefs {
		x.byApp[c.app.name()]++
	}
	if code == backendCrash && d.count == 0 {
		// Who was lost first, without a word, was the one that crashed.
		for i := range s.down.abrupt {
			if l := &s.down.abrupt[i]; l.at.Time > at.Time-10*second && l.at.Time <= at.Time {
				e.crashVictim(d, l)
				break
			}
		}
	}
	d.note(at)
	d.on(c)
	if code == adminShutdown {
		d.show(at, c, id, adminShutdownState+" to "+c.app.name())
	} else {
		d.show(at, c, id, crashShutdownState+" to "+c.app.name())
	}
}

// openOn counts the connections to a server that are in use.
func (e *Engine) openOn(s *server) (n uint64) {
	for _, c := range e.conns {
		if c.server == s && (c.start.ready.Time != 0 || c.MidStream) && c.gone.client == 0 && c.gone.server == 0 {
			n++
		}
	}
	return n
}

func (e *Engine) crashVictim(d *draft, l *lostConn) {
	x := d.data.(*downData)
	if x.victim != nil {
		return
	}
	v := *l
	x.victim = &v
	d.span(l.at)
	d.conns = append([]ConnRef{l.ref}, d.conns...)
	if l.s != nil {
		d.calls(l.s, 1)
	}
	text := "lost without a word of the server: its process crashed"
	if l.s != nil {
		text += ", last asked: " + brief(l.s, 60)
	}
	d.evidence = append([]Evidence{{At: l.at, Conn: l.ref.Conn, Query: l.id, Text: text}}, d.evidence[:min(len(d.evidence), maxEvidence-1)]...)
}

// abruptEnd notes a connection that the server's end closed without a word.
func (e *Engine) abruptEnd(c *conn, at Stamp) {
	k := &c.server.down
	l := lostConn{ref: c.ref(), at: at, s: c.last, id: c.lastID}
	if len(k.abrupt) >= maxRefs {
		k.abrupt = k.abrupt[1:]
	}
	k.abrupt = append(k.abrupt, l)
	if d := k.crash; d != nil {
		x := d.data.(*downData)
		if at.Time <= x.last+second && at.Time >= x.first-second {
			if x.victim == nil {
				e.crashVictim(d, &l)
			} else if len(x.lost) < maxRefs {
				x.lost = append(x.lost, l)
			}
		}
	}
}

// crashedUnseen makes a crash of connections that were lost at one moment, after
// which the server said that it is starting.
func (e *Engine) crashedUnseen(s *server) {
	k := &s.down
	n := 0
	for i := range k.abrupt {
		if k.abrupt[len(k.abrupt)-1].at.Time-k.abrupt[i].at.Time <= lostTogether {
			n++
		}
	}
	if n < 2 || k.crash != nil {
		return
	}
	d := e.draft(backendCrash, nil, s.id)
	if d == nil {
		return
	}
	first := k.abrupt[len(k.abrupt)-n]
	k.crash, k.since = d, first.at.Time
	d.data = &downData{server: s, byApp: make(map[string]uint64), first: first.at.Time, last: first.at.Time}
	for i := len(k.abrupt) - n; i < len(k.abrupt); i++ {
		l := &k.abrupt[i]
		d.note(l.at)
		d.conns = append(d.conns, l.ref)
	}
	e.crashVictim(d, &first)
}

func finishCrash(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*downData)
	k := &x.server.down
	out := int64(0)
	if k.back > x.first {
		out = k.back - x.first
	}
	d.cost.TimeNS = out * int64(max(d.count, 1))
	f = d.finding(Critical, Certain)
	f.Title = fmt.Sprintf("A server process crashed, and the server ended %s with it", count(d.count, "other connection"))
	if x.victim != nil {
		f.Title += fmt.Sprintf("; it served connection %d (%s)", x.victim.ref.Conn, nameOf(x.victim.ref))
	}
	if out > 0 {
		f.Title += ", back after " + units.Duration(out)
	} else {
		f.Title += "; nobody could log in again before the capture ended"
	}
	f.Advice = "Look into the server's log and dmesg at that time: the OOM killer (vm.overcommit_memory=2, less work_mem), a signal, an extension; a core dump tells where."
	return f, true
}

func nameOf(r ConnRef) string {
	if r.Application != "" {
		return r.Application
	}
	return r.Client
}

func finishShutdown(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*downData)
	k := &x.server.down
	restart := d.count >= 2 && d.count >= x.open && x.last-x.first <= restartTime || k.refused > 0 || k.starting > 0
	d.cost.TimeNS = 0
	out := int64(0)
	if restart && k.back > x.first {
		out = k.back - x.first
		d.cost.TimeNS = out * int64(d.count)
	}
	f = d.finding(Critical, Certain)
	if !restart {
		f.Severity = Warning
		f.Title = fmt.Sprintf("%s of %s ended by an administrator (pg_terminate_backend, 57P01)", count(d.count, "connection"), list(firstKeys(x.byApp, 3)))
		f.Advice = "Somebody ended these on purpose; programs must take 57P01 as a sign to connect anew and to repeat."
		return f, true
	}
	f.Title = fmt.Sprintf("The server was shut down: %s ended (57P01), %s refused", count(d.count, "connection"), count(k.refused+k.starting, "new one"))
	if out > 0 {
		f.Title += ", back after " + units.Duration(out)
	}
	f.Advice = "Let PgBouncer hold the clients during a restart (PAUSE, RESUME), and let programs repeat after 57P01 with a pause that grows."
	return f, true
}

// silence is a connection that was idle for long, and what then became of it.
type silence struct {
	at      Stamp
	length  int64
	repeats int
	last    Stamp
	draft   *draft // that it was told in
	lost    int64  // nanoseconds told
}

// wroteToClosed takes a request on a connection that the server had closed.
func (e *Engine) wroteToClosed(c *conn, at Stamp) {
	if c.gone.fatal == "" && !c.gone.terminate && c.exchanges > 0 && c.gone.wroteAt.Time == 0 {
		c.gone.wroteAt = at
	}
}

// cutOff judges that at the end of the connection, when it is known whether the
// server's last words were lost.
func (e *Engine) cutOff(c *conn) {
	if at := c.gone.wroteAt; at.Time != 0 && c.gone.fatal == "" && !c.lossy {
		e.disconnected(c, "closed by the other end while it was idle", at, at.Time-c.lastEnd.Time, 0)
	}
}

// disconnected notes that an idle connection was cut.
func (e *Engine) disconnected(c *conn, how string, at Stamp, idle, lost int64) {
	if c.silence.draft != nil {
		return
	}
	d := e.draft(idleDisconnect, c.app, 0)
	if d == nil {
		return
	}
	c.silence.draft, c.silence.lost = d, lost
	x, _ := d.data.(*disconnectData)
	if x == nil {
		x = &disconnectData{how: make(map[string]uint64)}
		d.data = x
	}
	x.how[how]++
	x.idle.add(idle)
	x.pending = append(x.pending[:min(len(x.pending), 15)], at.Time+lost)
	d.note(at)
	d.on(c)
	d.cost.TimeNS += lost
	d.show(at, c, 0, fmt.Sprintf("idle for %s, then %s", units.Duration(idle), how))
}

type disconnectData struct {
	how     map[string]uint64
	idle    sample
	pending []int64
}

// reconnected adds the time until an application is back.
func (e *Engine) reconnected(c *conn, at Stamp) {
	d := e.peek(idleDisconnect, c.app, 0)
	if d == nil {
		return
	}
	x := d.data.(*disconnectData)
	if n := len(x.pending); n > 0 && c.Started.Time >= x.pending[n-1]-second {
		d.cost.TimeNS += max(at.Time-x.pending[n-1], 0)
		x.pending = x.pending[:0]
	}
}

// closing takes a FIN or a RST.
func (e *Engine) closing(c *conn, v *netfacts.Event) {
	rst := v.Kind == netfacts.Reset
	now := v.At.Time
	if v.FromClient {
		if c.gone.client == 0 {
			c.gone.client, c.gone.clientRST = now, rst
		}
	} else if c.gone.server == 0 {
		c.gone.server, c.gone.srvRST = now, rst
		if c.gone.fatal == "" && !c.gone.terminate && c.gone.client == 0 && c.start.ready.Time != 0 || c.MidStream && c.gone.client == 0 && !c.gone.terminate && c.gone.fatal == "" {
			e.abruptEnd(c, stamp(v))
		}
	}
	if rst && !v.FromClient && c.exchanges > 0 && c.silence.at.Time != 0 && now >= c.silence.at.Time && now-c.silence.at.Time < second && c.gone.fatal == "" && !c.gone.terminate {
		e.disconnected(c, "its next request was answered with a RST", c.silence.at, c.silence.length, now-c.silence.at.Time)
	}
}

// unanswered notes that what an idle connection sent is not acknowledged.
func (e *Engine) unanswered(c *conn, at Stamp) {
	x := &c.silence
	lost := at.Time - x.at.Time
	if x.draft == nil {
		e.disconnected(c, "its next request was repeated without an answer", x.at, x.length, lost)
		return
	}
	x.draft.cost.TimeNS += lost - x.lost
	x.draft.span(at)
	x.lost = lost
	if k := x.draft.data.(*disconnectData); len(k.pending) > 0 {
		k.pending[len(k.pending)-1] = at.Time
	}
}

// unreached takes a connection attempt that was refused or not answered.
func (e *Engine) unreached(v *netfacts.Event) {
	s := e.serverOf(v.Server.String())
	k := &s.down
	since := v.Since
	if k.since != 0 && since >= k.since-second && since < k.since+downTime && (k.back == 0 || since <= k.back) {
		k.refused++
		return
	}
	code := refusedCode
	if v.Kind == netfacts.NoAnswer {
		code = noAnswerCode
	}
	if e.servers[s.address] == nil {
		return
	}
	d := e.draft(code, nil, s.id)
	if d == nil {
		return
	}
	d.data = s.address
	at := Stamp{Time: max(since, 1), Frame: v.At.Frame}
	d.note(at)
	d.span(stamp(v))
	d.cost.TimeNS += v.Length
	if len(d.conns) < maxRefs {
		d.conns = append(d.conns, ConnRef{Conn: v.Conn, Client: v.Client.String(), Server: s.address})
	} else {
		d.moreConns++
	}
	if d.wants() {
		text := "refused with a RST"
		if code == noAnswerCode {
			text = fmt.Sprintf("%s in %s, no answer", count(v.N, "SYN"), units.Duration(v.Length))
		}
		d.evidence = append(d.evidence, Evidence{At: at, Conn: v.Conn, Text: text})
	}
}

func finishRefused(e *Engine, d *draft) (f Finding, ok bool) {
	s := Info
	if d.count >= minRepeats {
		s = Critical
	}
	f = d.finding(s, Certain)
	f.Title = fmt.Sprintf("%s to %s refused: nothing listens there", count(d.count, "connection attempt"), d.data.(string))
	f.Advice = "Is the server running, and does listen_addresses name this address and the client this port? Behind a name with several addresses (localhost: ::1 and 127.0.0.1) one of them may have no listener."
	return f, true
}

func finishNoAnswer(e *Engine, d *draft) (f Finding, ok bool) {
	f = d.finding(Critical, Strong)
	f.Title = fmt.Sprintf("%s to %s had no answer, %s of waiting", count(d.count, "connection attempt"), d.data.(string), units.Duration(d.cost.TimeNS))
	f.Advice = "A firewall or security group drops the packets, or the host is down: look at the way to it; connect_timeout bounds the wait."
	return f, true
}

func finishDisconnect(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*disconnectData)
	s := Warning
	if d.cost.TimeNS >= second {
		s = Critical
	}
	f = d.finding(s, Strong)
	f.Cost.Share = d.share()
	f.Title = fmt.Sprintf("%s of %s cut while idle for %s: %s", count(d.count, "connection"), d.app.name(), units.Duration(x.idle.median()), list(firstKeys(x.how, 2)))
	if d.cost.TimeNS > 0 {
		f.Title += ", " + units.Duration(d.cost.TimeNS) + " lost"
	}
	f.Advice = "Something between (firewall, NAT, load balancer, a timeout of the server) forgets idle connections: keep-alives below its limit (keepalives_idle, tcp_keepalives_idle), the pool's idle timeout or maximal lifetime below it, a test after idle time, tcp_user_timeout."
	return f, true
}

// learnPID files a connection under its server process.
func (e *Engine) learnPID(c *conn, body []byte) {
	s := c.server
	c.pid = binary.BigEndian.Uint32(body)
	if s.byPID == nil {
		s.byPID = make(map[uint32]uint64)
	}
	if len(s.byPID) < maxStatements {
		s.byPID[c.pid] = c.ID
	}
}
