package tlsdecrypt

// How much is tried to find the place after a loss. A trial decrypts a whole
// record, so work is counted in bytes: a fixed amount for each connection and
// more as data comes, which keeps all searches linear in what was captured.
const (
	searchBase    = 32 << 20 // bytes, at about 2 GB a second
	searchPerByte = 32
	searchMax     = 256 << 20
	searchCBC     = 8     // times the work of an AEAD
	searchTrial   = 256   // what a trial costs besides the record's bytes
	searchCurrent = 16384 // sequence numbers tried under the key in use
	searchFollow  = 1024  // and under the next one
	maxFails      = 16    // records in a row, not authentic, after which a direction is given up
)

// unprotect opens a record, after a loss with every sequence number that can
// be, and under the next epoch's key.
func (c *Conn) unprotect(d *direction, r record) (opened, bool) {
	c.scratch.buf = grow(c.scratch.buf[:0], len(r.payload))
	lo, hi := uint64(d.loss.min), uint64(d.loss.max)
	if d.open != nil {
		if content, ok := d.open.open(c.scratch.buf, r.header, r.payload, d.seq+lo); ok {
			c.found(d, lo)
			return content, true
		}
		content, k, ok := c.search(d.open, r, d.seq, lo+1, min(hi, lo+searchCurrent))
		if ok {
			c.found(d, k)
			return content, true
		}
	}
	if next := c.following(d); next != nil {
		content, k, ok := c.search(next, r, 0, 0, min(hi, searchFollow))
		if ok {
			c.foundNext(d, k)
			return content, true
		}
	}
	return opened{}, false
}

// search tries to open a record with the sequence numbers seq+lo to seq+hi. It
// takes up to half of the work that is allowed, so that the records that come
// after this one can be tried, too.
func (c *Conn) search(o opener, r record, seq, lo, hi uint64) (content opened, k uint64, ok bool) {
	cost := int64(len(r.payload)) + searchTrial
	if _, exact := o.overhead(); !exact {
		cost *= searchCBC
	}
	allowed := c.work / 2
	for k = lo; k <= hi && allowed >= cost; k++ {
		allowed -= cost
		c.work -= cost
		if content, ok = o.open(c.scratch.buf, r.header, r.payload, seq+k); ok {
			return content, k, true
		}
	}
	return opened{}, 0, false
}

// found notes that k records of the direction are missing before the one that
// was authentic, and tells the Sink what that is in plaintext.
func (c *Conn) found(d *direction, k uint64) {
	lost, finished := d.loss, d.seq == 0 && !d.hs.tls13()
	d.loss = loss{}
	d.seq += k + 1
	if finished && k > 0 {
		k-- // the first is the Finished message
	}
	if k == 0 || !d.carriesData() {
		return
	}
	c.gap(d, d.lostPlaintext(lost, k, finished))
}

// lostPlaintext computes the plaintext of k records lost, or -1.
func (d *direction) lostPlaintext(lost loss, k uint64, finished bool) int64 {
	overhead, exact := d.open.overhead()
	if !exact || !d.appSeen || d.padded || finished || lost.bytes < 0 {
		return -1
	}
	n := lost.bytes - int64(k)*int64(headerLen+overhead)
	if n < 0 || n > int64(k)*maxPlaintext {
		return -1
	}
	return n
}

// foundNext notes that the epoch changed within what is missing, and that k
// records of the new one are.
func (c *Conn) foundNext(d *direction, k uint64) {
	wasData := d.carriesData()
	d.loss = loss{}
	c.toFollowing(d)
	d.seq = k + 1
	if k > 0 || wasData {
		c.gap(d, -1)
	}
}
