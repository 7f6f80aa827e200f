package tlsdecrypt

// handshake is what the hellos of one handshake agreed on.
type handshake struct {
	clientRandom, serverRandom clientRandom
	haveClient, haveServer     bool

	version        uint16
	suite          *suite
	encryptThenMAC bool
	earlyData      bool // offered
	certified      bool // the server went through a full handshake (before TLS 1.3)

	offeredID, sessionID     sessionKey // of the client, of the server
	offeredTicket, newTicket sessionKey
}

func (h *handshake) tls13() bool { return h.version >= versionTLS13 }

// message reads a handshake message; body is nil where it was too long.
func (c *Conn) message(d *direction, typ byte, body []byte) {
	if d.advance {
		return // nothing follows a change of keys in its record
	}
	fromServer := d.index == toClient
	tls13 := d.hs != nil && d.hs.tls13()
	switch typ {
	case msgClientHello:
		if !fromServer && !tls13 {
			c.clientHello(body)
		}
	case msgServerHello:
		if fromServer && !tls13 {
			c.serverHello(body)
		}
	case msgNewSessionTicket:
		if fromServer && !tls13 && c.hs != nil {
			c.hs.newTicket = sessionKeyOf(parseNewSessionTicket(body))
		}
	case msgEncryptedExtensions:
		if fromServer && tls13 {
			var early bool
			c.info.ALPN, early = parseEncryptedExtensions(body)
			c.info.EarlyDataAccepted = early && d.hs.earlyData
		}
	case msgCertificate:
		c.certificate(d.index, parseCertificate(body, tls13))
		c.fullHandshake(fromServer)
	case msgServerHelloDone:
		c.fullHandshake(fromServer)
	case msgFinished:
		d.advance = tls13 && d.epoch == epochHandshake
	case msgKeyUpdate:
		d.advance = tls13 && d.epoch >= epochTraffic
	}
}

// fullHandshake notes that the server did not resume a session.
func (c *Conn) fullHandshake(fromServer bool) {
	if fromServer && c.hs != nil && !c.hs.certified {
		c.hs.certified = true
	}
}

func (c *Conn) clientHello(body []byte) {
	h, ok := parseClientHello(body)
	if !ok {
		return
	}
	c.hs = &handshake{
		clientRandom: h.random, haveClient: true, earlyData: h.earlyData,
		offeredID: sessionKeyOf(h.sessionID), offeredTicket: sessionKeyOf(h.ticket),
	}
	if h.serverName != "" {
		c.info.ServerName = h.serverName
	}
	c.info.OfferedALPN = h.alpn
}

func (c *Conn) serverHello(body []byte) {
	h, ok := parseServerHello(body)
	if !ok {
		return
	}
	if c.hs == nil {
		c.hs = new(handshake)
	}
	if h.retry() {
		c.info.HelloRetry = true
		return
	}
	hs := c.hs
	hs.haveServer, hs.serverRandom, hs.version = true, h.random, h.version
	hs.suite, hs.encryptThenMAC = suiteByID(h.suite), h.encryptThenMAC
	hs.sessionID = sessionKeyOf(h.sessionID)
	c.info.Version, c.info.CipherSuite = versionName(hs.version), hs.suite.name
	c.info.EncryptThenMAC = hs.encryptThenMAC && hs.suite.protect == cbc
	if h.alpn != "" {
		c.info.ALPN = h.alpn
	}
	c.agreed(h)
}

// agreed begins protection in TLS 1.3, or finds that it cannot be removed.
func (c *Conn) agreed(h serverHello) {
	hs := c.hs
	switch {
	case hs.version < versionTLS10 || hs.version > versionTLS13:
		c.fail(Unsupported, "version "+versionName(hs.version)+" is not supported")
	case h.compressed:
		c.fail(Unsupported, "TLS compression is not supported")
	case hs.suite.protect == unsupported || hs.suite.tls13 != hs.tls13():
		c.fail(Unsupported, "cipher suite "+hs.suite.name+" is not supported")
	case !hs.tls13():
		return
	}
	c.info.Resumed = h.preSharedKey
	if hs.haveClient && hs.tls13() {
		for i := range c.dirs {
			c.dirs[i].start(hs, epochHandshake)
		}
	}
}
