package exchange

// stretch begins the part of x that its replies will be for with request m: what was
// asked before is answered, and its time is that of preparing. What the frontend did
// in between is nobody's time, but idle if a transaction is open.
func (l *Log) stretch(x *Exchange, m *Message) {
	if x.flags&flagDone != 0 { // only the Sync is left, and its reply tells the status
		x.flags |= flagApart
		return
	}
	if ns, ok := x.Duration(); ok && x.Prepared != nil {
		if x.told != x.Prepared {
			x.told, x.Prepare = x.Prepared, 0
		}
		x.Prepare += ns
	}
	if idle := m.First.Time - x.End.Time; idle > 0 && (m.Step.Tx == 'T' || m.Step.Tx == 'E') {
		l.Totals.IdleInTransaction += idle
	}
	x.Asked = m.First
	x.flags &^= flagReplied
	x.FirstReply, x.FirstRow, x.End = Stamp{}, Stamp{}, Stamp{}
}
