package tracker

import (
	"reflect"
	"testing"

	"github.com/pgsniff/pgsniff/internal/grammar"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// link is a connection with messages on their way in both directions.
type link struct {
	pair
	onWay [2][]line
}

// options are the messages that the machine of side d lets its program send.
func (n *link) options(d messages.Direction) (list []line) {
	for b := range 256 {
		l := decode(byte(b))
		if l.dir != d || l.gap || l.kind == messages.KindUnknown && b&63 != 0 {
			continue
		}
		m := &n.frontend.machine
		if d == messages.Backend {
			m = &n.backend.machine
		}
		if m.refusal(d, l.kind, l.facts) == nil {
			list = append(list, l)
		}
	}
	return list
}

func (n *link) send(t *testing.T, l line) {
	t.Helper()
	var err error
	if l.dir == messages.Frontend {
		err = n.frontend.Send(l.message())
	} else {
		err = n.backend.Send(l.message())
	}
	if err != nil {
		t.Fatalf("%v %v was in order and then refused: %v", l.dir, l.kind, err)
	}
	n.onWay[l.dir] = append(n.onWay[l.dir], l)
}

// deliver hands over the oldest message of direction d; aborts tells that it hit
// what its sender did not know of: a COPY IN, which the server would abort, or a
// request for authentication, upon which it would hang up.
func (n *link) deliver(t *testing.T, d messages.Direction) (aborts bool) {
	t.Helper()
	if len(n.onWay[d]) == 0 {
		return false
	}
	l := n.onWay[d][0]
	n.onWay[d] = n.onWay[d][1:]
	if d == messages.Backend {
		before := state(&n.frontend.machine)
		if err := n.frontend.Receive(l.message()); err != nil {
			t.Fatalf("the backend was free to send it, the frontend refuses: %v\n%+v", err, before)
		}
		return false
	}
	phase := n.backend.Phase()
	if err := n.backend.Receive(l.message()); err != nil {
		if grammar.CopyToServer.Has(phase) && grammar.Sends[l.kind].Request&^grammar.Sync != 0 {
			return true
		}
		if grammar.Early.Has(phase) && n.backend.order.request != messages.KindUnknown {
			return true // sent before its sender knew that it has to authenticate
		}
		t.Fatalf("the frontend was free to send it, the backend refuses: %v", err)
	}
	return false
}

// What one strict machine lets its program send, the other must accept when it
// arrives, however much has crossed it on the way. A refused message changes
// nothing.
func FuzzMachines(f *testing.F) {
	f.Add([]byte{0, 0, 2, 1, 5, 3, 0, 9, 2, 1, 40, 3})
	f.Add([]byte("\x00\x04\x02\x01\x03\x03\x00\x10\x00\x20\x02\x02\x01\x02\x01\x02\x03\x03"))
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 500 {
			return // all that a step must not change is compared at each
		}
		session := len(script) > 0 && script[0]&128 != 0
		n := &link{pair: *newPair()}
		if session {
			n.pair = *newPair(InPhase(messages.PhaseReady))
		}
		for len(script) > 1 {
			action, choice := script[0]&3, int(script[1])
			d := messages.Direction(action & 1)
			if action >= 2 {
				script = script[1:]
				if n.deliver(t, d) {
					return
				}
				continue
			}
			script = script[2:]
			checkUnchangedByRefusal(t, n, decode(byte(choice)))
			if list := n.options(d); len(list) > 0 {
				n.send(t, list[choice%len(list)])
			}
		}
		for _, d := range []messages.Direction{messages.Backend, messages.Frontend} {
			for len(n.onWay[d]) > 0 {
				if n.deliver(t, d) {
					return
				}
			}
		}
		// Whether the backend answers a Sync that was sent while a COPY was failing,
		// the frontend cannot know.
		_, doubtful := n.frontend.head()
		if f, b := n.frontend.IsReady(), n.backend.IsReady(); f != b && !(f && doubtful) {
			t.Errorf("all has arrived: the frontend is ready %v, the backend %v", f, b)
		}
	})
}

// checkUnchangedByRefusal tries l on machines that may not like it.
func checkUnchangedByRefusal(t *testing.T, n *link, l line) {
	t.Helper()
	for _, m := range []*machine{&n.frontend.machine, &n.backend.machine} {
		if m.refusal(l.dir, l.kind, l.facts) == nil {
			continue
		}
		before := state(m)
		if err := m.observe(l.dir, l.message()); err == nil && m.t.base != messages.PhaseFailed {
			t.Fatalf("%v %v was to be refused", l.dir, l.kind)
		}
		if !reflect.DeepEqual(before, state(m)) {
			t.Fatalf("%v %v was refused and changed the state", l.dir, l.kind)
		}
	}
}
