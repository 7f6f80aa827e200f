package replication

// Rewriter makes copies of events in which values are replaced, for programs that
// must not show them. The zero value is ready; what it returns is valid until the
// next call.
type Rewriter struct {
	body    []byte
	decoder Decoder
	event   Event
	change  Change

	insert  Insert
	update  Update
	remove  Delete
	message LogicalMessage
}

// Replace returns what stands in the place of a value: of column i of the relation
// (-1: of a message or of another plugin); ok is false where the value stays.
type Replace func(r *Relation, i int, v []byte) (with []byte, ok bool)

// Event returns a copy of an event and of the CopyData that it is about with values
// replaced; e and body themselves where none is. Positions, names and numbers stay.
func (w *Rewriter) Event(e *Event, body []byte, f Replace) (*Event, []byte) {
	wal, ok := e.Outer.(*WALData)
	if !ok {
		return e, body
	}
	inner, data := w.logical(e, wal.Data, f)
	if inner == nil && data == nil {
		return e, body
	}
	w.body = append(w.body[:0], body[:len(body)-len(wal.Data)]...)
	if inner != nil {
		w.body = inner.Append(w.body)
	} else {
		w.body = append(w.body, data...)
	}
	dst := w.body
	w.event = *e
	w.event.Outer, w.event.Inner = w.decoder.Decode(&w.event.Meaning, dst)
	if e.Change != nil {
		w.change = *e.Change
		w.change.replace(w.event.Inner)
		w.event.Change = &w.change
	}
	return &w.event, dst
}

// replace gives a change the rows of a message.
func (c *Change) replace(inner Message) {
	switch m := inner.(type) {
	case *Insert:
		c.New = m.New
	case *Update:
		c.Old, c.New = m.Old, m.New
	case *Delete:
		c.Old = m.Old
	case *LogicalMessage:
		c.Message = m
	}
}

// logical returns the message of pgoutput with values replaced, or the data of
// another plugin; nil where nothing is.
func (w *Rewriter) logical(e *Event, data []byte, f Replace) (inner Message, other []byte) {
	r, changed, old := e.Meaning.Relation, false, false
	switch m := e.Inner.(type) {
	case *Insert:
		w.insert = *m
		w.insert.New, changed = m.New.replaced(r, f)
		inner = &w.insert
	case *Update:
		w.update = *m
		w.update.Old, old = m.Old.replaced(r, f)
		w.update.New, changed = m.New.replaced(r, f)
		inner = &w.update
	case *Delete:
		w.remove = *m
		w.remove.Old, changed = m.Old.replaced(r, f)
		inner = &w.remove
	case *LogicalMessage:
		w.message = *m
		w.message.Content, changed = f(nil, -1, m.Content)
		inner = &w.message
	case nil:
		if with, ok := f(nil, -1, data); ok {
			return nil, with
		}
	}
	if !changed && !old {
		return nil, nil
	}
	return inner, nil
}

// replaced returns a row with values replaced, as text. Nothing is copied where none
// is.
func (t Tuple) replaced(r *Relation, f Replace) (n Tuple, changed bool) {
	if r != nil && len(r.Columns) < t.Len() {
		r = nil
	}
	n.n, n.unchanged = t.n, t.unchanged
	it := t.Iter()
	for i := 0; ; i++ {
		before := len(t.raw) - len(it.rest)
		if !it.Next() {
			break
		}
		v, kind := it.Value(), it.Kind()
		if v != nil {
			if with, ok := f(r, i, v); ok {
				if !changed {
					n.raw = append(n.raw, t.raw[:before]...)
				}
				v, kind, changed = with, ColumnText, true
			}
		}
		if !changed {
			continue
		}
		n.raw = append(n.raw, kind)
		if kind == ColumnText || kind == ColumnBinary {
			n.raw = append(appendU32(n.raw, uint32(len(v))), v...)
		}
	}
	if !changed {
		return t, false
	}
	return n, true
}
