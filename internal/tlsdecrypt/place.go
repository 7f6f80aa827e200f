package tlsdecrypt

import "encoding/hex"

// Place says where the two directions of a connection stand, so that another Conn can
// go on from there. It holds no secret: those are in a key log.
type Place struct {
	Version        uint16    `json:"version"`
	Suite          uint16    `json:"suite"`
	ClientRandom   string    `json:"client_random"` // in hex
	ServerRandom   string    `json:"server_random"`
	EncryptThenMAC bool      `json:"encrypt_then_mac,omitempty"`
	Epochs         [2]int    `json:"epochs"`
	Sequence       [2]uint64 `json:"sequence"` // numbers of the next records
	Inside         [2]bool   `json:"inside"`   // part of that record has come
}

// maxUpdates bounds the changes of keys that are followed from the first traffic
// secret; programs ask for one after gigabytes.
const maxUpdates = 4096

// Place returns where the connection stands; ok is false where it is not being
// decrypted, or where the records of the suite cannot be read from the middle.
func (c *Conn) Place() (p Place, ok bool) {
	hs := c.hs
	if c.fatal != Handshaking || c.blocked || hs == nil || !hs.haveClient || hs.suite == nil {
		return p, false
	}
	if hs.suite.protect == cbc && hs.version < versionTLS11 {
		return p, false // its records are chained
	}
	p = Place{
		Version: hs.version, Suite: hs.suite.id, EncryptThenMAC: hs.encryptThenMAC,
		ClientRandom: hex.EncodeToString(hs.clientRandom[:]), ServerRandom: hex.EncodeToString(hs.serverRandom[:]),
	}
	for i := range c.dirs {
		d := &c.dirs[i]
		if d.hs != hs || d.open == nil || d.dead || !d.carriesData() || d.loss.any() {
			return p, false
		}
		p.Epochs[i], p.Sequence[i] = d.epoch, d.seq
		f := &d.framer
		p.Inside[i] = f.off < len(f.buf) || f.skip > 0 || f.hunting
	}
	return p, true
}

// Resume makes a new connection go on from a place. It does nothing where the place
// makes no sense, as in a capture that somebody else made.
func (c *Conn) Resume(p Place) {
	s := suiteByID(p.Suite)
	hs := &handshake{
		haveClient: true, haveServer: true, certified: true,
		version: p.Version, suite: s, encryptThenMAC: p.EncryptThenMAC,
	}
	if !decodeRandom(&hs.clientRandom, p.ClientRandom) || !decodeRandom(&hs.serverRandom, p.ServerRandom) ||
		s.protect == unsupported || s.tls13 != hs.tls13() || hs.version < versionTLS10 || hs.version > versionTLS13 {
		return
	}
	for i := range c.dirs {
		if e := p.Epochs[i]; e < epochHandshake || e > epochTraffic+maxUpdates || hs.tls13() && e < epochTraffic {
			return
		}
	}
	c.hs = hs
	c.info.Version, c.info.CipherSuite = versionName(hs.version), s.name
	for i := range c.dirs {
		c.resumeDirection(&c.dirs[i], p)
	}
}

func (c *Conn) resumeDirection(d *direction, p Place) {
	d.start(c.hs, p.Epochs[d.index])
	d.seq, d.proven = p.Sequence[d.index], true
	d.framer.seen = true
	if c.hs.tls13() && d.epoch > epochTraffic && c.keys != nil {
		d.secret = c.keys.secret(d.trafficLabel(epochTraffic), c.hs.clientRandom, c.hs.suite.prf().Size())
		for e := epochTraffic; e < d.epoch && d.secret != nil; e++ {
			d.secret, _ = nextTrafficSecret(c.hs.suite, d.secret)
		}
		if d.secret != nil {
			d.open, _ = newOpener13(c.hs.suite, d.secret)
		}
	}
	if p.Inside[d.index] {
		d.framer.gap(-1)
	}
}

func decodeRandom(r *clientRandom, digits string) bool {
	if len(digits) != hex.EncodedLen(len(r)) {
		return false
	}
	_, err := hex.Decode(r[:], []byte(digits))
	return err == nil
}

// Secrets returns the secrets that the connection is decrypted with, as lines of a key
// log; nil where there are none.
func (c *Conn) Secrets() []byte {
	if c.keys == nil || c.hs == nil || !c.opened {
		return nil
	}
	c.keys.mu.RLock()
	defer c.keys.mu.RUnlock()
	return c.keys.lines([]clientRandom{c.hs.clientRandom})
}
