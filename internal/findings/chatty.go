package findings

import (
	"fmt"
	"sort"
)

// minUseful is how many statements that do something have to be there before
// overhead is judged.
const minUseful = 50

// pingPause is the pause after which a test of the connection is fair.
const pingPause = 100 * millisecond

var chattyPing = &code{name: "chatty_ping", finish: finishChatty}

// chatter counts an application's turns that do nothing.
type chatter struct {
	useful, ping, setup, begin, end uint64
	draft                           *draft
	time                            sample
	byText                          map[*statement]uint64
	rtt                             int64
	first, last                     int64
	conns                           map[uint64]struct{}
}

// block is what goes on in a transaction.
type block struct {
	began    bool
	begin    turn
	readings int
	writing  bool
}

// chatting takes a turn that is over.
func (e *Engine) chatting(c *conn, t *turn) {
	if t.s == nil || c.app.tool != toolNone || c.Replication {
		return
	}
	x, b := &c.app.chat, &c.tx.block
	s := t.s
	if x.first == 0 {
		x.first = t.start.Time
	}
	x.last = t.end.Time
	x.rtt = c.roundTrip()
	if t.own && c.exchanges <= 10 && !s.begins && !s.ends {
		return // what drivers ask at first
	}
	switch {
	case s.begins:
		*b = block{began: t.exchanges == 1, begin: *t}
	case s.ends:
		if b.began && !b.writing && b.readings <= 1 && t.exchanges == 1 {
			e.chat(c, &b.begin, &x.begin)
			e.chat(c, t, &x.end)
		}
		*b = block{}
	case s.ping:
		if t.think >= 0 && t.think < pingPause {
			e.chat(c, t, &x.ping)
		}
	case s.setup:
		e.chat(c, t, &x.setup)
	case s.neutral:
	default:
		x.useful++
		if b.readings++; !s.isSelect || s.forUpdate {
			b.writing = true
		}
	}
}

// chat counts a turn that does nothing.
func (e *Engine) chat(c *conn, t *turn, n *uint64) {
	x := &c.app.chat
	*n++
	x.time.add(max(t.server, 0))
	if x.byText == nil {
		x.byText, x.conns = make(map[*statement]uint64), make(map[uint64]struct{})
	}
	if len(x.byText) < 32 || x.byText[t.s] > 0 {
		x.byText[t.s]++
	}
	if x.draft == nil {
		x.draft = e.draft(chattyPing, c.app, 0)
		if x.draft == nil {
			return
		}
		x.draft.data = x
	}
	d := x.draft
	d.note(t.start)
	d.span(t.end)
	d.on(c)
	if d.count%minUseful == 1 {
		d.show(t.start, c, t.id, brief(t.s, 60))
	}
}

func finishChatty(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*chatter)
	ping := x.ping
	// Not more than one a second and connection is a health check.
	if seconds := float64(x.last-x.first) / 1e9 * float64(max(len(d.conns), 1)); float64(ping) <= seconds {
		ping = 0
	}
	overhead := ping + x.setup + x.begin + x.end
	if x.useful < minUseful || overhead*10 < x.useful*9 { // the first use of a pool is not tested
		return f, false
	}
	d.count = overhead
	d.cost.RoundTrips = overhead
	d.cost.TimeNS = int64(overhead) * (x.rtt + x.time.median())
	f = d.finding(d.byCost(e), Strong)
	f.Cost.Share = d.share()
	var what []string
	advice := ""
	if ping > 0 {
		what = append(what, count(ping, "test")+" of the connection")
		advice += " " + pingWays.of(d.app)
	}
	if x.setup > 0 {
		what = append(what, count(x.setup, "setting"))
		advice += " " + settingWays.of(d.app)
	}
	if x.begin > 0 {
		what = append(what, count(x.begin+x.end, "BEGIN or COMMIT/ROLLBACK")+" around single reads")
		advice += " " + readWays.of(d.app)
	}
	f.Title = fmt.Sprintf("%s spends %s of its round trips on nothing: %s for %s", d.app.name(), percent(float64(overhead)/float64(overhead+x.useful)), list(what), count(x.useful, "useful statement"))
	f.Advice = advice[1:]
	f.Queries = f.Queries[:0:0]
	for s, n := range x.byText {
		f.Queries = append(f.Queries, QueryRef{Normalized: s.text, Fingerprint: s.print, Calls: n})
	}
	sort.Slice(f.Queries, func(i, j int) bool {
		a, b := f.Queries[i], f.Queries[j]
		return a.Calls > b.Calls || a.Calls == b.Calls && a.Fingerprint < b.Fingerprint
	})
	f.Queries = f.Queries[:min(len(f.Queries), maxQueries)]
	return f, true
}
