package tlsdecrypt

// Epochs of a direction: the keys that protect it. Up to TLS 1.2 any above
// epochPlain is like another.
const (
	epochPlain     = 0
	epochHandshake = 1 // TLS 1.3: the handshake traffic secret
	epochTraffic   = 2 // TLS 1.3: application traffic secret 0; one more with each KeyUpdate
)

// direction is what belongs to one of the two byte streams.
type direction struct {
	index    int
	framer   framer
	messages messageReader
	latest   header
	broken   bool // handshake messages in the clear were lost

	hs     *handshake // whose keys protect the direction; nil in epochPlain
	epoch  int
	open   opener // nil until the key was needed and found
	secret []byte // that open was made from
	seq    uint64 // of the next record

	next       opener // of the following epoch, once it was asked for
	nextSecret []byte

	loss    loss // since the last authentic record
	fails   int  // records in a row that were not authentic
	dead    bool // given up
	advance bool // the record in progress ends the epoch
	first   bool // no record of the epoch was authentic yet
	appSeen bool // application data was decrypted
	padded  bool // and had padding, so that lengths tell nothing
	proven  bool // some record was authentic
}

// start begins an epoch.
func (d *direction) start(hs *handshake, epoch int) {
	d.hs, d.epoch, d.seq = hs, epoch, 0
	d.open, d.secret, d.next, d.nextSecret = nil, nil, nil, nil
	d.first, d.broken, d.loss = true, false, loss{}
	d.messages.reset()
}

// protects reports whether records of the content type are protected.
func (d *direction) protects(typ byte) bool {
	switch {
	case d.hs == nil:
		return false
	case d.hs.tls13():
		return typ == typeApplicationData
	}
	return true
}

// carriesData reports whether application data may be among what is protected
// now.
func (d *direction) carriesData() bool {
	if d.hs == nil || d.open == nil {
		return false
	}
	return !d.hs.tls13() || d.epoch >= epochTraffic
}

// misfit reports whether the epoch's key is not the right one, as far as seen.
func (d *direction) misfit() bool { return d.fails > 0 && d.first }

// trafficLabel is the label of a TLS 1.3 epoch's secret.
func (d *direction) trafficLabel(epoch int) label {
	switch {
	case epoch == epochHandshake && d.index == toServer:
		return labelClientHandshake
	case epoch == epochHandshake:
		return labelServerHandshake
	case d.index == toServer:
		return labelClientTraffic
	}
	return labelServerTraffic
}

// ready finds the direction's key. It reports false where that is missing.
// Without the handshake secret of TLS 1.3, which some programs do not log, the
// traffic secret will do: open stays nil until a record fits it.
func (c *Conn) ready(d *direction) bool {
	if d.open != nil || d.dead || c.fatal != Handshaking {
		return true
	}
	if c.keys == nil {
		return false
	}
	c.generation = c.keys.generation.Load() // before looking, so that nothing is missed
	var err error
	if d.hs.tls13() {
		s := d.hs.suite
		d.secret = c.keys.secret(d.trafficLabel(d.epoch), d.hs.clientRandom, s.prf().Size())
		if d.secret == nil {
			return d.epoch == epochHandshake && c.following(d) != nil
		}
		d.open, err = newOpener13(s, d.secret)
	} else {
		d.secret, c.masterFrom = c.master(d.hs)
		if d.secret == nil {
			return false
		}
		d.open, err = newOpener12(d.hs, d.secret, d.index)
	}
	if err != nil {
		c.fail(Unsupported, err.Error())
	}
	return true
}

// master finds the master secret of a handshake up to TLS 1.2, in the key log
// or as that of the session that it resumed.
func (c *Conn) master(hs *handshake) ([]byte, Origin) {
	if m := c.keys.secret(labelMaster, hs.clientRandom, masterLen); m != nil {
		return m, c.keys.origin(labelMaster, hs.clientRandom)
	}
	if hs.certified {
		return nil, 0
	}
	m, from := c.keys.session(hs.offeredTicket)
	if m == nil && hs.offeredID == hs.sessionID {
		m, from = c.keys.session(hs.sessionID)
	}
	return m, from
}

// following returns the protection of the next epoch of TLS 1.3, or nil where
// there is none or its secret is not known.
func (c *Conn) following(d *direction) opener {
	if d.next != nil || !d.hs.tls13() || c.fatal != Handshaking {
		return d.next
	}
	s := d.hs.suite
	var secret []byte
	var err error
	if d.epoch == epochHandshake {
		secret = c.keys.secret(d.trafficLabel(epochTraffic), d.hs.clientRandom, s.prf().Size())
	} else if d.secret != nil {
		secret, err = nextTrafficSecret(s, d.secret)
	}
	if secret == nil || err != nil {
		return nil
	}
	next, err := newOpener13(s, secret)
	if err != nil {
		return nil
	}
	d.next, d.nextSecret = next, secret
	return next
}

// toFollowing makes the next epoch the current one.
func (c *Conn) toFollowing(d *direction) {
	next, secret := c.following(d), d.nextSecret
	d.start(d.hs, d.epoch+1)
	if next != nil {
		d.open, d.secret = next, secret
	}
	if d.epoch > epochTraffic {
		c.info.KeyUpdates[d.index]++
	}
}
