package exchange

import (
	"maps"
	"slices"
)

// Prepared calls yield for each prepared statement whose whole text is known, the
// unnamed one first and the others in the order of their names, which are as clients
// have sent them. columns is the body
// of the RowDescription that describes its result, nil where that is not known. All
// of it is borrowed for the call.
func (l *Log) Prepared(yield func(name string, s *Statement, columns []byte)) {
	tell := func(name string, s *Statement) {
		if s == nil || s.Inferred || s.undone || s.SQL == nil || len(s.SQL) != s.SQLLen {
			return
		}
		var columns []byte
		if s.columns != nil {
			columns = s.columns.raw
		}
		yield(name, s, columns)
	}
	if !l.unnamedGone {
		tell("", l.unnamed)
	}
	for _, name := range slices.Sorted(maps.Keys(l.statements)) {
		s := l.statements[name]
		tell(string(s.label), s)
	}
}

// Rested returns when the latest replies ended; the zero Stamp where that is not known.
func (l *Log) Rested() Stamp { return l.lastEnd }

// Rest tells when the latest replies ended, of a connection that goes on from another
// capture. With the zero Stamp that is not known.
func (l *Log) Rest(at Stamp) { l.lastEnd, l.idle = at, at != Stamp{} }
