package exchange

// learnedKey names the statements that may be the same.
type learnedKey struct {
	server serverKey
	name   string
}

// serverKey names the place where statements of one name may be the same.
type serverKey struct{ address, database string }

// The bounds of what is remembered for other connections: 20 MiB.
const (
	maxLearned      = 5000
	maxLearnedSQL   = 4 << 10
	maxLearnedTypes = 256
	maxLearnedName  = 256
)

// learn remembers a named statement for connections whose Parse was not seen:
// those of its database, and those of which nobody knows the database, for which
// all of the server count. Two texts under one name are no basis for a
// conclusion.
func (s *Shared) learn(server serverKey, st *Statement) {
	s.learnFor(server, st)
	if server.database != "" {
		s.learnFor(serverKey{address: server.address}, st)
	}
}

func (s *Shared) learnFor(server serverKey, st *Statement) {
	if len(st.label) > maxLearnedName {
		return
	}
	key := learnedKey{server, st.name}
	known, ok := s.learned[key]
	switch {
	case ok && known != nil && string(known.SQL) != string(st.SQL):
		known.unfile()
		s.learned[key] = nil
	case ok:
	case len(s.learned) >= maxLearned:
		s.DroppedLearned++
	case len(st.SQL) > maxLearnedSQL || len(st.ParamTypes) > maxLearnedTypes || st.SQLLen > len(st.SQL):
		s.learned[key] = nil // another text under this name would be one of two
	default:
		c := st.bare() // without what belongs to its connection
		if !c.file(s) {
			s.DroppedLearned++
			return
		}
		s.learned[key] = c
	}
}

// conclude returns the statement for a name whose Parse was not seen, with the
// SQL of other connections' statements of that name if all that are known agree.
// s is what was concluded before, nil if nothing was; the others may have
// prepared more since.
func (l *Log) conclude(name []byte, s *Statement) *Statement {
	key := string(l.nameKey(name))
	other := l.shared.learned[learnedKey{l.server, key}]
	if s != nil && s.other == other {
		return s
	}
	refused := s != nil && s.refused
	s = &Statement{name: key, label: []byte(string(name)), Inferred: true, other: other, refused: refused}
	if other != nil {
		s.SQL, s.SQLLen, s.ParamTypes = other.SQL, other.SQLLen, other.ParamTypes
	}
	if s.file(l.shared) {
		l.addStatement(s.name, s)
	} else { // it is concluded again the next time
		s.cost = statementCost
		s.shorten()
	}
	return s
}
