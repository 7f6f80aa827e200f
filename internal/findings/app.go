package findings

import "strings"

// appKey is what makes an application.
type appKey struct{ application, user, database, host string }

// app is an application on one host.
type app struct {
	appKey
	id        int
	tool      tool // what it is known to be
	driver    driver
	mapper    mapper
	zoned     bool  // it has set the time zone
	shapes    int   // statements that its mapper was looked for in
	busy      int64 // nanoseconds of work, and of short pauses in it
	exchanges uint64
	open      int // connections
	most      int // of them, at one time
	idle      int // of them, those that asked nothing yet
	churn     churn
	chat      chatter
	serial    serials
	// delayed is the draft of its delayed writes, nil for nearly all.
	delayed *draft
}

// name is how an application is called in titles.
//
//go:noinline
func (a *app) name() string {
	switch {
	case a == nil:
		return "an application"
	case a.application != "":
		return a.application
	case a.user != "":
		return a.user + "@" + a.host
	case a.host != "":
		return "a client on " + a.host
	}
	return "an application"
}

func hostOf(address string) string {
	if i := strings.LastIndexByte(address, ':'); i >= 0 {
		return address[:i]
	}
	return address
}

func (e *Engine) appOf(c *Conn) *app {
	key := appKey{c.Application, c.User, c.Database, hostOf(c.Client)}
	a := e.apps[key]
	switch {
	case a != nil:
	case len(e.apps) >= maxApps:
		e.Dropped++
		return e.otherApp
	default:
		a = &app{appKey: key, id: len(e.apps) + 1, tool: toolOf(c.Application)}
		a.driver, a.mapper = byName(c.Application)
		e.apps[key] = a
	}
	return a
}

// server is a server's address.
type server struct {
	address  string
	id       uint64
	ended    endedTx
	waits    []wait
	slow     []slowExchange
	silent   []silent
	late     []lateReply
	down     down
	logins   map[string]*logins
	byPID    map[uint32]uint64
	deadlock []deadlocked
	tries    secondTries
	// partly is when the latest connection ended of which something was not captured, 0: none.
	partly int64
}

func (e *Engine) serverOf(address string) *server {
	s := e.servers[address]
	if s == nil {
		s = &server{address: address, id: uint64(len(e.servers) + 1)}
		if len(e.servers) >= maxServers {
			e.Dropped++
			return s
		}
		e.servers[address] = s
		e.inOrder = append(e.inOrder, s)
	}
	return s
}
