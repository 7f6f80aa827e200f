package messages

import "bytes"

// PasswordMessage is the answer to AuthenticationCleartextPassword and
// AuthenticationMD5Password (manual: "PasswordMessage (F)").
type PasswordMessage struct {
	Password []byte // as it is, or "md5" and 32 hex digits; borrowed from the body
}

func (*PasswordMessage) Kind() Kind { return KindPasswordMessage }

func (m *PasswordMessage) Decode(body []byte) error {
	c := cursor{body: body}
	m.Password = c.cstring("password")
	return c.end(KindPasswordMessage)
}

func (m *PasswordMessage) Append(dst []byte) []byte {
	return appendString(dst, KindPasswordMessage, m.Password)
}

func (m *PasswordMessage) Visit(v Visitor) {
	v.SecretText("password", m.Password)
}

// SASLInitialResponse chooses a SASL mechanism (manual:
// "SASLInitialResponse (F)").
type SASLInitialResponse struct {
	Mechanism []byte // borrowed from the body
	// Data is the initial response, nil if there is none; that is not the same
	// as an empty one. Borrowed from the body.
	Data []byte
}

func (*SASLInitialResponse) Kind() Kind { return KindSASLInitialResponse }

func (m *SASLInitialResponse) Decode(body []byte) error {
	c := cursor{body: body}
	m.Mechanism = c.cstring("mechanism")
	m.Data = c.value("data")
	return c.end(KindSASLInitialResponse)
}

func (m *SASLInitialResponse) Append(dst []byte) []byte {
	dst, at := begin(dst, KindSASLInitialResponse)
	dst = appendCString(dst, m.Mechanism)
	return finish(appendValue(dst, m.Data), at)
}

func (m *SASLInitialResponse) Visit(v Visitor) {
	v.Text("mechanism", m.Mechanism)
	switch {
	case m.Data == nil:
	case bytes.HasPrefix(m.Mechanism, scramPrefix):
		v.Text("data", m.Data) // user name and nonce
	default:
		v.SecretText("data", m.Data) // OAUTHBEARER: the token itself
	}
}

// scramPrefix begins the names of the mechanisms whose first message from the
// frontend has nothing to hide (RFC 5802).
var scramPrefix = []byte("SCRAM-")

// SASLResponse carries SASL data; SCRAM's has the client's proof (manual:
// "SASLResponse (F)").
type SASLResponse struct {
	Data []byte // borrowed from the body
}

func (*SASLResponse) Kind() Kind { return KindSASLResponse }

func (m *SASLResponse) Decode(body []byte) error {
	m.Data = body[:len(body):len(body)]
	return nil
}

func (m *SASLResponse) Append(dst []byte) []byte {
	return appendBytes(dst, KindSASLResponse, m.Data)
}

func (m *SASLResponse) Visit(v Visitor) {
	v.SecretText("data", m.Data)
}

// GSSResponse carries GSSAPI or SSPI data (manual: "GSSResponse (F)").
type GSSResponse struct {
	Data []byte // borrowed from the body
}

func (*GSSResponse) Kind() Kind { return KindGSSResponse }

func (m *GSSResponse) Decode(body []byte) error {
	m.Data = body[:len(body):len(body)]
	return nil
}

func (m *GSSResponse) Append(dst []byte) []byte {
	return appendBytes(dst, KindGSSResponse, m.Data)
}

func (m *GSSResponse) Visit(v Visitor) {
	v.SecretHex("data", m.Data)
}
