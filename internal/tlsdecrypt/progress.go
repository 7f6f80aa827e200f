package tlsdecrypt

// BrokenOff says in words that a connection ended before its handshake did.
const BrokenOff = "the handshake did not come to its end"

// progress is how far a handshake came as far as the headers of records tell, without any
// key.
type progress struct {
	changed  [2]bool // ChangeCipherSpec was sent
	finished bool    // the client sent what may be its Finished
	answered bool    // and the server something after it, other than an alert
}

// sealedAlert is the length of a protected alert from TLS 1.3 on: two bytes, the type and
// the tag (RFC 8446, sections 5.2 and 6). A Finished takes 53 bytes at least.
const sealedAlert = plainAlert + 1 + 16

// follow takes the header of a direction's next record, after the record itself.
func (c *Conn) follow(dir int, h header) {
	p := &c.progress
	if p.answered {
		return
	}
	// A hello that is repeated comes after ChangeCipherSpec, too, before it is known
	// which version the server has chosen.
	upTo12 := c.hs != nil && c.hs.haveServer && !c.hs.tls13()
	protected := h.typ == typeApplicationData && h.length != sealedAlert ||
		h.typ == typeHandshake && p.changed[dir] && upTo12
	switch {
	case h.typ == typeChangeCipherSpec:
		p.changed[dir] = true
	case protected && dir == toServer:
		p.finished = true
	case protected && p.finished:
		p.answered = true
	}
}

// brokenOff reports whether the handshake of a connection that is over came to nothing: its
// client never sent what may be a Finished, or the server answered that with nothing but
// an alert. Of a handshake that was not captured whole it is not known.
func (c *Conn) brokenOff() bool {
	for i := range c.dirs {
		if f := &c.dirs[i].framer; f.hunts > 0 || f.lost.any() || c.dirs[i].broken {
			return false
		}
	}
	refused := c.dirs[toClient].latest.typ == typeAlert || c.closing(toClient)
	return c.hs != nil && c.hs.haveClient && !c.progress.answered && (!c.progress.finished || refused)
}
