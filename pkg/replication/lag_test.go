package replication

import (
	"math/rand/v2"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func (l *Lag) sendAt(lsn LSN, size int, at int64) {
	l.Observe(&Meaning{Kind: KindWALData, Mode: ModePhysical, Size: size}, &WALData{Start: lsn, End: lsn + LSN(size)}, at)
}

func (l *Lag) answer(write, flush, apply LSN, at int64) Report {
	r, _ := l.Observe(&Meaning{}, &StandbyStatusUpdate{Write: write, Flush: flush, Apply: apply}, at)
	return r
}

// The stages are told apart: 100 bytes are written after 5, flushed after 20 and
// applied after 50.
func TestLagStages(t *testing.T) {
	var l Lag
	l.sendAt(1000, 100, 10)
	r := l.answer(1100, 0, 0, 15)
	if s := r[StageWrite]; !s.HasTime || s.Time != 5 || s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
	if s := r[StageFlush]; s.HasTime || s.Bytes != 1100 {
		t.Errorf("%+v", s)
	}
	if since, ok := l.Waiting(StageFlush); !ok || since != 10 {
		t.Error(since, ok)
	}
	r = l.answer(1100, 1100, 0, 30)
	if r[StageWrite].HasTime || !r[StageFlush].HasTime || r[StageFlush].Time != 20 {
		t.Errorf("%+v", r)
	}
	r = l.answer(1100, 1100, 1100, 60)
	if s := r[StageApply]; !s.HasTime || s.Time != 50 || s.Bytes != 0 {
		t.Errorf("%+v", s)
	}
	// An idle slot: the server goes on, what was sent is applied.
	l.Observe(&Meaning{}, &PrimaryKeepalive{End: 9000}, 70)
	r = l.answer(1100, 1100, 1100, 80)
	if _, waits := l.Waiting(StageApply); waits || r[StageApply].HasTime || r[StageApply].Bytes != 0 || l.End != 9000 || l.Sent != 1100 {
		t.Errorf("%+v, End %v, Sent %v", r, l.End, l.Sent)
	}
	if ns, ok := l.Latest(StageFlush); !ok || ns != 20 {
		t.Error(ns, ok)
	}
}

// A position that was sent at a time nobody saw has no lag.
func TestLagLost(t *testing.T) {
	var l Lag
	l.sendAt(1000, 100, 10)
	l.Lost(messages.Backend)
	if r := l.answer(1100, 1100, 1100, 15); r[StageWrite].HasTime {
		t.Errorf("%+v", r)
	}
	l.sendAt(1200, 100, 20)
	if r := l.answer(1300, 1100, 1100, 26); !r[StageWrite].HasTime || r[StageWrite].Time != 6 || r[StageFlush].HasTime {
		t.Errorf("%+v", r)
	}
}

// However many positions wait, the bound holds, and times stay right to within
// what lies between two samples.
func TestLagBound(t *testing.T) {
	for _, n := range []int{1, 1023, 1024, 1025, 5000, 300000} {
		var l Lag
		for i := range n {
			l.sendAt(LSN(1+i*10), 10, int64(1+i))
		}
		now, half := int64(n+1), LSN(1+n/2*10)
		r := l.answer(half, half, half, now)
		if n > 2 {
			want, got := now-int64(n/2), r[StageApply].Time
			if slack := max(int64(n)/256, 0); !r[StageApply].HasTime || got < want || got > want+slack {
				t.Errorf("%d: lag %d, want %d to %d", n, got, want, want+slack)
			}
		}
		if since, ok := l.Waiting(StageApply); n > 2 && (!ok || since < int64(n/2) || since > int64(n/2)+int64(n)/256+1) {
			t.Errorf("%d: waits since %d, %v", n, since, ok)
		}
		// The newest samples of all may have been passed over.
		end := LSN(1 + n*10)
		l.answer(end, end, end, now)
		if since, ok := l.Waiting(StageApply); ok {
			t.Errorf("%d: waits since %d", n, since)
		}
	}
}

// The ring of positions is as long as they need, and says what a long one says.
func TestLagGrows(t *testing.T) {
	var l Lag
	if l.sendAt(1000, 100, 10); len(l.sent) > 8 {
		t.Errorf("room for %d positions, of which there is one", len(l.sent))
	}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		grows, long := Lag{}, Lag{sent: make([]sample, maxSent)}
		end, done := LSN(1000), LSN(1000)
		for at := range int64(4000) {
			if random.IntN(40+int(seed)) == 0 { // so many wait that positions are passed over, too
				done += LSN(random.Uint64N(uint64(end-done) + 1))
				if a, b := grows.answer(end, done, done, at), long.answer(end, done, done, at); a != b {
					t.Fatalf("seed %d: %+v, with a long ring %+v", seed, a, b)
				}
				continue
			}
			size := 1 + random.IntN(100)
			grows.sendAt(end, size, at)
			long.sendAt(end, size, at)
			end += LSN(size)
		}
		since, ok := grows.Waiting(StageFlush)
		if s, o := long.Waiting(StageFlush); s != since || o != ok {
			t.Errorf("seed %d: waiting since %d %t, with a long ring since %d %t", seed, since, ok, s, o)
		}
		if len(grows.sent) > maxSent {
			t.Errorf("seed %d: %d positions", seed, len(grows.sent))
		}
	}
}
