package messages

import "strconv"

// ProtocolVersion is a version of the protocol: the major number in the upper
// 16 bits, the minor one in the lower.
type ProtocolVersion uint32

// Major returns the upper half of the version.
func (p ProtocolVersion) Major() int { return int(p >> 16) }

// Minor returns the lower half of the version.
func (p ProtocolVersion) Minor() int { return int(p & 0xffff) }

// String returns the version as "3.0".
func (p ProtocolVersion) String() string { return string(p.text()) }

// Texts of the versions that occur, so that showing them allocates nothing.
var (
	textVersion20 = []byte("2.0")
	textVersion30 = []byte("3.0")
	textVersion32 = []byte("3.2")
)

// text returns the version as "3.0". It may be shared: not to be changed.
func (p ProtocolVersion) text() []byte {
	switch p {
	case 2 << 16:
		return textVersion20
	case Version30:
		return textVersion30
	case Version32:
		return textVersion32
	}
	b := strconv.AppendInt(make([]byte, 0, 11), int64(p.Major()), 10)
	b = append(b, '.')
	return strconv.AppendInt(b, int64(p.Minor()), 10)
}

// find returns the value of the first pair of that name, nil if there is none.
func find(pairs []Pair, name string) []byte {
	for i := range pairs {
		if string(pairs[i].Name) == name {
			return pairs[i].Value
		}
	}
	return nil
}

// StartupMessage opens a session (manual: "StartupMessage (F)"). It has no type
// byte.
type StartupMessage struct {
	Version ProtocolVersion // 0 stands for 3.0 where it is sent
	// Parameters holds the names and values in wire order, as sent: a name may
	// occur twice. Borrowed from the body.
	Parameters []Pair

	zero bool // Version was 0 on the wire
}

func (*StartupMessage) Kind() Kind { return KindStartupMessage }

func (m *StartupMessage) Decode(body []byte) error {
	c := cursor{body: body}
	m.Version = ProtocolVersion(c.uint32("protocol_version"))
	m.zero = !c.failed() && m.Version == 0 // scanners ask for that
	if !c.failed() && (m.Version.Major() == 2 || isRequestCode(uint32(m.Version))) {
		c.off = 0
		c.fail("protocol_version", reasonCode)
	}
	m.Parameters = c.pairs("parameters", m.Parameters[:0])
	return c.end(KindStartupMessage)
}

func (m *StartupMessage) Append(dst []byte) []byte {
	dst, at := beginUntyped(dst)
	dst = appendUint32(dst, uint32(m.version()))
	for i := range m.Parameters {
		dst = appendCString(dst, m.Parameters[i].Name)
		dst = appendCString(dst, m.Parameters[i].Value)
	}
	return finish(append(dst, 0), at)
}

// version is what is sent.
func (m *StartupMessage) version() ProtocolVersion {
	if m.Version == 0 && !m.zero {
		return Version30
	}
	return m.Version
}

func (m *StartupMessage) Visit(v Visitor) {
	v.Text("protocol_version", m.version().text())
	v.Pairs("parameters", m.Parameters)
}

// Parameter returns the value of a startup parameter, such as "user", nil if it
// was not sent. It is borrowed from the body.
func (m *StartupMessage) Parameter(name string) []byte { return find(m.Parameters, name) }

// SSLRequest asks for TLS (manual: "SSLRequest (F)"); the answer is SSLResponse.
type SSLRequest struct{}

func (*SSLRequest) Kind() Kind { return KindSSLRequest }

func (*SSLRequest) Decode(body []byte) error {
	c := cursor{body: body}
	c.code(CodeSSLRequest)
	return c.end(KindSSLRequest)
}

func (*SSLRequest) Append(dst []byte) []byte {
	dst, at := beginUntyped(dst)
	return finish(appendUint32(dst, CodeSSLRequest), at)
}

func (*SSLRequest) Visit(Visitor) {}

// GSSENCRequest asks for GSSAPI encryption (manual: "GSSENCRequest (F)"); the
// answer is GSSENCResponse.
type GSSENCRequest struct{}

func (*GSSENCRequest) Kind() Kind { return KindGSSENCRequest }

func (*GSSENCRequest) Decode(body []byte) error {
	c := cursor{body: body}
	c.code(CodeGSSENCRequest)
	return c.end(KindGSSENCRequest)
}

func (*GSSENCRequest) Append(dst []byte) []byte {
	dst, at := beginUntyped(dst)
	return finish(appendUint32(dst, CodeGSSENCRequest), at)
}

func (*GSSENCRequest) Visit(Visitor) {}

// SSLResponse is the one byte that answers SSLRequest: 'S' or 'N' (manual:
// "SSL Session Encryption"). A server may answer with ErrorResponse instead.
type SSLResponse struct {
	Accepted bool
}

