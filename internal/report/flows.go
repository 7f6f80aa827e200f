package report

import (
	"slices"
	"strings"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// flows are the messages of the queries that are open. They are thrown away where their
// query turns out to be an ordinary one.
type flows struct {
	open map[flowID]*flow
	free []*flow
}

type flowID struct{ conn, query uint64 }

type flow struct {
	steps []flowStep
	more  int
}

type flowStep struct {
	at    int64
	kind  messages.Kind
	back  bool
	len   int
	count int
}

func (f *flows) message(m *record.Message) {
	if m.Query == 0 {
		return
	}
	id := flowID{m.Conn.ID, m.Query}
	k := f.open[id]
	if k == nil {
		if len(f.open) >= maxOpen {
			clear(f.open) // of queries that never ended
		}
		if f.open == nil {
			f.open = make(map[flowID]*flow)
		}
		if n := len(f.free); n > 0 {
			k, f.free = f.free[n-1], f.free[:n-1]
		} else {
			k = new(flow)
		}
		f.open[id] = k
	}
	k.add(flowStep{m.At.Time, m.Kind, m.Direction == messages.Backend, m.Len, 1})
}

func (f *flow) add(s flowStep) {
	if n := len(f.steps); n > 0 && f.steps[n-1].kind == s.kind && f.steps[n-1].back == s.back {
		f.steps[n-1].count++
		f.steps[n-1].len += s.len
		return
	}
	if len(f.steps) >= maxSteps {
		f.more++
		return
	}
	f.steps = append(f.steps, s)
}

// take returns the messages of a query that is over, nil if there are none.
func (f *flows) take(q *record.Query) *flow {
	id := flowID{q.Conn.ID, q.ID}
	k := f.open[id]
	delete(f.open, id)
	return k
}

// done gives a flow back.
func (f *flows) done(k *flow) {
	if k != nil {
		k.steps, k.more = k.steps[:0], 0
		f.free = append(f.free, k)
	}
}

// copy returns the steps as the page has them.
func (f *flow) copy(start int64) []step {
	list := make([]step, 0, len(f.steps))
	for _, s := range f.steps {
		k := step{At: s.at - start, Back: s.back, Name: s.kind.String(), Len: s.len}
		if s.count > 1 {
			k.Count = s.count
		}
		list = append(list, k)
	}
	return slices.Clip(list)
}

// splitPort divides an address into host and port.
func splitPort(address string) (host, port string) {
	i := strings.LastIndexByte(address, ':')
	if i < 0 || strings.HasPrefix(address, "unix:") {
		return address, ""
	}
	return strings.Trim(address[:i], "[]"), address[i+1:]
}
