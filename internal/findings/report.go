package findings

import (
	"slices"
	"sort"
)

// ended takes what a connection leaves behind.
func (e *Engine) ended(c *conn, end *Ending) {
	for _, d := range c.violated {
		d.lossy = d.lossy || c.lossy
	}
	e.endTurn(c, true)
	e.endRun(c)
	e.endFetches(c)
	e.judgeParses(c)
	e.judgePlans(c)
	if c.start.cancel {
		return
	}
	e.leaves(c, end.At, end.Open)
	e.cutOff(c)
	e.gssRefused(c)
	e.gssAbandoned(c, end)
	e.failedTLS(c, end)
	e.endedTLS(c, end)
	e.churned(c, end)
	e.releaseRows(c)
	e.hashes -= c.named.charged
	c.named.charged = 0
}

// codes are all kinds of findings.
var codes = []*code{
	nPlusOne, singleRowInserts, literalSQL, reparseChurn, chattyPing, unboundedResult, wideResult, tinyFetchSize,
	statementLeak, rttBound, idleInTransaction, lockWait, deadlock, serializationCode, planFlip, slowFirstQuery,
	serverStall, slowConsumer, poolerQueue, replicationLag, connectionChurn, tooManyConnections, failedLogins,
	idleDisconnect, backendCrash, adminShutdown, gssencRoundtrip, retransmitInside, delayedACK, statementTimeout,
	cancelStorm, abortedTransaction, retryStorm, cleartextPassword, md5Auth, sslFallback, weakTLS, refusedCode,
	noAnswerCode, violationCode, slowQuery,
}

// Subject is what two findings of one code have to be about to be the same illness.
type Subject uint8

// The subjects: a statement of an application, an application, or a server.
const (
	OfStatement Subject = iota + 1
	OfApplication
	OfServer
)

var (
	ofStatement = []*code{
		nPlusOne, singleRowInserts, unboundedResult, wideResult, tinyFetchSize, statementLeak, planFlip, slowFirstQuery,
		statementTimeout, retryStorm,
	}
	ofServer = []*code{
		lockWait, deadlock, serverStall, poolerQueue, tooManyConnections, failedLogins, backendCrash, adminShutdown,
		refusedCode, noAnswerCode, sslFallback, slowQuery,
	}
)

// SubjectOf returns what findings of a code are about.
func SubjectOf(name string) Subject {
	named := func(k *code) bool { return k.name == name }
	switch {
	case slices.ContainsFunc(ofStatement, named):
		return OfStatement
	case slices.ContainsFunc(ofServer, named):
		return OfServer
	}
	return OfApplication
}

// Codes returns the names of all kinds of findings.
func Codes() []string {
	names := make([]string, len(codes))
	for i, k := range codes {
		names[i] = k.name
	}
	slices.Sort(names)
	return names
}

// result is a finding on its way out, with what it is about.
type result struct {
	Finding
	d *draft
	// rank orders those of one severity: what it costs, and no more than what explains it.
	rank int64
}

// Finish takes the end of the capture and returns the findings, worst first. All
// connections have ended before.
func (e *Engine) Finish() []Finding {
	for _, s := range e.inOrder {
		e.settle(s, 1<<62)
	}
	list := e.results()
	out := make([]Finding, len(list))
	for i := range list {
		out[i] = list[i].Finding
		if t := e.told[list[i].d]; list[i].d != nil && t.at != 0 {
			out[i].Update = true
			out[i].told = t.severity == out[i].Severity && t.count == out[i].Count
		}
	}
	return out
}

// results returns what is wrong so far, worst first.
func (e *Engine) results() []result {
	drafts := make([]*draft, 0, len(e.drafts))
	for _, d := range e.drafts {
		drafts = append(drafts, d)
	}
	sortDrafts(drafts)
	var list []result
	for _, d := range drafts {
		if f, ok := d.code.finish(e, d); ok {
			list = append(list, result{f, d, f.Cost.TimeNS})
		}
	}
	list = merge(list)
	if f, ok := e.slowFinding(); ok {
		list = append(list, result{f, nil, f.Cost.TimeNS})
	}
	sort.SliceStable(list, func(i, j int) bool { return worse(&list[i], &list[j]) })
	return list
}

