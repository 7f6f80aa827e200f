package findings

import (
	"sort"
	"strings"

	"github.com/pgsniff/pgsniff/internal/netfacts"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

const (
	// maxStatements bounds the statements known, of 2 KB at most each; a busy
	// system has some hundreds.
	maxStatements = 8192
	// maxApps bounds the applications, and maxAppStatements what is kept of each
	// one's statements, half a kilobyte at least for each.
	maxApps          = 4096
	maxAppStatements = 16384
	// maxDrafts bounds what may become findings.
	maxDrafts = 4096
	// maxHashes bounds the hashes of texts and rows that all statements and
	// connections together keep, 16 MB.
	maxHashes = 1 << 20
	// maxServers bounds the servers.
	maxServers = 1024
	// maxSpare bounds what is kept for connections to come, 16 KB each at most.
	maxSpare = 64
)

// Options configure an Engine.
type Options struct {
	// Live tells that findings are taken while the capture goes on.
	Live bool
}

// Engine draws conclusions. Make it with New; its methods belong to one goroutine.
type Engine struct {
	// Dropped says how many things were not looked at for lack of room.
	Dropped uint64
	// OnLockWait, if not nil, is told of each wait for a lock, some time after it.
	OnLockWait func(*LockWait)

	conns      map[uint64]*conn
	shaken     map[uint64]handshake // of connections that nothing was told of yet
	apps       map[appKey]*app
	otherApp   *app
	servers    map[string]*server
	inOrder    []*server
	statements map[uint64]*statement
	uses       map[usesKey]*uses
	drafts     map[draftKey]*draft
	hashes     int // kept in all
	now, tick  int64
	latest     *conn
	spare      []*conn // of connections that are over, to be used again
	scratch    seenExchange
	values     []uint64
	turns      []turn // of the loop that is looked at
	useful     []turn // of the run that is looked at, 700 KB at most
	told       map[*draft]told
	over       []wait // of the server that is looked at, those that are judged

	connections, queries, lossyConns uint64
	judged                           int64
	slow                             slowest
	pool                             poolers
}

// New returns an Engine.
func New(Options) *Engine {
	return &Engine{
		conns: make(map[uint64]*conn), shaken: make(map[uint64]handshake), apps: make(map[appKey]*app),
		servers: make(map[string]*server), statements: make(map[uint64]*statement),
		uses: make(map[usesKey]*uses), drafts: make(map[draftKey]*draft),
		otherApp: &app{}, pool: newPoolers(),
	}
}

// conn is a connection.
type conn struct {
	Conn
	app    *app
	server *server
	lossy  bool
	gone   gone
	start  startup
	handshake
	pid    uint32
	driver driver

	exchanges uint64
	turns     uint64
	lastEnd   Stamp // of the latest replies
	lastTx    byte
	waiting   bool // its latest exchange was not answered to the end
	// askedAt is when the first Parse or Close came since the latest exchange; 0: none.
	askedAt int64
	missed  bool // something was not captured since the latest exchange
	last    *statement
	lastID  uint64
	busyTo  int64
	turn    turn
	turned  bool   // turn holds something
	own     uint64 // exchanges that were the driver's
	hiccups int    // pauses in run that are long for one
	run     []turn
	rows    *rowsOf // nil before the first row
	tx      transaction
	net     network
	fetch   fetches
	parse   parses
	named   named
	plans   map[string]*plan
	inserts inserts
	aborted abort
	silence silence
	repl    *replication
	firsts  []uint64 // statements whose first use was seen
	// violated are the drafts of what broke the protocol on it: bytes that were not
	// captured, which may be known later, would explain it.
	violated []*draft
	// filed tells that something refers to it that is judged after its end.
	filed bool
}

// keptRun is how many turns of room a connection leaves to the next one.
const keptRun = 16

// reset makes a connection that is over fit for another. What grew on most of them
// keeps its room: programs that connect for each task make thousands a second.
func (c *conn) reset() {
	run, firsts, tx, repeats, windows := c.run[:0], c.firsts[:0], c.tx, c.net.repeats[:0], c.net.windows[:0]
	if cap(run) > keptRun {
		run = nil
	}
	clear(tx.tables)
	clear(tx.statements)
	*c = conn{run: run, firsts: firsts}
	c.tx.tables, c.tx.values, c.tx.statements = tx.tables[:0], tx.values[:0], tx.statements[:0]
	c.net.repeats, c.net.windows = repeats, windows
}

// gone is how a connection came to its end.
type gone struct {
	client, server    int64 // when a FIN or RST of it was seen; 0: not
	clientRST, srvRST bool
	terminate         bool // Terminate was sent
	fatal             string
	fatalAt           Stamp
	wroteAt           Stamp // the first request after the server's FIN
}

func (c *conn) ref() ConnRef {
	return ConnRef{Conn: c.ID, Client: c.Client, Server: c.Server, User: c.User, Database: c.Database, Application: c.Application}
}

// roundTrip is the time to the server and back to the client.
func (c *conn) roundTrip() int64 { return c.rtt[0] + c.rtt[1] }

// of returns the engine's side of a connection.
func (e *Engine) of(k *Conn) *conn {
	c := e.latest
	if c == nil || c.ID != k.ID {
		if c = e.conns[k.ID]; c == nil {
			c = e.open(k)
		}
		e.latest = c
	}
	if k.edition != 0 && k.edition == c.edition {
		return c
	}
	if c.Application != k.Application || c.User != k.User || c.Database != k.Database || c.Client != k.Client {
		c.leave()
		c.Conn = *k
		e.rename(c, e.appOf(k))
		c.server = e.serverOf(k.Server)
	}
	c.edition = k.edition
	return c
}

func (e *Engine) open(k *Conn) *conn {
	var c *conn
	if n := len(e.spare); n > 0 {
		c, e.spare = e.spare[n-1], e.spare[:n-1]
	} else {
		c = new(conn)
	}
	c.Conn = *k
	e.conns[k.ID] = c
	if h, ok := e.shaken[k.ID]; ok {
		c.handshake = h
		delete(e.shaken, k.ID)
	}
	c.server = e.serverOf(k.Server)
	c.enter(e.appOf(k))
	return c
}

// rename makes c one of another application. What the driver alone has asked until then was
// that application's already: its name is what it began with.
func (e *Engine) rename(c *conn, a *app) {
	if c.own == c.exchanges {
		c.app.exchanges -= c.own
		a.exchanges += c.own
	}
	c.enter(a)
}

func (c *conn) enter(a *app) {
	c.app = a
	a.open++
	a.most = max(a.most, a.open)
	if a.driver == unknownDriver && c.driver != likeNodePg {
		a.driver = c.driver
	}
}

func (c *conn) leave() {
	if c.app != nil {
		c.app.open--
	}
}

// statementOf returns what is known of an exchange's statement, nil if there is no room.
func (e *Engine) statementOf(q *Exchange) *statement {
	print, text := q.Fingerprint, q.Normalized
	if q.SQL == nil {
		if len(q.Statement) == 0 {
			return nil
		}
		print = hashOf(q.Statement) | 1<<63
	}
	if s := e.statements[print]; s != nil {
		return s
	}
	if len(e.statements) >= maxStatements {
		e.Dropped++
		return nil
	}
	s := newStatement(print, text)
	if q.SQL == nil {
		s.text = `(prepared statement "` + clean(q.Statement) + `", whose text was not captured)`
		s.verb, s.ping = "", false
		s.isSelect = len(q.Results) > 0 && strings.HasPrefix(string(q.Results[0].Tag), "SELECT")
	}
	e.statements[print] = s
	return s
}

// clean makes a name of the wire fit to be shown: no more than 63 bytes, none of
// them a control character.
func clean(b []byte) string {
	b = b[:min(len(b), 63)]
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0xfffd {
			return -1
		}
		return r
	}, string(b))
}

