package tracker

// UnknownPlace is a Place.Acked of which nothing is known.
const UnknownPlace = -1

// Place is where a message stands in its direction, and what its sender had read of
// the other one when it was sent, in bytes from where the connection began to be seen.
// Replies carry no number; this is TCP's own evidence of what they cannot answer.
type Place struct {
	Begin, End int64
	// Acked is how much of the other direction the sender had acknowledged, with the
	// segment that has the last byte of a request or the first of a reply; or
	// UnknownPlace.
	Acked int64
	// Other is how much of the other direction came before, in the order of the
	// capture.
	Other int64
}

// At tells the place of the next message, or cycle, that is observed, or of the next
// Gap. Without it, after a loss, only the order of the messages tells who answers whom.
func (t *Tracker) At(p Place) { t.place, t.placed = p, true }

// stand notes where a request stands.
func (t *Tracker) stand(p *pending) {
	if !t.placed {
		return
	}
	p.end, p.placed = uint32(t.place.End), true
	if t.place.Acked >= 0 {
		p.acked, p.hasAcked = uint32(t.place.Acked), true
	}
}

// tooEarly reports whether the reply at hand was sent before the frontend had sent p,
// as that had acknowledged it, but for the byte of a keep-alive; unread, whether it was sent before the backend had p.
func (t *Tracker) tooEarly(p *pending) bool {
	return t.placed && p.hasAcked && int32(p.acked-uint32(t.place.Begin)) > 1
}

func (t *Tracker) unread(p *pending) bool {
	return t.placed && p.placed && t.place.Acked >= 0 && int32(p.end-uint32(t.place.Acked)) > 0
}

// acknowledged reports whether the frontend had read all that came from the backend
// before the request at hand; known is false where nothing tells.
func (t *Tracker) acknowledged() (all, known bool) {
	if !t.placed || t.place.Acked < 0 {
		return false, false
	}
	return t.place.Acked >= t.place.Other, true
}
