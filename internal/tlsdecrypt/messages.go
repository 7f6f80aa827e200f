package tlsdecrypt

// Handshake message types (RFC 8446 section 4, RFC 5246 section 7.4).
const (
	msgClientHello         = 1
	msgServerHello         = 2
	msgNewSessionTicket    = 4
	msgEncryptedExtensions = 8
	msgCertificate         = 11
	msgServerHelloDone     = 14
	msgFinished            = 20
	msgKeyUpdate           = 24
)

const (
	messageHeaderLen = 4
	// maxMessage is the longest handshake message, in bytes, that is put
	// together; chains of certificates beyond it do not occur with PostgreSQL.
	maxMessage = 1 << 17
)

// messageReader puts one direction's handshake messages together, which may
// span records and share them. The zero value is at a message's beginning.
type messageReader struct {
	head []byte // of the message that is not complete, header included
	skip int    // bytes of a message that nobody wants, still to come
}

// wanted reports whether anything is read from messages of the type.
func wanted(typ byte) bool {
	switch typ {
	case msgClientHello, msgServerHello, msgNewSessionTicket, msgEncryptedExtensions,
		msgCertificate, msgServerHelloDone, msgFinished, msgKeyUpdate:
		return true
	}
	return false
}

// reset forgets what is incomplete.
func (m *messageReader) reset() { m.head, m.skip = nil, 0 }

// feed calls emit for every message that b completes. The body is borrowed for
// the call; that of a message too long is nil.
func (m *messageReader) feed(b []byte, emit func(typ byte, body []byte)) {
	for len(b) > 0 {
		if m.skip > 0 {
			n := min(m.skip, len(b))
			m.skip, b = m.skip-n, b[n:]
			continue
		}
		whole := messageHeaderLen
		if len(m.head) >= messageHeaderLen {
			whole += messageLen(m.head)
		} else if len(m.head) == 0 && len(b) >= messageHeaderLen {
			if whole += messageLen(b); len(b) >= whole { // the usual case: nothing to keep
				if wanted(b[0]) {
					emit(b[0], b[messageHeaderLen:whole])
				}
				b = b[whole:]
				continue
			}
			whole = messageHeaderLen
		}
		n := min(whole-len(m.head), len(b))
		m.head, b = append(m.head, b[:n]...), b[n:]
		m.complete(emit)
	}
}

// complete looks at head, which has just grown.
func (m *messageReader) complete(emit func(typ byte, body []byte)) {
	if len(m.head) < messageHeaderLen {
		return
	}
	typ, n := m.head[0], messageLen(m.head)
	switch {
	case len(m.head) == messageHeaderLen+n:
		body := m.head[messageHeaderLen:]
		m.head = nil
		if wanted(typ) {
			emit(typ, body)
		}
	case !wanted(typ):
		m.skip = n - (len(m.head) - messageHeaderLen)
		m.head = nil
	case n > maxMessage:
		m.skip = n - (len(m.head) - messageHeaderLen)
		m.head = nil
		emit(typ, nil)
	}
}

// messageLen is the length that a message's header gives its body.
func messageLen(b []byte) int { return int(b[1])<<16 | int(b[2])<<8 | int(b[3]) }
