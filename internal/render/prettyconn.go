package render

import (
	"strconv"
	"time"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/units"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// End writes the line of a connection, or, below its messages, how it ended.
func (p *Pretty) End(s *session.Session) {
	if p.opt.NoConnections {
		p.leave(connOf(s, p.opt.Slot))
		return
	}
	p.close(connOf(s, p.opt.Slot), p.maker.Connection(s))
}

func (p *Pretty) close(c *conn, r *record.Connection) {
	i := &r.Info
	if !c.remembered().introduced {
		if p.opt.Selected {
			return // nothing is shown of it
		}
		p.introduce(c, i.Started.Time, i.MidStream)
	}
	p.endRun(c)
	if !p.opt.Flow {
		p.connection(c, i, r.Totals)
		switch {
		case p.opt.Verbose:
			p.startBelow()
			p.connFields(r)
			p.end()
		case i.Stream != nil: // what it replicated, and how far behind it was
			p.startBelow()
			p.line.ascii("replication")
			p.opt.Flow = true // the line above says the rest
			p.connFields(r)
			p.opt.Flow = false
			p.end()
		}
		return
	}
	p.start()
	l, theme := &p.line, p.opt.Theme
	l.wrap = true
	l.paint(theme.dim)
	l.buf = append(l.buf, "── "...)
	l.col += 3
	l.unpaint(theme.dim)
	l.painted(theme.name, "#"+strconv.FormatUint(c.id, 10))
	l.space()
	p.state(i)
	l.ascii(" after ")
	l.text(units.AppendDuration(nil, max(i.Ended.Time-i.Started.Time, 0)))
	p.connFields(r)
	p.end()
}

// introduce writes the line that names a connection's ends.
func (p *Pretty) introduce(c *conn, at int64, midStream bool) {
	c.remembered().introduced = true
	if !p.opt.Flow {
		return
	}
	p.start()
	l, t := &p.line, p.opt.Theme
	l.wrap = true
	l.paint(t.dim)
	l.buf = append(l.buf, "── "...)
	l.col += 3
	l.unpaint(t.dim)
	l.painted(t.name, "#"+strconv.FormatUint(c.id, 10))
	l.space()
	l.ascii(c.client)
	l.buf = append(l.buf, " → "...)
	l.col += 3
	l.ascii(c.server)
	l.paint(t.dim)
	l.ascii(time.Unix(0, at).In(p.clock.zone).Format("  2006-01-02"))
	if midStream {
		l.ascii("  joined in the middle")
	}
	l.unpaint(t.dim)
	p.end()
}

// connFields writes what else is known of a connection.
func (p *Pretty) connFields(r *record.Connection) {
	p.ended.prettyFields = prettyFields{p: p, lists: p.ended.lists[:0]}
	p.ended.alert = r.Info.State != session.StateFailed
	r.Visit(&p.ended)
}

func (p *Pretty) state(i *session.Info) {
	p.connState(i)
	if why := reason(i); why != "" {
		p.line.ascii(" (")
		p.line.text([]byte(why))
		p.line.ascii(")")
	}
}

// connStyle says how a field of a connection is shown on its closing line. A field
// without one is shown by its name, so a new one cannot get lost.
type connStyle struct {
	show      connShow
	one, many string
	// flow tells that it is shown below the messages, too, which do not tell it.
	flow  bool
	paint func(*Theme) paint
}

type connShow uint8

const (
	connNamed   connShow = iota
	connLaidOut          // what the line begins with says it
	connFact             // label=value
	connWord             // ", label value"
	connCount            // ", 3 things"
	connTime             // ", 1.2 s of something"
	connFlag             // a word where it is true
	connCancels
	connAlert // unless the line begins with it
	connLag
)

// connStyles are the styles by the fields' names, connStyleOf by their indexes.
var (
	connStyles = map[string]connStyle{
		"end":                        {show: connLaidOut},
		"state":                      {show: connLaidOut},
		"error":                      {show: connLaidOut},
		"client_closed":              {show: connLaidOut},
		"user":                       {show: connFact, one: "user"},
		"database":                   {show: connFact, one: "database"},
		"application_name":           {show: connFact, one: "app"},
		"protocol_version":           {show: connFact, one: "protocol"},
		"server_version":             {show: connFact, one: "server"},
		"server_product":             {show: connFact, one: "product"},
		"auth":                       {show: connFact, one: "auth"},
		"encryption":                 {show: connFact, one: "encryption"},
		"tls_version":                {show: connFact, one: "tls"},
		"cipher":                     {show: connFact, one: "cipher"},
		"server_name":                {show: connFact, one: "sni"},
		"certificate_subject":        {show: connFact, one: "certificate"},
		"client_certificate_subject": {show: connFact, one: "client_certificate"},
		"decrypted":                  {show: connFlag, one: " decrypted"},
		"decrypted_by":               {show: connFact, one: "decrypted_by"},
		"peer_program":               {show: connFact, one: "peer"},
		"peer_pid":                   {show: connFact, one: "pid"},
		"peer_uid":                   {show: connFact, one: "uid"},
		"tls_alert":                  {show: connAlert, one: "tls_alert"},
		"tls_alert_from":             {show: connAlert, one: "tls_alert_from"},
		"cancels":                    {show: connCancels, flow: true},
		"queries":                    {show: connCount, one: "query", many: "queries", flow: true},
		"errors":                     {show: connCount, one: "error", many: "errors", flow: true, paint: badPaint},
		"transactions":               {show: connCount, one: "transaction", many: "transactions", flow: true},
		"rows":                       {show: connCount, one: "row", many: "rows", flow: true},
		"idle_in_transaction_ns":     {show: connTime, one: "idle in transaction", flow: true},
		"frontend_bytes":             {show: connCount, one: "byte sent", many: "bytes sent", flow: true},
		"backend_bytes":              {show: connCount, one: "received", many: "received", flow: true},
		"lost_bytes":                 {show: connCount, one: "byte not captured", many: "bytes not captured", flow: true, paint: warnPaint},
		"retransmitted_bytes":        {show: connCount, one: "retransmitted", many: "retransmitted", flow: true},
		"slot":                       {show: connWord, one: "slot", flow: true},
		"wal_bytes":                  {show: connCount, one: "byte of WAL", many: "bytes of WAL", flow: true},
		"lag":                        {show: connLag, flow: true},
		"given_up":                   {show: connLaidOut},
		"continues":                  {show: connNamed, flow: true},
		"doubtful_before":            {show: connWord, one: "doubtful before packet", flow: true},
		"started_mid_stream":         {show: connFlag, one: ", joined in the middle"},
	}
	connStyleOf = func() (list []connStyle) {
		for _, f := range (*record.Connection)(nil).Schema().Fields {
			list = append(list, connStyles[f.Name])
		}
		return list
	}()
)

func badPaint(t *Theme) paint  { return t.bad }
func warnPaint(t *Theme) paint { return t.warn }

// connFields writes the fields of a connection on its closing line.
type connFields struct {
	prettyFields
	alert bool // an alert is to be shown
	plain int  // how deep it is in objects that are not shown
	// cancels tells that it is in the object of that name.
	cancels bool
	lag     connLagOf
}

// style returns how a field is shown, and whether it is.
func (w *connFields) style(f *record.Field) (s *connStyle, ok bool) {
	if f == nil || f.Index < 0 || len(w.lists) > 0 {
		return nil, false
	}
	s = &connStyleOf[f.Index]
	return s, true
}

func (w *connFields) hidden(s *connStyle) bool {
	return s.show == connLaidOut || w.p.opt.Flow && !s.flow || s.show == connAlert && !w.alert
}

// fact writes a value with its label.
func (w *connFields) fact(s *connStyle, v []byte) {
	if s.show == connWord {
		w.p.line.ascii(", " + s.one + " ")
	} else {
		w.p.line.ascii(" " + s.one + "=")
	}
	w.p.line.text(v)
}

func (w *connFields) Text(f *record.Field, v []byte) {
	s, ok := w.style(f)
	switch {
	case w.plain > 0 || ok && w.hidden(s):
	case ok && s.show != connNamed:
		if f.Name != "server_product" || string(v) != "postgresql" { // which needs not be said
			w.fact(s, v)
		}
	default:
		w.prettyFields.Text(f, v)
	}
}

func (w *connFields) String(f *record.Field, v string) { w.Text(f, []byte(v)) }

func (w *connFields) Time(f *record.Field, ns int64) {
	if s, ok := w.style(f); w.plain == 0 && (!ok || !w.hidden(s)) {
		w.prettyFields.Time(f, ns)
	}
}

func (w *connFields) Bool(f *record.Field, v bool) {
	s, ok := w.style(f)
	switch {
	case w.plain > 0 || ok && w.hidden(s) || w.lag.open > 0:
	case ok && s.show == connFlag:
		if v {
			w.p.line.ascii(s.one)
		}
	default:
		w.prettyFields.Bool(f, v)
	}
}

func (w *connFields) Int(f *record.Field, v int64) {
	s, ok := w.style(f)
	switch {
	case w.plain > 0 || ok && w.hidden(s):
	case w.lag.open > 0:
		w.lag.time(f, v)
	case ok && s.show == connTime:
		w.p.line.ascii(", ")
		w.p.line.text(units.AppendDuration(nil, v))
		w.p.line.ascii(" " + s.one)
	case ok && s.show == connFact:
		w.fact(s, strconv.AppendInt(nil, v, 10))
	default:
		w.prettyFields.Int(f, v)
	}
}

func (w *connFields) Uint(f *record.Field, v uint64) {
	s, ok := w.style(f)
	switch {
	case w.plain > 0 || ok && w.hidden(s):
	case w.lag.open > 0:
		w.lag.count(f, v)
	case ok && s.show == connCount:
		w.count(f, s, v)
	case ok && s.show == connWord:
		w.fact(s, strconv.AppendUint(nil, v, 10))
	case w.cancels && f.Name == "conn":
		w.p.line.ascii(" #" + strconv.FormatUint(v, 10))
	case w.cancels:
		w.p.line.ascii(" " + f.Name + " " + strconv.FormatUint(v, 10))
	default:
		w.prettyFields.Uint(f, v)
	}
}

// count writes how many there are; of what should not be there, only where it is.
func (w *connFields) count(f *record.Field, s *connStyle, n uint64) {
	l := &w.p.line
	if n == 0 && (s.paint != nil || f.Name == "retransmitted_bytes") {
		return
	}
	var p paint
	if s.paint != nil {
		p = s.paint(w.p.opt.Theme)
	}
	l.paint(p)
	l.ascii(", " + strconv.FormatUint(n, 10) + " ")
	if n == 1 {
		l.ascii(s.one)
	} else {
		l.ascii(s.many)
	}
	l.unpaint(p)
}

func (w *connFields) Open(f *record.Field) {
	s, ok := w.style(f)
	switch {
	case w.plain > 0 || ok && w.hidden(s):
		w.plain++
	case w.lag.open > 0 || ok && s.show == connLag:
		w.lag.begin(f)
	case ok && s.show == connCancels:
		w.cancels = true
		w.p.line.ascii(", cancels")
	default:
		w.prettyFields.Open(f)
	}
}

func (w *connFields) Close() {
	switch {
	case w.plain > 0:
		w.plain--
	case w.lag.open > 0:
		w.lag.end(&w.p.line)
	case w.cancels:
		w.cancels = false
	default:
		w.prettyFields.Close()
	}
}