// worse orders findings: by severity, then cost in time, then count.
func worse(a, b *result) bool {
	switch {
	case a.Severity != b.Severity:
		return a.Severity > b.Severity
	case (a.Code == slowQuery.name) != (b.Code == slowQuery.name):
		return b.Code == slowQuery.name
	case a.rank != b.rank:
		return a.rank > b.rank
	}
	return a.Count > b.Count
}

// cause says that where one finding explains another, the other is left out, or
// is no more than a remark.
type cause struct {
	by, of *code
	fit    func(by, of *result) bool
	drop   bool
	// small tells that a remark explains a warning, too.
	small bool
}

func sameApp(by, of *result) bool { return by.d.app == of.d.app }

// sameStatement reports whether both are about one statement of an application.
func sameStatement(by, of *result) bool {
	if by.d.app != of.d.app {
		return false
	}
	for i := range of.Queries {
		for k := range by.Queries {
			if of.Queries[i].Fingerprint == by.Queries[k].Fingerprint {
				return true
			}
		}
	}
	return false
}

// mainStatement is sameStatement for the most frequent statement of the effect.
func mainStatement(by, of *result) bool {
	return by.d.app == of.d.app && len(of.Queries) > 0 && len(by.Queries) > 0 &&
		slices.ContainsFunc(by.Queries, func(q QueryRef) bool { return q.Fingerprint == of.Queries[0].Fingerprint })
}

// sameConn reports whether the effect's connections are among the cause's.
func sameConn(by, of *result) bool {
	for i := range of.Connections {
		for k := range by.Connections {
			if of.Connections[i].Conn == by.Connections[k].Conn {
				return true
			}
		}
	}
	return false
}

// sameProgram reports whether one program on one host has both: on a host, or behind one
// address, may be many.
func sameProgram(by, of *result) bool {
	for i := range of.Connections {
		for k := range by.Connections {
			a, b := &of.Connections[i], &by.Connections[k]
			if a.Application == b.Application && a.User == b.User && hostOf(a.Client) == hostOf(b.Client) {
				return true
			}
		}
	}
	return false
}

func sourced(by, of *result) bool {
	x, ok := by.d.data.(*loopData)
	return ok && 2*x.sourced >= x.bursts+x.short && mainStatement(by, of)
}

// after reports whether the effect begins with its cause, or later.
func after(by, of *result) bool { return of.First.Time >= by.First.Time-second }

