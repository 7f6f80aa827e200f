package replication

// Decoder makes messages of bytes whose Meaning is known. The zero value is ready;
// it belongs to one goroutine.
type Decoder struct {
	messages [NumKinds]Message
	c        cursor // here, since messages are decoded through an interface
}

func (d *Decoder) message(k Kind) Message {
	if d.messages[k] == nil {
		d.messages[k] = kinds[k].make()
	}
	return d.messages[k]
}

// Decode returns the message that a CopyData is, and the one of pgoutput inside;
// nil where there is none. They borrow from data and are valid until the next
// Decode.
func (d *Decoder) Decode(m *Meaning, data []byte) (outer, inner Message) {
	if m.Kind == KindUnknown {
		return nil, nil
	}
	if m.raw {
		a := d.message(KindArchiveData).(*ArchiveData)
		a.Data = data
		return a, nil
	}
	o, fault := d.outer(m, data)
	if fault != nil {
		return nil, nil
	}
	w, ok := o.(*WALData)
	if !ok || m.Logical == KindUnknown {
		return o, nil
	}
	if i, fault := d.inner(m.Logical, w.Data, m.Streamed, m.Flags&Cut != 0); fault == nil {
		return o, i
	}
	return o, nil
}

// outer decodes a message of m.Kind.
func (d *Decoder) outer(m *Meaning, data []byte) (Message, *Fault) {
	if m.Kind == KindUnknown {
		return nil, &Fault{Message: "CopyData", Reason: reasonKind}
	}
	d.c = cursor{b: data, off: 1, cut: m.Flags&Cut != 0}
	msg := d.message(m.Kind)
	msg.decode(&d.c)
	return msg, d.c.fault(m.Kind.String())
}

// inner decodes a message of pgoutput. Of one that is cut, what is there is enough.
func (d *Decoder) inner(k Kind, data []byte, streamed, cut bool) (Message, *Fault) {
	c := &d.c
	*c = cursor{b: data, off: 1, streamed: streamed, cut: cut}
	msg := d.message(k)
	msg.decode(c)
	if cut && c.off == len(data) && c.reason == reasonShort && torn(msg) {
		return msg, nil
	}
	return msg, c.fault(k.String())
}

// torn reports whether a message whose end is missing has rows to show.
func torn(m Message) bool {
	switch m := m.(type) {
	case *Insert:
		return m.New.raw != nil
	case *Update:
		return m.New.raw != nil || m.Old.raw != nil
	case *Delete:
		return m.Old.raw != nil
	}
	return false
}

// fits reports whether bytes are a message of pgoutput in one of its two forms.
func (d *Decoder) fits(k Kind, data []byte, streamed bool) bool {
	d.c = cursor{b: data, off: 1, streamed: streamed}
	msg := d.message(k)
	msg.decode(&d.c)
	return d.c.ok() && plausible(msg)
}

// strong reports whether bytes can hardly be anything but a message of pgoutput:
// its length is exact, and its parts are what servers send.
func (d *Decoder) strong(data []byte) bool {
	if len(data) == 0 {
		return false
	}
	k := logicalKinds[data[0]]
	switch k {
	case KindUnknown, KindStreamStop, KindStreamStart, KindStreamAbort, KindOrigin, KindType, KindTruncate, KindMessage:
		return false
	}
	return d.fits(k, data, false) || kinds[k].streamed && d.fits(k, data, true)
}

// plausible is a check on messages whose form alone says little.
func plausible(msg Message) bool {
	switch m := msg.(type) {
	case *Begin:
		return m.XID != 0 && sane(m.Committed)
	case *Commit:
		return m.Flags == 0 && m.Commit <= m.End && sane(m.Committed)
	case *StreamCommit:
		return m.Flags == 0 && m.Commit <= m.End && sane(m.Committed)
	case *Prepare:
		return m.Flags == 0 && sane(m.Time)
	case *BeginPrepare:
		return m.Prepare <= m.End && sane(m.Time)
	case *CommitPrepared:
		return m.Flags == 0 && sane(m.Time)
	case *StreamPrepare:
		return m.Flags == 0 && sane(m.Time)
	case *RollbackPrepared:
		return m.Flags == 0 && sane(m.Prepared)
	case *RelationMessage:
		return printable(m.Namespace, true) && printable(m.Name, false) && namedColumns(m.Columns)
	case *Type:
		return printable(m.Namespace, true) && printable(m.Name, false)
	case *LogicalMessage:
		return m.Flags <= 1
	case *Truncate:
		return m.Options <= 3 && m.OIDs.Len() > 0
	case *Insert:
		return m.OID != 0
	case *Update:
		return m.OID != 0
	case *Delete:
		return m.OID != 0
	}
	return true
}

// sane reports whether a time lies between 2000 and 2200.
func sane(t Time) bool { return t >= 0 && t < 200*365*24*3600*1e6 }

func printable(b []byte, empty bool) bool {
	for _, c := range b {
		if c < ' ' {
			return false
		}
	}
	return empty || len(b) > 0
}

func namedColumns(l ColumnList) bool {
	for it := l.Iter(); it.Next(); {
		if !printable(it.Name, false) {
			return false
		}
	}
	return true
}
