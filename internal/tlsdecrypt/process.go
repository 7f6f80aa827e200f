package tlsdecrypt

// process reads a record in its turn. It reports false where that needs a key
// that is not there; the record is then to be given again.
func (c *Conn) process(d *direction, r record) bool {
	if r.before.any() && d.hs == nil {
		d.messages.reset()
		d.broken = true
	}
	if !d.protects(r.typ) && !c.plain(d, &r) {
		return true
	}
	if c.fatal != Handshaking {
		return true
	}
	if !c.ready(d) {
		return false
	}
	d.loss.add(r.before)
	if c.fatal == Handshaking && !d.dead {
		c.protected(d, r)
	}
	return true
}

// plain reads a record that is not protected. It reports true where the record
// turns out to be protected all the same, because what began that was lost.
func (c *Conn) plain(d *direction, r *record) bool {
	switch r.typ {
	case typeChangeCipherSpec:
		c.changeCipherSpec(d)
	case typeAlert:
		if d.hs != nil && r.length != plainAlert {
			c.damaged(d, r.header)
			return false
		}
		c.alert(d.index, r.payload)
	case typeHandshake:
		if d.hs != nil {
			c.damaged(d, r.header)
		} else if !d.broken {
			d.messages.feed(r.payload, func(typ byte, body []byte) { c.message(d, typ, body) })
		}
	case typeApplicationData:
		return c.unexpectedData(d, r)
	}
	return false
}

// damaged counts a record that TLS 1.3 does not have in the clear any more: its
// header is not what was sent.
func (c *Conn) damaged(d *direction, h header) {
	c.info.Unauthentic[d.index]++
	d.loss.add(loss{bytes: int64(headerLen + h.length), max: 1})
}

// changeCipherSpec begins protection up to TLS 1.2. In TLS 1.3 it is there for
// middleboxes only (RFC 8446, appendix D.4).
func (c *Conn) changeCipherSpec(d *direction) {
	hs := c.hs
	switch {
	case hs == nil || hs.haveServer && !hs.haveClient && !hs.tls13():
		d.broken = true // what follows is protected
		c.fail(MidStream, noClientHello)
		return
	case !hs.haveServer || hs.tls13():
		return
	}
	if d.index == toClient && !hs.certified && !d.broken {
		c.info.Resumed = true
	}
	d.start(hs, epochHandshake)
}

// unexpectedData is application data before protection was seen to begin: 0-RTT
// data, or the sign that the capture has not got the beginning.
func (c *Conn) unexpectedData(d *direction, r *record) bool {
	switch hs := c.hs; {
	case hs == nil || !hs.haveClient:
		return c.joinMidStream(d, r, noClientHello)
	case !hs.haveServer && hs.earlyData && d.index == toServer:
		c.info.EarlyData++
	case !hs.haveServer:
		return c.joinMidStream(d, r, noServerHello)
	case d.broken || r.before.any():
		d.start(hs, epochHandshake)
		d.loss.add(loss{bytes: -1, max: 2})
		return true
	default:
		c.fail(Unsupported, "application data that is not protected")
	}
	return false
}

// protected decrypts a record and reads its content.
func (c *Conn) protected(d *direction, r record) {
	content, ok := c.unprotect(d, r)
	if d.open != nil {
		d.open.passed(r.payload)
	}
	if !ok {
		c.unauthentic(d, r)
		return
	}
	c.authentic(d)
	c.info.Decrypted[d.index]++
	switch content.typ {
	case typeApplicationData:
		c.data(d, content)
	case typeHandshake:
		d.messages.feed(content.plain, func(typ byte, body []byte) { c.message(d, typ, body) })
	case typeAlert:
		c.alert(d.index, content.plain)
	case typeChangeCipherSpec:
		c.changeCipherSpec(d)
	}
	if d.advance {
		d.advance = false
		c.toFollowing(d)
	}
}

// data hands out application data.
func (c *Conn) data(d *direction, content opened) {
	d.appSeen = true
	d.padded = d.padded || content.padded
	if len(content.plain) == 0 {
		return
	}
	c.info.Plaintext[d.index] += uint64(len(content.plain))
	c.sink.Plaintext(d.index == toServer, content.plain, c.at)
}

// authentic notes that a record fitted the direction's key.
func (c *Conn) authentic(d *direction) {
	c.opened = true
	d.fails = 0
	if d.first {
		c.info.KeysFrom = c.keysFrom(d)
	}
	if d.index == toServer && !d.proven && c.info.EarlyDataAccepted && c.info.EarlyData > 0 {
		c.gap(d, -1)
	}
	d.proven = true
	if !d.first {
		return
	}
	d.first = false
	if !d.hs.tls13() {
		if !d.hs.certified { // a resumed session may not have its own line
			c.keys.put(labelMaster, d.hs.clientRandom, d.secret, c.masterFrom)
		}
		c.keys.rememberSession(d.hs.sessionID, d.secret, c.masterFrom)
		c.keys.rememberSession(d.hs.newTicket, d.secret, c.masterFrom)
	}
	c.keys.markUsed(d.hs.clientRandom)
}

// keysFrom tells where the secret of the direction's epoch came from; that of later
// epochs follows from the first one for data.
func (c *Conn) keysFrom(d *direction) Origin {
	if !d.hs.tls13() {
		return c.masterFrom
	}
	return c.keys.origin(d.trafficLabel(min(d.epoch, epochTraffic)), d.hs.clientRandom)
}

// unauthentic notes that a record fitted no key and sequence number tried.
func (c *Conn) unauthentic(d *direction, r record) {
	if d.index == toServer && d.hs.earlyData && !d.proven && d.epoch == epochHandshake && d.hs.tls13() {
		c.info.EarlyData++
		return
	}
	c.info.Unauthentic[d.index]++
	d.messages.reset()
	// It may be one record, or none that the peer sent; where its length was
	// damaged, it may hold several. What never fitted yet is not worth the
	// trials that this takes.
	l := loss{bytes: int64(headerLen + r.length), max: 1}
	if !d.first {
		l.max += l.bytes / (headerLen + minProtected)
	}
	d.loss.add(l)
	d.fails++
	if d.fails < maxFails {
		return
	}
	d.dead = true
	if d.appSeen {
		c.gap(d, -1)
	}
}