// draft returns what is collected under a key, nil if there is no room.
//
//go:noinline
func (e *Engine) draft(k *code, a *app, what uint64) *draft {
	key := draftKey{k, a, what}
	d := e.drafts[key]
	if d == nil {
		if len(e.drafts) >= maxDrafts {
			e.Dropped++
			return nil
		}
		d = &draft{code: k, key: key, app: a}
		e.drafts[key] = d
	}
	return d
}

// shared is draft for what is one illness whatever hosts an application runs on.
func (e *Engine) shared(k *code, c *conn, what uint64) *draft {
	d := e.draft(k, nil, what)
	if d != nil && d.app == nil {
		d.app = c.app
	}
	return d
}

// login is what an application is on all of its hosts.
func (c *conn) login() uint64 {
	return hashOf([]byte(c.Server + "\x00" + c.User + "\x00" + c.Database + "\x00" + c.Application))
}

// peek returns it if there is one.
func (e *Engine) peek(k *code, a *app, what uint64) *draft { return e.drafts[draftKey{k, a, what}] }

func sortDrafts(list []*draft) {
	id := func(d *draft) int {
		if d.app == nil {
			return 0
		}
		return d.app.id
	}
	sort.Slice(list, func(i, j int) bool {
		a, b := list[i], list[j]
		switch {
		case a.first.Time != b.first.Time:
			return a.first.Time < b.first.Time
		case a.first.Frame != b.first.Frame:
			return a.first.Frame < b.first.Frame
		case a.code != b.code:
			return a.code.name < b.code.name
		case id(a) != id(b):
			return id(a) < id(b)
		}
		return a.key.what < b.key.what
	})
}

