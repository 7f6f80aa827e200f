package reassembly

// clock is capture time that never runs backwards. It trusts a time that two
// packets in a row have reached, so that one packet stamped in the future
// expires nothing; and it follows a capture that steps back for good, as when
// files are read in the wrong order, by going on from where it was.
type clock struct {
	now    int64 // ns, as captured plus offset
	high   int64 // highest time trusted, as captured
	prev   int64 // of the packet before
	behind int
}

// maxBehindPackets is the number of packets in a row that lie in the past
// before that is taken for the present.
const maxBehindPackets = 64

// packet moves the clock by a packet's time.
func (k *clock) packet(t int64) {
	m := min(t, k.prev)
	k.prev = t
	if m >= k.high {
		k.behind = 0
		k.forward(m)
		return
	}
	if k.behind++; k.behind > maxBehindPackets {
		k.high, k.behind = m, 0
	}
}

// set moves the clock to a time that is certain.
func (k *clock) set(t int64) {
	k.prev = t
	k.forward(t)
}

func (k *clock) forward(t int64) {
	if t <= k.high {
		return
	}
	if k.high != 0 && t-k.high > 0 { // a hostile pair may overflow
		k.now += t - k.high
	}
	k.high = t
}

// stamp is the time to begin waiting at: with the clock one packet late, the
// packet at hand may be ahead of it.
func (k *clock) stamp() int64 {
	if ahead := k.prev - k.high; k.high != 0 && ahead > 0 {
		return k.now + ahead
	}
	return k.now
}
