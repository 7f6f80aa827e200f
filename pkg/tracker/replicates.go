package tracker

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Replicates reports whether a CopyData can only be one of streaming replication
// (manual: "Streaming Replication Protocol"): by its first byte and length, and a
// time that may be one. Rows in text hold no such bytes; binary ones begin with a
// number of columns that no table has.
func Replicates(d messages.Direction, body []byte) bool {
	if len(body) == 0 {
		return false
	}
	at := -1 // of the time
	switch tag := body[0]; {
	case d == messages.Backend && tag == 'w' && len(body) >= 25:
		at = 17
	case d == messages.Backend && tag == 'k' && len(body) == 18 && body[17] <= 1:
		at = 9
	case d == messages.Frontend && tag == 'r' && len(body) == 34 && body[33] <= 1:
		at = 25
	case d == messages.Frontend && tag == 'h' && len(body) == 25:
		at = 1
	}
	if at < 0 {
		return false
	}
	t := binary.BigEndian.Uint64(body[at:])
	return t > minReplicationTime && t < maxReplicationTime
}

// The times are between 2005 and 2200, in microseconds since 2000.
const (
	minReplicationTime = 5 * 365 * 24 * 3600 * 1000000
	maxReplicationTime = 200 * 365 * 24 * 3600 * 1000000
)

// copyGuessed notes data of a COPY whose beginning was not seen.
func (t *Tracker) copyGuessed(s *Step, f Facts) {
	switch {
	case t.copying == 0:
		t.copying, t.copyExchange, t.guessed = messages.PhaseCopyOut, s.Exchange, true
	case t.guessed && t.copyExchange == 0:
		t.copyExchange = s.Exchange
	}
	t.copyBothGuessed(f)
}

// copyBothGuessed gives up a guess that was too little: replication goes both
// ways.
func (t *Tracker) copyBothGuessed(f Facts) {
	if f.Replicates && t.guessed && t.copying == messages.PhaseCopyOut {
		t.copying, t.copyEnds, t.afterSet = messages.PhaseCopyBoth, 0, false
	}
}
