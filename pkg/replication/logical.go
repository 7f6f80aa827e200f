package replication

// observeLogical takes a message of an output plugin.
func (s *Stream) observeLogical(m *Meaning, data []byte) {
	if s.plugin == "" && m.Flags&Cut == 0 && s.decoder.strong(data) {
		s.plugin = PluginPgoutput
	}
	if m.Plugin = s.plugin; s.plugin == "" || s.plugin != PluginPgoutput {
		return
	}
	if !s.told {
		m.Flags |= InferredPlugin
	}
	s.read(m, data)
	m.forgive()
	if m.Logical != KindUnknown {
		s.follow(m)
	} else {
		s.missed(data)
	}
}

// read finds out which form a message has, and decodes it.
func (s *Stream) read(m *Meaning, data []byte) {
	if len(data) == 0 {
		m.Fault = &Fault{Message: PluginPgoutput, Reason: reasonShort}
		return
	}
	k := logicalKinds[data[0]]
	if k == KindUnknown {
		m.Fault = &Fault{Message: PluginPgoutput, Reason: reasonKind}
		return
	}
	cut := m.Flags&Cut != 0
	if !kinds[k].streamed {
		if s.inner, m.Fault = s.decoder.inner(k, data, false, cut); m.Fault == nil {
			m.Logical = k
		}
		return
	}
	if cut && s.stream == streamUnknown {
		m.Flags |= Ambiguous // half a message fits anything
		return
	}
	m.Streamed = s.stream == streamIn
	if s.stream == streamUnknown {
		s.choose(m, k, data)
		return
	}
	if s.inner, m.Fault = s.decoder.inner(k, data, m.Streamed, cut); m.Fault == nil {
		m.Logical = k
		return
	}
	other, fault := s.decoder.inner(k, data, !m.Streamed, cut)
	if cut || fault != nil {
		return
	}
	s.inner, m.Fault, m.Logical, m.Streamed = other, nil, k, !m.Streamed
	m.Flags |= OutOfStream
}

// choose decides between the two forms of a message where the one called for is
// not known.
func (s *Stream) choose(m *Meaning, k Kind, data []byte) {
	plain, in := s.decoder.fits(k, data, false), s.decoder.fits(k, data, true)
	if plain && in {
		// Only one of the two may name a relation that is known.
		plain, in = s.names(k, data, false), s.names(k, data, true)
		if plain == in {
			m.Flags |= Ambiguous
			return
		}
	}
	m.Streamed = in
	if s.inner, m.Fault = s.decoder.inner(k, data, in, false); m.Fault == nil {
		m.Logical = k
		m.Flags |= InferredStream
	}
}

// names reports whether a message, read in one of its forms, names relations that
// are known, or gives a relation or type a number that is none by accident. Where
// "public" is read as a number and "ic", that number is of four letters; numbers
// are given out from 16384 on and few servers get that far.
func (s *Stream) names(k Kind, data []byte, streamed bool) bool {
	msg, fault := s.decoder.inner(k, data, streamed, false)
	if fault != nil {
		return false
	}
	switch msg := msg.(type) {
	case *Truncate:
		for i := range msg.OIDs.Len() {
			if r, _ := s.known.get(msg.OIDs.At(i)); r == nil {
				return false
			}
		}
		return true
	case *RelationMessage:
		return !letters(msg.OID)
	case *Type:
		return !letters(msg.OID)
	}
	return false
}

// letters reports whether the four bytes of a number are all printable.
func letters(oid uint32) bool {
	for range 4 {
		if b := byte(oid); b < ' ' || b == 0x7F {
			return false
		}
		oid >>= 8
	}
	return true
}

