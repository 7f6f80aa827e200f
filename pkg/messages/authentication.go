package messages

// The codes that tell the messages of type 'R' apart.
const (
	codeOk                = 0
	codeKerberosV5        = 2
	codeCleartextPassword = 3
	codeMD5Password       = 5
	codeGSS               = 7
	codeGSSContinue       = 8
	codeSSPI              = 9
	codeSASL              = 10
	codeSASLContinue      = 11
	codeSASLFinal         = 12
)

// decodeCode decodes an 'R' message that has nothing but its code.
func decodeCode(k Kind, body []byte, code uint32) error {
	c := cursor{body: body}
	c.code(code)
	return c.end(k)
}

func appendCode(dst []byte, k Kind, code uint32) []byte {
	return appendCodeData(dst, k, code, nil)
}

// decodeCodeData decodes an 'R' message of a code and data up to its end.
func decodeCodeData(k Kind, body []byte, code uint32) ([]byte, error) {
	c := cursor{body: body}
	c.code(code)
	data := c.rest()
	return data, c.end(k)
}

func appendCodeData(dst []byte, k Kind, code uint32, data []byte) []byte {
	dst, at := begin(dst, k)
	dst = appendUint32(dst, code)
	return finish(append(dst, data...), at)
}

// AuthenticationOk tells that authentication succeeded (manual:
// "AuthenticationOk (B)").
type AuthenticationOk struct{}

func (*AuthenticationOk) Kind() Kind { return KindAuthenticationOk }

func (*AuthenticationOk) Decode(body []byte) error {
	return decodeCode(KindAuthenticationOk, body, codeOk)
}

func (*AuthenticationOk) Append(dst []byte) []byte {
	return appendCode(dst, KindAuthenticationOk, codeOk)
}

func (*AuthenticationOk) Visit(Visitor) {}

// AuthenticationKerberosV5 asks for Kerberos V5, which no server has supported
// since PostgreSQL 9.3 (manual: "AuthenticationKerberosV5 (B)").
type AuthenticationKerberosV5 struct{}

func (*AuthenticationKerberosV5) Kind() Kind { return KindAuthenticationKerberosV5 }

func (*AuthenticationKerberosV5) Decode(body []byte) error {
	return decodeCode(KindAuthenticationKerberosV5, body, codeKerberosV5)
}

func (*AuthenticationKerberosV5) Append(dst []byte) []byte {
	return appendCode(dst, KindAuthenticationKerberosV5, codeKerberosV5)
}

func (*AuthenticationKerberosV5) Visit(Visitor) {}

// AuthenticationCleartextPassword asks for the password as it is (manual:
// "AuthenticationCleartextPassword (B)").
type AuthenticationCleartextPassword struct{}

func (*AuthenticationCleartextPassword) Kind() Kind { return KindAuthenticationCleartextPassword }

func (*AuthenticationCleartextPassword) Decode(body []byte) error {
	return decodeCode(KindAuthenticationCleartextPassword, body, codeCleartextPassword)
}

func (*AuthenticationCleartextPassword) Append(dst []byte) []byte {
	return appendCode(dst, KindAuthenticationCleartextPassword, codeCleartextPassword)
}

func (*AuthenticationCleartextPassword) Visit(Visitor) {}

// AuthenticationGSS asks for GSSAPI authentication (manual:
// "AuthenticationGSS (B)").
type AuthenticationGSS struct{}

func (*AuthenticationGSS) Kind() Kind { return KindAuthenticationGSS }

func (*AuthenticationGSS) Decode(body []byte) error {
	return decodeCode(KindAuthenticationGSS, body, codeGSS)
}

func (*AuthenticationGSS) Append(dst []byte) []byte {
	return appendCode(dst, KindAuthenticationGSS, codeGSS)
}

func (*AuthenticationGSS) Visit(Visitor) {}

// AuthenticationSSPI asks for SSPI authentication (manual:
// "AuthenticationSSPI (B)").
type AuthenticationSSPI struct{}

func (*AuthenticationSSPI) Kind() Kind { return KindAuthenticationSSPI }

func (*AuthenticationSSPI) Decode(body []byte) error {
	return decodeCode(KindAuthenticationSSPI, body, codeSSPI)
}

func (*AuthenticationSSPI) Append(dst []byte) []byte {
	return appendCode(dst, KindAuthenticationSSPI, codeSSPI)
}

func (*AuthenticationSSPI) Visit(Visitor) {}

// AuthenticationMD5Password asks for the MD5 hash of the password, salted
// (manual: "AuthenticationMD5Password (B)").
type AuthenticationMD5Password struct {
	Salt [4]byte
}

