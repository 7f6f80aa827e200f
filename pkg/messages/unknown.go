package messages

// Unknown is a message whose type the protocol does not define in its direction,
// or an 'R' message with a code that it does not define.
type Unknown struct {
	// Tag is the type byte. The body does not have it: who framed the message
	// sets it, and Decode leaves it alone. 0 stands for a startup packet with
	// an unknown code, which has no type byte.
	Tag  byte
	Body []byte // borrowed from the body
}

func (*Unknown) Kind() Kind { return KindUnknown }

func (m *Unknown) Decode(body []byte) error {
	m.Body = body[:len(body):len(body)]
	return nil
}

func (m *Unknown) Append(dst []byte) []byte {
	if m.Tag == 0 {
		dst, at := beginUntyped(dst)
		return finish(append(dst, m.Body...), at)
	}
	dst, at := begin(dst, KindUnknown)
	dst[at-1] = m.Tag
	return finish(append(dst, m.Body...), at)
}

func (m *Unknown) Visit(v Visitor) {
	v.Data("data", m.Body)
}