// follow keeps the state of the stream after a message that was understood.
func (s *Stream) follow(m *Meaning) {
	if kinds[m.Logical].streamed {
		s.followStreamed(m)
		return
	}
	switch msg := s.inner.(type) {
	case *StreamStart:
		s.stream, s.xid = streamIn, msg.XID
	case *StreamStop:
		m.XID = s.xid
		s.stream, s.xid = streamOut, 0
		return
	case *Origin: // comes in both
	case *Begin:
		s.stream, s.xid = streamOut, msg.XID
	case *BeginPrepare:
		s.stream, s.xid = streamOut, msg.XID
	default:
		m.XID = s.ended(msg)
		s.stream, s.xid = streamOut, 0
		return
	}
	m.XID = s.xid
}

// ended returns the transaction that a message ends.
func (s *Stream) ended(msg Message) uint32 {
	switch msg := msg.(type) {
	case *StreamCommit:
		return msg.XID
	case *StreamAbort:
		return msg.XID
	case *Prepare:
		return msg.XID
	case *StreamPrepare:
		return msg.XID
	case *CommitPrepared:
		return msg.XID
	case *RollbackPrepared:
		return msg.XID
	}
	return s.xid
}

// followStreamed is follow for messages that may have a transaction number: it
// tells whether a stream is going on.
func (s *Stream) followStreamed(m *Meaning) {
	want := streamOut
	if m.Streamed {
		want = streamIn
	}
	if s.stream != want {
		s.stream, s.xid = want, 0
	}
	m.XID = s.xid
	switch msg := s.inner.(type) {
	case *RelationMessage:
		s.describe(m, msg)
	case *Type:
		s.database.learnType(s.catalog, msg)
	case *Insert:
		s.relation(m, msg.OID, msg.New)
	case *Update:
		s.relation(m, msg.OID, msg.New)
	case *Delete:
		s.relation(m, msg.OID, msg.Old)
	case *Truncate:
		s.truncated(m, msg)
	}
}

// describe remembers a relation.
func (s *Stream) describe(m *Meaning, msg *RelationMessage) {
	if m.Flags&Cut != 0 {
		return
	}
	if e := s.known.byOID[msg.OID]; e != nil && e.body == string(msg.body) {
		e.holes = s.known.holes
		m.Relation = e.Relation
		return
	}
	r := s.database.find(msg)
	if r == nil {
		var ok bool
		if r, ok = newRelation(msg); !ok {
			m.Logical, m.Fault = KindUnknown, &Fault{Message: "Relation", Reason: reasonTwice}
			s.inner = nil
			return
		}
		s.catalog.share(s.database, r)
		if s.all != s.database {
			s.catalog.share(s.all, r) // for connections whose database is not known
		}
	}
	if s.known.set(r) {
		m.Relation = r
	}
}

const reasonTwice = "two columns have one name"

// relation finds the description of a row.
func (s *Stream) relation(m *Meaning, oid uint32, t Tuple) {
	r, sure := s.known.get(oid)
	cut := m.Flags&Cut != 0
	switch {
	case r != nil && sure && (len(r.Columns) == t.Len() || cut):
		m.Relation = r
		return
	case r != nil && !sure && fits(r, t):
		m.Relation = r
	case r == nil && s.known.holes > 0:
		m.Relation = s.database.guess(oid, t)
	}
	if m.Relation == nil {
		m.Flags |= UnknownRelation
		return
	}
	m.Flags |= InferredRelation
}

// truncated finds the relations of a Truncate.
func (s *Stream) truncated(m *Meaning, msg *Truncate) {
	n := msg.OIDs.Len()
	same := len(s.tables) == n
	for i := 0; same && i < n; i++ {
		r, _ := s.known.get(msg.OIDs.At(i))
		same = s.tables[i] == r
	}
	if !same {
		// A new list: the one before may be in use elsewhere.
		s.tables = make([]*Relation, n)
		for i := range n {
			s.tables[i], _ = s.known.get(msg.OIDs.At(i))
		}
	}
	m.Truncated = s.tables
	for i := range n {
		switch r, sure := s.known.get(msg.OIDs.At(i)); {
		case r == nil:
			m.Flags |= UnknownRelation
		case !sure:
			m.Flags |= InferredRelation
		}
	}
}
