package findings

import (
	"slices"
	"sort"
)

// Severity is how grave a finding is.
type Severity uint8

// The severities. With Critical users get errors or wait for a second and more.
const (
	Info Severity = iota + 1
	Warning
	Critical
)

var severityNames = [...]string{"", "info", "warning", "critical"}

func (s Severity) String() string { return severityNames[s] }

// ParseSeverity returns the severity of a name.
func ParseSeverity(name string) (Severity, bool) {
	for s, n := range severityNames {
		if n == name && s > 0 {
			return Severity(s), true
		}
	}
	return 0, false
}

// Confidence is how sure a finding is. Certain is what the server said, Strong
// where all of the definition was seen, Likely where parts were concluded.
type Confidence uint8

// The confidences.
const (
	Likely Confidence = iota + 1
	Strong
	Certain
)

var confidenceNames = [...]string{"", "likely", "strong", "certain"}

func (c Confidence) String() string { return confidenceNames[c] }

// Finding is one illness. Its memory is its own.
type Finding struct {
	Code        string
	Severity    Severity
	Confidence  Confidence
	Title       string
	Advice      string
	Count       uint64
	First, Last Stamp
	Cost        Cost
	Connections []ConnRef
	// MoreConnections is how many further ones it is about.
	MoreConnections uint64
	Queries         []QueryRef
	Evidence        []Evidence
	// Update tells that it was told before.
	Update bool
	told   bool // as it is
}

// Cost is what an illness costs. TimeNS is in nanoseconds, Share the part of the
// application's busy time from 0 to 1; each is 0 where it is not known.
type Cost struct {
	TimeNS     int64
	RoundTrips uint64
	Bytes      uint64
	Share      float64
}

// ConnRef names a connection.
type ConnRef struct {
	Conn                        uint64
	Client, Server              string
	User, Database, Application string
}

// QueryRef names a statement.
type QueryRef struct {
	Normalized  string
	Fingerprint uint64
	Calls       uint64
}

// Evidence is a place to look at.
type Evidence struct {
	At    Stamp
	Conn  uint64
	Query uint64
	Text  string
	// Split is where the time of a slow query went; nil for all other evidence.
	Split *Split
}

// Split is where the time of a query went, in nanoseconds. Each part is taken once:
// what a lock explains is not the server's work.
type Split struct {
	ServerNS  int64 // until the first reply, without the parts below
	LockNS    int64 // waiting for a lock, likely
	QueueNS   int64 // waiting in a pooler for a connection to the server
	NetworkNS int64 // until lost segments came again
	ClientNS  int64 // the client's receive window was closed
	SendingNS int64 // from the first reply to the last, without the parts above
}

const (
	// maxRefs bounds the connections that a finding names: more are counted.
	maxRefs = 64
	// maxQueries and maxEvidence bound what it shows.
	maxQueries  = 8
	maxEvidence = 5
)

// draft is what may become a finding: what its detector collects under one key.
type draft struct {
	code *code
	key  draftKey
	app  *app // nil where it is about a server

	count       uint64
	first, last Stamp
	cost        Cost
	conns       []ConnRef
	connSet     map[uint64]struct{}
	moreConns   uint64
	queries     []QueryRef
	evidence    []Evidence
	lossy       bool // bytes of its connections were not captured
	// data is the detector's own.
	data any
}

// draftKey is what makes two occurrences the same illness.
type draftKey struct {
	code *code
	app  *app
	what uint64 // of the detector
}

// code is a kind of finding: finish makes a finding of a draft, or says that it is
// none.
type code struct {
	name   string
	finish func(e *Engine, d *draft) (Finding, bool)
}

// What is done for an occurrence, not for a query, is called in many places and not inlined
// in them: that would be 50 kB of the program.

// note counts an occurrence at a place.
func (d *draft) note(at Stamp) {
	d.count++
	d.span(at)
}

//go:noinline
func (d *draft) span(at Stamp) {
	if d.first.Time == 0 || at.Time < d.first.Time {
		d.first = at
	}
	if at.Time > d.last.Time {
		d.last = at
	}
}

// on adds a connection.
func (d *draft) on(c *conn) {
	d.lossy = d.lossy || c.lossy
	if n := len(d.conns); n > 0 && d.conns[n-1].Conn == c.ID {
		return
	}
	if _, ok := d.connSet[c.ID]; ok {
		return
	}
	if len(d.conns) >= maxRefs {
		d.moreConns++ // counted again where connections take turns: see Title
		return
	}
	if d.connSet == nil {
		d.connSet = make(map[uint64]struct{})
	}
	d.connSet[c.ID] = struct{}{}
	d.conns = append(d.conns, c.ref())
}

// calls adds n calls of a statement.
//
//go:noinline
func (d *draft) calls(s *statement, n uint64) {
	if s == nil {
		return
	}
	for i := range d.queries {
		if d.queries[i].Fingerprint == s.print {
			d.queries[i].Calls += n
			return
		}
	}
	if len(d.queries) < maxQueries {
		d.queries = append(d.queries, QueryRef{Normalized: s.text, Fingerprint: s.print, Calls: n})
	}
}

// show adds evidence, while there is room for it.
//
//go:noinline
func (d *draft) show(at Stamp, c *conn, query uint64, text string) {
	if len(d.evidence) < maxEvidence {
		d.evidence = append(d.evidence, Evidence{At: at, Conn: c.ID, Query: query, Text: text})
	}
}

// wants reports whether there is room for evidence, so that texts are not made in
// vain.
func (d *draft) wants() bool { return len(d.evidence) < maxEvidence }

// finding begins a finding with what the draft has collected.
func (d *draft) finding(s Severity, c Confidence) Finding {
	if d.lossy && c == Strong {
		c = Likely
	}
	f := Finding{
		Code: d.code.name, Severity: s, Confidence: c, Count: d.count, First: d.first, Last: d.last, Cost: d.cost,
		Connections: slices.Clone(d.conns), MoreConnections: d.moreConns, Queries: slices.Clone(d.queries), Evidence: slices.Clone(d.evidence),
	}
	sort.SliceStable(f.Queries, func(i, j int) bool { return f.Queries[i].Calls > f.Queries[j].Calls })
	return f
}

// byCost is the severity of a finding that is nothing but a waste of time.
func (d *draft) byCost(e *Engine) Severity {
	if d.cost.TimeNS >= second || d.share() >= 0.05 {
		return Warning
	}
	return Info
}

// share is the part of the application's busy time that the draft's cost makes.
//
//go:noinline
func (d *draft) share() float64 {
	if d.app == nil || d.cost.TimeNS <= 0 {
		return 0
	}
	return min(1, float64(d.cost.TimeNS)/float64(max(d.app.busy, d.cost.TimeNS)))
}

const (
	millisecond = int64(1e6)
	second      = 1000 * millisecond
)
