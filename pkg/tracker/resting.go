package tracker

// Resting reports whether nothing is outstanding and nothing in doubt: the next
// message is the frontend's. It returns the transaction status as well.
func (t *Tracker) Resting() (tx byte, ok bool) {
	return t.tx, t.tx != 0 && t.whole == nil && t.q.n == 0 && !t.open && t.settled()
}