// causes are in order: what an earlier one has left out explains nothing more.
var causes = []cause{
	{by: backendCrash, of: connectionChurn, fit: after, drop: true},
	{by: backendCrash, of: idleDisconnect, fit: after, drop: true},
	{by: backendCrash, of: adminShutdown, fit: after, drop: true},
	{by: backendCrash, of: refusedCode, fit: after, drop: true},
	{by: adminShutdown, of: idleDisconnect, fit: after, drop: true},
	{by: adminShutdown, of: connectionChurn, fit: after, drop: true},
	{by: tooManyConnections, of: connectionChurn, fit: sameProgram, drop: true},
	{by: failedLogins, of: connectionChurn, fit: sameProgram, drop: true},
	{by: serverStall, of: planFlip, fit: sameConn, drop: true},
	{by: serverStall, of: slowFirstQuery, fit: sameConn, drop: true},
	{by: poolerQueue, of: slowFirstQuery, fit: sameConn, drop: true},
	{by: lockWait, of: planFlip, fit: sameConn, drop: true},
	{by: lockWait, of: slowFirstQuery, fit: sameConn, drop: true},
	{by: retransmitInside, of: planFlip, fit: sameConn, drop: true},
	{by: slowConsumer, of: planFlip, fit: sameConn, drop: true},
	{by: idleDisconnect, of: retransmitInside, fit: sameConn, drop: true},
	{by: slowConsumer, of: retransmitInside, fit: sameConn, drop: true},
	{by: replicationLag, of: retransmitInside, fit: sameConn, drop: true},
	{by: replicationLag, of: slowConsumer, fit: sameConn, drop: true},
	{by: statementLeak, of: reparseChurn, fit: sameApp, drop: true},
	{by: literalSQL, of: statementLeak, fit: mainStatement, drop: true},
	{by: singleRowInserts, of: rttBound, fit: mainStatement, drop: true},
	{by: singleRowInserts, of: literalSQL, fit: mainStatement, small: true},
	{by: singleRowInserts, of: reparseChurn, fit: mainStatement},
	{by: nPlusOne, of: literalSQL, fit: sourced, small: true},
	{by: nPlusOne, of: reparseChurn, fit: sourced},
	{by: nPlusOne, of: rttBound, fit: sourced, drop: true},
	{by: tinyFetchSize, of: rttBound, fit: sameConn, drop: true},
	{by: chattyPing, of: rttBound, fit: sameApp, drop: true},
	{by: chattyPing, of: nPlusOne, fit: aimless, small: true},
	{by: statementLeak, of: nPlusOne, fit: mainStatement},
	{by: reparseChurn, of: nPlusOne, fit: unsourced},
	{by: reparseChurn, of: rttBound, fit: sameApp},
	{by: literalSQL, of: nPlusOne, fit: unsourced},
	{by: delayedACK, of: nPlusOne, fit: sameApp},
	{by: delayedACK, of: rttBound, fit: sameApp, drop: true},
	{by: delayedACK, of: reparseChurn, fit: sameApp},
	{by: rttBound, of: nPlusOne, fit: unsourced},
	{by: abortedTransaction, of: retryStorm, fit: sameApp, drop: true},
	{by: cancelStorm, of: slowQuery, fit: sameConn},
	{by: unboundedResult, of: cancelStorm, fit: cancelledResult},
	{by: unboundedResult, of: slowConsumer, fit: abandonedResult},
	{by: slowConsumer, of: unboundedResult, fit: sameStatement},
	{by: cancelStorm, of: statementTimeout, fit: mainStatement},
	{by: idleInTransaction, of: lockWait, fit: heldIdle},
	{by: deadlock, of: lockWait, fit: deadWaits},
}

func unsourced(by, of *result) bool { return aimless(by, of) && sameStatement(by, of) }

// aimless reports whether the effect is loops of which it is not known what they run over.
func aimless(by, of *result) bool {
	x, ok := of.d.data.(*loopData)
	return ok && 2*x.sourced < x.bursts+x.short && sameApp(by, of)
}

func cancelledResult(by, of *result) bool {
	x, ok := by.d.data.(*unboundedData)
	return ok && x.cancelled > 0 && sameStatement(by, of)
}

func abandonedResult(by, of *result) bool {
	x, ok := by.d.data.(*unboundedData)
	return ok && x.cancelled+x.abandoned > 0 && sameStatement(by, of)
}

// deadWaits reports whether most of a lock's waits are those of deadlocks.
func deadWaits(by, of *result) bool {
	x, ok := of.d.data.(*lockData)
	return ok && x.dead*2 >= x.sum
}

// heldIdle reports whether silent transactions explain most of a lock's waits.
func heldIdle(by, of *result) bool {
	x, ok := of.d.data.(*lockData)
	return ok && x.idle[by.d]*2 >= x.sum
}

// merge leaves out what other findings explain.
func merge(list []result) []result {
	gone := make([]bool, len(list))
	for _, k := range causes {
		for i := range list {
			if gone[i] || list[i].d.code != k.by {
				continue
			}
			for j := range list {
				if i == j || gone[j] || list[j].d.code != k.of || !k.fit(&list[i], &list[j]) {
					continue
				}
				list[j].rank = min(list[j].rank, list[i].rank-1)
				switch {
				case k.drop && list[i].Severity >= list[j].Severity:
					gone[j] = true
				case k.by == idleInTransaction:
					list[j].Severity = min(list[j].Severity, Warning)
				case list[i].Severity > Info, k.small:
					list[j].Severity = Info
				}
			}
		}
	}
	out := list[:0]
	for i := range list {
		if !gone[i] {
			out = append(out, list[i])
		}
	}
	return out
}
