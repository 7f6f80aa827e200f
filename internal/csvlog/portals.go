package csvlog

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// portals tells the first execution of a portal from the further ones, which the
// server logs in other words. Requests run ahead of replies, so of each portal the
// latest queries that bound it are kept.
type portals struct {
	byName map[string][]binding
	decode messages.Bind
}

// binding is the query that bound a portal.
type binding struct {
	query    uint64
	executed bool
}

// Portals and bindings are bounded; beyond that, every execution counts as a first.
const (
	maxPortals  = 64
	maxBindings = 16
)

// bind notes a Bind.
func (p *portals) bind(m *record.Message) {
	if m.Query == 0 || p.decode.Decode(m.Wire()) != nil {
		return
	}
	list, ok := p.byName[string(p.decode.Portal)]
	if !ok && len(p.byName) >= maxPortals {
		clear(p.byName)
	}
	if len(list) >= maxBindings {
		list = append(list[:0], list[1:]...)
	}
	if p.byName == nil {
		p.byName = make(map[string][]binding)
	}
	p.byName[string(p.decode.Portal)] = append(list, binding{query: m.Query})
}

// fetches reports whether a query goes on with a portal that was executed before.
func (p *portals) fetches(q *record.Query) bool {
	list := p.byName[string(q.Portal)]
	for i := len(list) - 1; i >= 0; i-- {
		b := &list[i]
		if b.query > q.ID {
			continue
		}
		before := b.executed
		b.executed = true
		return before && b.query < q.ID
	}
	return false
}
