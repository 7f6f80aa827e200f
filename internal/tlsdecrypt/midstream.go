package tlsdecrypt

// What is tried on a connection whose handshake was not captured. TLS 1.3
// traffic secrets say all that is needed but which of them it is, the cipher
// suite and the sequence number; up to TLS 1.2 the server's random is needed,
// which is gone.
const (
	midStreamSecrets = 8    // the youngest of the key log
	midStreamRecords = 8    // of the connection, both directions
	midStreamLength  = 1024 // bytes: longer records cost too much
	midStreamSeqs    = 4096 // records a direction may have had
)

const (
	noClientHello = "the ClientHello was not captured"
	noServerHello = "the ServerHello was not captured"
)

// joinMidStream tries to find the place of a record without the hello that
// reason says is missing. If it reports true, the record is the direction's next.
func (c *Conn) joinMidStream(d *direction, r *record, reason string) bool {
	c.fail(MidStream, reason)
	if c.fatal != MidStream || c.keys == nil || c.trials >= midStreamRecords {
		return false
	}
	c.trials++
	if r.version != versionTLS12 || len(r.payload) > midStreamLength {
		return false
	}
	c.scratch.buf = grow(c.scratch.buf[:0], len(r.payload))
	randoms := c.keys.recent(midStreamSecrets)
	if c.hs != nil && c.hs.haveClient {
		randoms = []clientRandom{c.hs.clientRandom}
	}
	for _, random := range randoms {
		for i := range suiteTable {
			s := &suiteTable[i]
			if s.tls13 && s.protect != unsupported && c.fits(d, r, s, random) {
				return true
			}
		}
	}
	return false
}

// fits tries one connection's secrets with one cipher suite, and takes the
// connection to be that one if they open the record.
func (c *Conn) fits(d *direction, r *record, s *suite, random clientRandom) bool {
	secret := c.keys.secret(d.trafficLabel(epochTraffic), random, s.prf().Size())
	if secret == nil || c.hs != nil && c.hs.suite != nil && c.hs.suite != s {
		return false
	}
	o, err := newOpener13(s, secret)
	if err != nil {
		return false
	}
	_, seq, ok := c.search(o, *r, 0, 0, midStreamSeqs)
	if !ok {
		return false
	}
	c.fatal, c.reason = Handshaking, ""
	c.hs = &handshake{clientRandom: random, haveClient: true, haveServer: true, version: versionTLS13, suite: s}
	c.info.Version, c.info.CipherSuite = versionName(versionTLS13), s.name
	for i := range c.dirs {
		c.dirs[i].start(c.hs, epochTraffic)
		c.dirs[i].loss = loss{bytes: -1, max: unknownRecords}
	}
	d.open, d.secret = o, secret
	d.loss = loss{bytes: -1, min: int64(seq), max: int64(seq)}
	r.before = loss{}
	return true
}