func (*AuthenticationMD5Password) Kind() Kind { return KindAuthenticationMD5Password }

func (m *AuthenticationMD5Password) Decode(body []byte) error {
	c := cursor{body: body}
	c.code(codeMD5Password)
	m.Salt = [4]byte{}
	if c.has("salt", len(m.Salt)) {
		c.off += copy(m.Salt[:], c.body[c.off:])
	}
	return c.end(KindAuthenticationMD5Password)
}

func (m *AuthenticationMD5Password) Append(dst []byte) []byte {
	return appendCodeData(dst, KindAuthenticationMD5Password, codeMD5Password, m.Salt[:])
}

func (m *AuthenticationMD5Password) Visit(v Visitor) {
	v.SecretHex("salt", m.Salt[:])
}

// AuthenticationGSSContinue carries GSSAPI or SSPI data (manual:
// "AuthenticationGSSContinue (B)").
type AuthenticationGSSContinue struct {
	Data []byte // borrowed from the body
}

func (*AuthenticationGSSContinue) Kind() Kind { return KindAuthenticationGSSContinue }

func (m *AuthenticationGSSContinue) Decode(body []byte) error {
	data, err := decodeCodeData(KindAuthenticationGSSContinue, body, codeGSSContinue)
	m.Data = data
	return err
}

func (m *AuthenticationGSSContinue) Append(dst []byte) []byte {
	return appendCodeData(dst, KindAuthenticationGSSContinue, codeGSSContinue, m.Data)
}

func (m *AuthenticationGSSContinue) Visit(v Visitor) {
	v.SecretHex("data", m.Data)
}

// AuthenticationSASL asks for SASL authentication by one of the mechanisms it
// lists, in the order of preference (manual: "AuthenticationSASL (B)").
type AuthenticationSASL struct {
	Mechanisms [][]byte // borrowed from the body
}

func (*AuthenticationSASL) Kind() Kind { return KindAuthenticationSASL }

func (m *AuthenticationSASL) Decode(body []byte) error {
	c := cursor{body: body}
	c.code(codeSASL)
	m.Mechanisms = m.Mechanisms[:0]
	for !c.failed() {
		s := c.cstring("mechanisms")
		if c.failed() || len(s) == 0 { // an empty name ends the list
			break
		}
		if len(m.Mechanisms) == maxNames {
			c.fail("mechanisms", reasonMany)
			break
		}
		m.Mechanisms = append(m.Mechanisms, s)
	}
	return c.end(KindAuthenticationSASL)
}

func (m *AuthenticationSASL) Append(dst []byte) []byte {
	dst, at := begin(dst, KindAuthenticationSASL)
	dst = appendUint32(dst, codeSASL)
	for _, s := range m.Mechanisms {
		dst = appendCString(dst, s)
	}
	return finish(append(dst, 0), at)
}

func (m *AuthenticationSASL) Visit(v Visitor) {
	v.Texts("mechanisms", m.Mechanisms)
}

// AuthenticationSASLContinue carries a SASL challenge; SCRAM's has the salt
// (manual: "AuthenticationSASLContinue (B)").
type AuthenticationSASLContinue struct {
	Data []byte // borrowed from the body
}

func (*AuthenticationSASLContinue) Kind() Kind { return KindAuthenticationSASLContinue }

func (m *AuthenticationSASLContinue) Decode(body []byte) error {
	data, err := decodeCodeData(KindAuthenticationSASLContinue, body, codeSASLContinue)
	m.Data = data
	return err
}

func (m *AuthenticationSASLContinue) Append(dst []byte) []byte {
	return appendCodeData(dst, KindAuthenticationSASLContinue, codeSASLContinue, m.Data)
}

func (m *AuthenticationSASLContinue) Visit(v Visitor) {
	v.SecretText("data", m.Data)
}

// AuthenticationSASLFinal carries the outcome of SASL authentication; SCRAM's is
// the server's signature (manual: "AuthenticationSASLFinal (B)").
type AuthenticationSASLFinal struct {
	Data []byte // borrowed from the body
}

func (*AuthenticationSASLFinal) Kind() Kind { return KindAuthenticationSASLFinal }

func (m *AuthenticationSASLFinal) Decode(body []byte) error {
	data, err := decodeCodeData(KindAuthenticationSASLFinal, body, codeSASLFinal)
	m.Data = data
	return err
}

func (m *AuthenticationSASLFinal) Append(dst []byte) []byte {
	return appendCodeData(dst, KindAuthenticationSASLFinal, codeSASLFinal, m.Data)
}

func (m *AuthenticationSASLFinal) Visit(v Visitor) {
	v.SecretText("data", m.Data)
}
