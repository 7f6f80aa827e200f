package app

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/pgsniff/pgsniff/internal/render"
	"github.com/pgsniff/pgsniff/internal/selection"
	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// tally is what the run counts of what is reported, for the closing lines.
type tally struct {
	queries, violations uint64
	encrypted           uint64 // connections that could not be read
	users               nameList
	databases           nameList
	apps                nameList
	clients             nameList
}

// end counts a connection that is over.
func (t *tally) end(s *session.Session) {
	t.violations += s.Violations
	if !s.PostgreSQL() {
		return
	}
	i := s.Info()
	if isEncrypted(i) {
		t.encrypted++
	}
	t.users.add(i.User)
	t.databases.add(i.Database)
	t.apps.add(i.Application)
	t.clients.add(selection.Host(s.Client))
}

// isEncrypted reports whether a connection was one of PostgreSQL's that could not be read.
// Where the handshake failed there was nothing to read.
func isEncrypted(i *session.Info) bool {
	return i.Unreadable && i.State != session.StateNotPostgreSQL && i.State != session.StateFailed
}

// nameList is the first few different names, in the order in which they came.
type nameList struct {
	list   []string
	more   bool
	latest string // most are the same as the one before
}

// maxNamed is how many names one line of advice has room for.
const maxNamed = 12

func (n *nameList) add(name string) {
	if name == n.latest {
		return
	}
	n.latest = name
	if name == "" || slices.Contains(n.list, name) {
		return
	}
	if len(n.list) == maxNamed {
		n.more = true
		return
	}
	n.list = append(n.list, name)
}

// text lists the names. They come from the capture: what could steer a terminal is
// written as Go would.
func (n *nameList) text() string {
	list := make([]string, len(n.list))
	for i, s := range n.list {
		list[i] = s
		if strings.ContainsFunc(s, func(r rune) bool { return !unicode.IsPrint(r) || r == ',' || r == '"' }) {
			list[i] = strconv.QuoteToASCII(s)
		}
	}
	if n.more {
		list = append(list, "…")
	}
	return strings.Join(list, ", ")
}

// advise says what the user may want to know about what is not shown.
func (r *run) advise() {
	say := r.say
	t := r.counts
	if t.encrypted > 0 {
		var what string
		switch {
		case r.opt.KeyLog != "":
			what = "the key log has no keys for them"
		case r.keys.Len() == 0:
			what = "--keylog FILE decrypts TLS (pgsniff help tls)"
		default:
			what = "the capture has no keys for them (pgsniff help tls)"
		}
		say("%s encrypted and could not be read: %s", was(t.encrypted, "connection"), what)
	}
	f := &r.opt.selection
	if r.sel.All() || r.sel.Matched {
		return
	}
	for _, c := range []struct {
		flag, plural string
		asked        []string
		there        *nameList
		matches      func(string) bool
	}{
		{"user", "users", f.users, &t.users, func(s string) bool { return r.sel.Users[s] }},
		{"database", "databases", f.databases, &t.databases, func(s string) bool { return r.sel.Databases[s] }},
		{"app", "application_names", f.apps, &t.apps, func(s string) bool { return r.sel.Apps[s] }},
		{"client", "clients", f.clients, &t.clients, r.sel.Clients.Has},
	} {
		if len(c.asked) == 0 || slices.ContainsFunc(c.there.list, c.matches) {
			continue
		}
		if len(c.there.list) == 0 {
			say("--%s %s matched nothing; the capture tells no %s", c.flag, strings.Join(c.asked, ","), c.plural)
		} else {
			say("--%s %s matched nothing; %s in the capture: %s", c.flag, strings.Join(c.asked, ","), c.plural, c.there.text())
		}
		return
	}
	span, last := f.span, r.analyzer.Counts.Last
	switch {
	case span.begins() > last:
		say("--since %s matched nothing; the capture is of %s to %s", span.since, dateOf(r.analyzer.Counts.First), dateOf(last))
	case r.sel.Longest > 0 && r.sel.Grep == nil:
		say("--min-duration %s matched nothing; the longest query took %s", f.minDuration, units.AppendDuration(nil, r.sel.Longest))
	case len(f.conns) > 0:
		say("--conn %s matched nothing; there are connections 1 to %d", strings.Join(f.conns, ","), r.analyzer.Counts.TCPConnections)
	default:
		say("the selection matched nothing")
	}
}

// dateOf is a time as --since takes it, local.
func dateOf(ns int64) string {
	return time.Unix(0, ns).In(time.Local).Format("2006-01-02T15:04:05.000")
}

func was(n uint64, what string) string {
	if n == 1 {
		return plural(n, what) + " was"
	}
	return plural(n, what) + " were"
}

// adviseNone says where PostgreSQL may be, if none was found.
func (r *run) adviseNone() {
	say := r.say
	c := &r.analyzer.Counts
	switch ports := c.LikelyPorts(); {
	case len(ports) > 0:
		say("what port %s carries looks like PostgreSQL, joined in the middle: --port %s reads it", portNames(ports), portNames(ports[:1]))
	case c.TCPConnections > 0 && !r.opt.AnyPort && r.opt.portsChanged:
		say("--any-port looks for it on all ports")
	case r.live != nil && c.TCPConnections == 0:
		say("clients on the same host may use a Unix socket, which cannot be captured (psql -h 127.0.0.1, or --attach), or another interface or port (-i any, --port, --any-port)")
		say("TLS would be shown as encrypted connections, and read with --keylog or --attach")
	}
}

// say tells something on standard error, in which names of the capture and of the user's
// may be.
func (r *run) say(format string, args ...any) {
	fmt.Fprintf(r.env.Err, "pgsniff: %s\n", render.Visible(fmt.Sprintf(format, args...)))
}
