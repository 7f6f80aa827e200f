package codec

// marks remembers places of a window that chains of messages have led to, so
// that the many chains that lead to the same place are followed once. It covers
// the markSpan bytes from where the window is being searched.
type marks struct {
	bits [markSpan / 64]uint64
	from int // places before it are no longer covered
}

const markSpan = 2 * huntStep

// pass tells that the search has come to at.
func (m *marks) pass(at int) {
	if at-m.from >= markSpan {
		clear(m.bits[:])
	} else {
		for word := m.from / 64; word < at/64; word++ {
			m.bits[word%len(m.bits)] = 0
		}
	}
	m.from = at
}

// covered reports whether at can be marked. The word that the search is in is
// not reused, hence the 64.
func (m *marks) covered(at int) bool { return at >= m.from && at < m.from+markSpan-64 }

func (m *marks) has(at int) bool {
	return m.covered(at) && m.bits[at/64%len(m.bits)]&(1<<(at%64)) != 0
}

func (m *marks) set(at int) {
	if m.covered(at) {
		m.bits[at/64%len(m.bits)] |= 1 << (at % 64)
	}
}

func (m *marks) unset(at int) {
	if m.covered(at) {
		m.bits[at/64%len(m.bits)] &^= 1 << (at % 64)
	}
}