func (*SSLResponse) Kind() Kind { return KindSSLResponse }

func (m *SSLResponse) Decode(body []byte) error {
	accepted, err := decodeAnswer(KindSSLResponse, body, 'S')
	m.Accepted = accepted
	return err
}

func (m *SSLResponse) Append(dst []byte) []byte {
	return appendAnswer(dst, m.Accepted, 'S')
}

func (m *SSLResponse) Visit(v Visitor) {
	v.Bool("accepted", m.Accepted)
}

// GSSENCResponse is the one byte that answers GSSENCRequest: 'G' or 'N' (manual:
// "GSSAPI Session Encryption"). A server may answer with ErrorResponse instead.
type GSSENCResponse struct {
	Accepted bool
}

func (*GSSENCResponse) Kind() Kind { return KindGSSENCResponse }

func (m *GSSENCResponse) Decode(body []byte) error {
	accepted, err := decodeAnswer(KindGSSENCResponse, body, 'G')
	m.Accepted = accepted
	return err
}

func (m *GSSENCResponse) Append(dst []byte) []byte {
	return appendAnswer(dst, m.Accepted, 'G')
}

func (m *GSSENCResponse) Visit(v Visitor) {
	v.Bool("accepted", m.Accepted)
}

func decodeAnswer(k Kind, body []byte, yes byte) (accepted bool, err error) {
	c := cursor{body: body}
	b := c.byte1("accepted")
	if !c.failed() && b != yes && b != 'N' {
		c.off = 0
		c.fail("accepted", reasonByte)
	}
	return b == yes, c.end(k)
}

func appendAnswer(dst []byte, accepted bool, yes byte) []byte {
	if accepted {
		return append(dst, yes)
	}
	return append(dst, 'N')
}

// NegotiateProtocolVersion tells what of the frontend's StartupMessage the
// backend does not support (manual: "NegotiateProtocolVersion (B)").
type NegotiateProtocolVersion struct {
	// Newest is the newest version that the backend supports, as sent: the
	// manual of old said the minor number alone, servers send the full version.
	Newest uint32
	// Unsupported lists the protocol options not recognised. Borrowed from the
	// body.
	Unsupported [][]byte
}

func (*NegotiateProtocolVersion) Kind() Kind { return KindNegotiateProtocolVersion }

func (m *NegotiateProtocolVersion) Decode(body []byte) error {
	c := cursor{body: body}
	m.Newest = c.uint32("newest_version")
	m.Unsupported = m.Unsupported[:0]
	n := c.uint32("unsupported_options")
	if n > maxNames {
		c.off -= 4
		c.fail("unsupported_options", reasonMany)
	}
	for ; n > 0 && !c.failed(); n-- {
		if s := c.cstring("unsupported_options"); !c.failed() {
			m.Unsupported = append(m.Unsupported, s)
		}
	}
	return c.end(KindNegotiateProtocolVersion)
}

func (m *NegotiateProtocolVersion) Append(dst []byte) []byte {
	dst, at := begin(dst, KindNegotiateProtocolVersion)
	dst = appendUint32(dst, m.Newest)
	dst = appendUint32(dst, uint32(len(m.Unsupported)))
	for _, s := range m.Unsupported {
		dst = appendCString(dst, s)
	}
	return finish(dst, at)
}

func (m *NegotiateProtocolVersion) Visit(v Visitor) {
	v.Text("newest_version", m.Version().text())
	v.Texts("unsupported_options", m.Unsupported)
}

// Version returns the newest supported version in full, whichever of the two
// forms was sent.
func (m *NegotiateProtocolVersion) Version() ProtocolVersion {
	if m.Newest>>16 == 0 {
		return ProtocolVersion(3<<16 | m.Newest)
	}
	return ProtocolVersion(m.Newest)
}

// ParameterStatus reports a run-time parameter, at startup and whenever it
// changes (manual: "ParameterStatus (B)"). The value may be empty.
type ParameterStatus struct {
	Name, Value []byte // borrowed from the body
}

func (*ParameterStatus) Kind() Kind { return KindParameterStatus }

func (m *ParameterStatus) Decode(body []byte) error {
	c := cursor{body: body}
	m.Name = c.cstring("name")
	m.Value = c.cstring("value")
	return c.end(KindParameterStatus)
}

func (m *ParameterStatus) Append(dst []byte) []byte {
	dst, at := begin(dst, KindParameterStatus)
	dst = appendCString(dst, m.Name)
	return finish(appendCString(dst, m.Value), at)
}

func (m *ParameterStatus) Visit(v Visitor) {
	v.Text("name", m.Name)
	v.Text("value", m.Value)
}
