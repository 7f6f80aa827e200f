package messages

// BackendKeyData gives the frontend what it must send to cancel a query (manual:
// "BackendKeyData (B)").
type BackendKeyData struct {
	ProcessID uint32
	// SecretKey has 4 bytes up to protocol 3.0 and 4 to 256 since 3.2. Borrowed
	// from the body.
	SecretKey []byte
}

func (*BackendKeyData) Kind() Kind { return KindBackendKeyData }

func (m *BackendKeyData) Decode(body []byte) error {
	c := cursor{body: body}
	m.ProcessID = c.uint32("process_id")
	m.SecretKey = c.key("secret_key")
	return c.end(KindBackendKeyData)
}

func (m *BackendKeyData) Append(dst []byte) []byte {
	dst, at := begin(dst, KindBackendKeyData)
	dst = appendUint32(dst, m.ProcessID)
	return finish(append(dst, m.SecretKey...), at)
}

func (m *BackendKeyData) Visit(v Visitor) {
	v.Int("process_id", int64(m.ProcessID))
	v.SecretHex("secret_key", m.SecretKey)
}

// CancelRequest asks, on a connection of its own, to cancel another session's
// query (manual: "CancelRequest (F)"). It has no type byte and no answer.
type CancelRequest struct {
	ProcessID uint32
	// SecretKey is the key of BackendKeyData, 4 to 256 bytes. Borrowed from the
	// body.
	SecretKey []byte
}

func (*CancelRequest) Kind() Kind { return KindCancelRequest }

func (m *CancelRequest) Decode(body []byte) error {
	c := cursor{body: body}
	c.code(CodeCancelRequest)
	m.ProcessID = c.uint32("process_id")
	m.SecretKey = c.key("secret_key")
	return c.end(KindCancelRequest)
}

func (m *CancelRequest) Append(dst []byte) []byte {
	dst, at := beginUntyped(dst)
	dst = appendUint32(dst, CodeCancelRequest)
	dst = appendUint32(dst, m.ProcessID)
	return finish(append(dst, m.SecretKey...), at)
}

func (m *CancelRequest) Visit(v Visitor) {
	v.Int("process_id", int64(m.ProcessID))
	v.SecretHex("secret_key", m.SecretKey)
}

// key reads the rest as a cancellation key. Of one that is too long, its first
// 256 bytes are the result.
func (c *cursor) key(field string) []byte {
	if c.failed() {
		return nil
	}
	if n := c.left(); n < minKey || n > maxKey {
		c.fail(field, reasonKey)
	}
	k := c.tail()
	n := min(len(k), maxKey)
	return k[:n:n]
}