// reserve asks for room for n hashes.
func (e *Engine) reserve(n int) bool {
	if e.hashes+n > maxHashes {
		e.Dropped++
		return false
	}
	e.hashes += n
	return true
}

// advance tells the time of the capture.
func (e *Engine) advance(now int64) {
	if now > e.now {
		e.now = now
	}
	if e.now >= e.tick {
		e.tick = e.now + 100*millisecond
		for _, s := range e.inOrder {
			e.settle(s, e.now-settleAfter)
		}
	}
}

// settleAfter is how long what happens on several connections at once is waited
// for before it is judged.
const settleAfter = 300 * millisecond

// settle judges what happened on a server up to a time.
func (e *Engine) settle(s *server, until int64) {
	e.settleStalls(s, until)
	e.settleWaits(s, until)
}

// Message takes a message.
func (e *Engine) Message(k *Conn, m *Message) {
	c := e.of(k)
	e.advance(m.At.Time)
	if m.Anomaly != "" {
		e.violation(c, m)
	}
	switch m.Kind {
	case messages.KindDataRow:
		e.row(c, m)
	case messages.KindParse:
		c.asks(m)
		e.parsed(c, m)
	case messages.KindClose:
		c.asks(m)
		e.closed(c, m)
	case messages.KindCopyData:
		if c.Replication {
			e.replicates(c, m)
		}
	case messages.KindErrorResponse:
		e.failed(c, m)
	case messages.KindNoticeResponse:
		e.warned(c, m)
	case messages.KindTerminate:
		c.gone.terminate = true
	case messages.KindBackendKeyData:
		if len(m.Body) >= 4 {
			e.learnPID(c, m.Body)
		}
		e.startedUp(c, m.At)
	default:
		e.starting(c, m)
	}
}

// Lost tells that bytes of a connection were not captured.
func (e *Engine) Lost(k *Conn) {
	c := e.of(k)
	c.lossy, c.missed = true, true
}

// Exchange takes a query cycle.
func (e *Engine) Exchange(k *Conn, in *Exchange) {
	c := e.of(k)
	q := &e.scratch
	*q = seenExchange{Exchange: in, c: c, s: e.statementOf(in)}
	at := in.End.Time
	if at == 0 {
		at = in.Start.Time
	}
	e.advance(at)
	e.queries++
	e.prepare(q)
	e.detect(q)
}

// End takes the end of a connection.
func (e *Engine) End(k *Conn, end *Ending) {
	c := e.of(k)
	c.lossy = c.lossy || end.Lost > 0
	e.advance(end.At.Time)
	e.ended(c, end)
	if e.connections++; c.lossy {
		e.lossyConns++
	}
	if c.lossy || c.MidStream {
		c.server.partly = e.now
	}
	c.leave()
	delete(e.conns, c.ID)
	if e.latest == c {
		e.latest = nil
	}
	if !c.filed && len(e.spare) < maxSpare {
		c.reset()
		e.spare = append(e.spare, c)
	}
}

// Network takes what the network did.
func (e *Engine) Network(v *netfacts.Event) {
	e.advance(v.At.Time)
	e.network(v)
}
