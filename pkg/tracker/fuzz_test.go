package tracker

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// seeds are the conversations of the other tests as fuzz input: for each message
// a byte that says what it is and one for its facts.
func seeds(t testing.TB) (list [][]byte) {
	tt := &testing.T{}
	for _, group := range [][]conversation{startups, sessions, copies, losses} {
		for _, c := range group {
			var b []byte
			for _, l := range parseScript(tt, started+c.script) {
				b = append(b, code(l))
			}
			list = append(list, b)
		}
	}
	if tt.Failed() || len(list) < 50 {
		t.Fatal("the scripts cannot be read")
	}
	return list
}

// code packs a line into a byte: 128 for the backend, 64 for fatal, an accepted
// negotiation or a loss.
func code(l line) byte {
	b := byte(l.kind)
	if l.gap {
		b = 63 | 64
	}
	if l.facts.Fatal || l.facts.Status == 'S' || l.facts.Status == 'G' {
		b |= 64
	}
	return b | byte(l.dir)<<7
}

// decode is the inverse of code, for any byte.
func decode(b byte) line {
	l := line{dir: messages.Direction(b >> 7), kind: messages.Kind(b & 63)}
	set := b&64 != 0
	if int(l.kind) >= messages.NumKinds {
		l.gap, l.kind = set, messages.KindUnknown
	}
	switch l.kind {
	case messages.KindReadyForQuery:
		l.facts.Status = 'I'
	case messages.KindSSLResponse, messages.KindGSSENCResponse:
		l.facts.Status = 'N'
		if set {
			l.facts.Status = 'S'
		}
	case messages.KindErrorResponse:
		l.facts.Fatal = set
	case messages.KindErrorResponseV2:
		l.facts.Fatal = true
	case messages.KindStartupMessage:
		l.facts.Protocol = messages.Version30
	}
	return l
}

// Whatever comes in whatever order: no panic, a bounded queue, exchanges that count
// up, and a tracker that finds its feet again.
func FuzzTracker(f *testing.F) {
	for _, s := range seeds(f) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, script []byte) {
		var tr Tracker
		exchange := uint64(0)
		for _, b := range script {
			l := decode(b)
			if l.gap {
				tr.Gap(l.dir)
				continue
			}
			s := tr.ObserveFacts(l.dir, l.kind, l.facts)
			checkStep(t, &tr, &l, s, exchange)
			exchange = tr.LastExchange()
		}
		recovers(t, &tr)
	})
}

func checkStep(t *testing.T, tr *Tracker, l *line, s Step, before uint64) {
	t.Helper()
	switch {
	case int(s.Phase) >= messages.NumPhases || int(s.After) >= messages.NumPhases:
		t.Fatalf("phases %d and %d", s.Phase, s.After)
	case s.Exchange > tr.LastExchange() || s.Over > tr.LastExchange():
		t.Fatalf("exchange %d, over %d, but the latest is %d", s.Exchange, s.Over, tr.LastExchange())
	case tr.LastExchange() < before || tr.LastExchange() > before+1:
		t.Fatalf("exchange %d after %d", tr.LastExchange(), before)
	case s.Begins && s.Exchange != before+1:
		t.Fatalf("exchange %d begins after %d", s.Exchange, before)
	case tr.Outstanding() > maxOutstanding || tr.PendingSyncs() > tr.Outstanding():
		t.Fatalf("%d outstanding, %d Syncs pending", tr.Outstanding(), tr.PendingSyncs())
	case s.Anomaly != nil && (s.Anomaly.Kind != l.kind || s.Anomaly.Direction != l.dir || s.Anomaly.Text() == ""):
		t.Fatalf("%v %v: anomaly %+v", l.dir, l.kind, s.Anomaly)
	case l.kind == messages.KindReadyForQuery && l.dir == messages.Backend && tr.Tx() != 'I':
		t.Fatalf("ReadyForQuery left the status %q", tr.Tx())
	}
}

// recovers checks that in a session, after as many ReadyForQuery as may be due
// and two Syncs with theirs, a query cycle is read as what it is.
func recovers(t *testing.T, tr *Tracker) {
	t.Helper()
	ready := func() Step {
		return tr.ObserveFacts(messages.Backend, messages.KindReadyForQuery, Facts{Status: 'I'})
	}
	for n := tr.Outstanding() + int(tr.spare); n >= 0 && tr.Outstanding() > 0; n-- {
		ready()
	}
	if tr.base != messages.PhaseReady {
		return // no session has begun, or it has ended
	}
	for range 2 {
		tr.ObserveFacts(messages.Frontend, messages.KindSync, Facts{})
		ready()
	}
	for i := range 2 {
		q := tr.ObserveFacts(messages.Frontend, messages.KindQuery, Facts{})
		c := tr.ObserveFacts(messages.Backend, messages.KindCommandComplete, Facts{})
		z := ready()
		for _, s := range []Step{q, c, z} {
			if s.Anomaly != nil || s.Exchange != q.Exchange || s.Discarded || s.Inferred {
				t.Fatalf("a query after it all: %+v, %+v, %+v", q, c, z)
			}
		}
		if i == 0 && z.Over == q.Exchange-1 {
			z.Over++ // after a loss it is on trial until the next begins
		}
		if !q.Begins || z.Over != q.Exchange || z.After != messages.PhaseReady {
			t.Fatalf("a query after it all: %+v, %+v, %+v", q, c, z)
		}
	}
}
