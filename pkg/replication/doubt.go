package replication

// missed forgets what a message that could not be read may have changed.
func (s *Stream) missed(data []byte) {
	stays, describes := staysOf(data)
	if !stays {
		s.stream, s.xid = streamUnknown, 0
	}
	if describes {
		s.known.holes++
	}
}

// staysOf tells of a message that could not be read whether it leaves the stream and
// the transaction as they are, and whether it may have described a relation. Its first
// byte tells, if it is there.
func staysOf(data []byte) (stays, describes bool) {
	if len(data) == 0 {
		return false, true
	}
	switch logicalKinds[data[0]] {
	case KindInsert, KindUpdate, KindDelete, KindTruncate, KindMessage, KindOrigin, KindType:
		return true, false
	case KindRelation:
		return true, true
	case KindUnknown:
		return false, true
	}
	return false, false
}

// missed takes a WALData whose logical message could not be read.
func (t *Transactions) missed(data []byte, size int) {
	if stays, _ := staysOf(data); !stays {
		t.Lost()
		return
	}
	if t.current != nil {
		t.current.sum.Partial = true
		t.add(size)
	}
}

// belongs tells which transaction a streamed change is of. Where the StreamStart was
// not seen, its number is either that of a transaction or of a subtransaction: only of
// one that began with a StreamStart is known which.
func (t *Transactions) belongs(c *Change, xid uint32) {
	switch x := t.open[xid]; {
	case c.XID == xid:
	case c.XID != 0:
		c.SubXID = xid
	case x != nil && x.streamed:
		c.XID, t.current = xid, x
	}
}
