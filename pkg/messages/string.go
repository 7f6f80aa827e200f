package messages

import (
	"encoding/hex"
	"strconv"
)

// maxPrinted bounds how much of a value String shows in bytes, and of a list in
// elements: it is for people who look at a log.
const maxPrinted = 128

// secret is what String shows in place of passwords, proofs, salts and keys.
const secret = "<redacted>"

// String methods show a message in one line of printable characters: its name and
// its fields, with the names of the JSON output. Secrets are not shown and long
// values are cut. Values that are text are quoted, others are in hexadecimal digits.

func (m *Unknown) String() string                         { return sentence(m) }
func (m *StartupMessage) String() string                  { return sentence(m) }
func (m *SSLRequest) String() string                      { return sentence(m) }
func (m *GSSENCRequest) String() string                   { return sentence(m) }
func (m *CancelRequest) String() string                   { return sentence(m) }
func (m *SSLResponse) String() string                     { return sentence(m) }
func (m *GSSENCResponse) String() string                  { return sentence(m) }
func (m *NegotiateProtocolVersion) String() string        { return sentence(m) }
func (m *BackendKeyData) String() string                  { return sentence(m) }
func (m *ParameterStatus) String() string                 { return sentence(m) }
func (m *StartupMessageV2) String() string                { return sentence(m) }
func (m *ErrorResponseV2) String() string                 { return sentence(m) }
func (m *AuthenticationOk) String() string                { return sentence(m) }
func (m *AuthenticationKerberosV5) String() string        { return sentence(m) }
func (m *AuthenticationCleartextPassword) String() string { return sentence(m) }
func (m *AuthenticationMD5Password) String() string       { return sentence(m) }
func (m *AuthenticationGSS) String() string               { return sentence(m) }
func (m *AuthenticationGSSContinue) String() string       { return sentence(m) }
func (m *AuthenticationSSPI) String() string              { return sentence(m) }
func (m *AuthenticationSASL) String() string              { return sentence(m) }
func (m *AuthenticationSASLContinue) String() string      { return sentence(m) }
func (m *AuthenticationSASLFinal) String() string         { return sentence(m) }
func (m *PasswordMessage) String() string                 { return sentence(m) }
func (m *SASLInitialResponse) String() string             { return sentence(m) }
func (m *SASLResponse) String() string                    { return sentence(m) }
func (m *GSSResponse) String() string                     { return sentence(m) }
func (m *Query) String() string                           { return sentence(m) }
func (m *RowDescription) String() string                  { return sentence(m) }
func (m *DataRow) String() string                         { return sentence(m) }
func (m *CommandComplete) String() string                 { return sentence(m) }
func (m *EmptyQueryResponse) String() string              { return sentence(m) }
func (m *ReadyForQuery) String() string                   { return sentence(m) }
func (m *Parse) String() string                           { return sentence(m) }
func (m *Bind) String() string                            { return sentence(m) }
func (m *Describe) String() string                        { return sentence(m) }
func (m *Execute) String() string                         { return sentence(m) }
func (m *Close) String() string                           { return sentence(m) }
func (m *Flush) String() string                           { return sentence(m) }
func (m *Sync) String() string                            { return sentence(m) }
func (m *ParseComplete) String() string                   { return sentence(m) }
func (m *BindComplete) String() string                    { return sentence(m) }
func (m *CloseComplete) String() string                   { return sentence(m) }
func (m *ParameterDescription) String() string            { return sentence(m) }
func (m *NoData) String() string                          { return sentence(m) }
func (m *PortalSuspended) String() string                 { return sentence(m) }
func (m *CopyData) String() string                        { return sentence(m) }
func (m *CopyDone) String() string                        { return sentence(m) }
func (m *CopyFail) String() string                        { return sentence(m) }
func (m *CopyInResponse) String() string                  { return sentence(m) }
func (m *CopyOutResponse) String() string                 { return sentence(m) }
func (m *CopyBothResponse) String() string                { return sentence(m) }
func (m *FunctionCall) String() string                    { return sentence(m) }
func (m *FunctionCallResponse) String() string            { return sentence(m) }
func (m *ErrorResponse) String() string                   { return sentence(m) }
func (m *NoticeResponse) String() string                  { return sentence(m) }
func (m *NotificationResponse) String() string            { return sentence(m) }
func (m *Terminate) String() string                       { return sentence(m) }

func sentence(m Message) string {
	p := printer(m.Kind().String())
	m.Visit(&p)
	return string(p)
}

// printer is the Visitor of String.
type printer []byte

func (p *printer) name(name string) {
	*p = append(*p, ' ')
	*p = append(*p, name...)
	*p = append(*p, '=')
}

func (p *printer) text(v []byte) {
	if v == nil {
		*p = append(*p, "NULL"...)
		return
	}
	*p = strconv.AppendQuote(*p, string(v[:min(len(v), maxPrinted)]))
	p.rest(len(v))
}

func (p *printer) hex(v []byte) {
	*p = append(*p, "0x"...)
	*p = hex.AppendEncode(*p, v[:min(len(v), maxPrinted/2)])
	if len(v) > maxPrinted/2 {
		p.cut(len(v), " bytes")
	}
}

// rest tells how long a value is of which only the beginning is shown.
func (p *printer) rest(n int) {
	if n > maxPrinted {
		p.cut(n, " bytes")
	}
}

func (p *printer) cut(n int, unit string) {
	*p = append(*p, "… of "...)
	*p = append(strconv.AppendInt(*p, int64(n), 10), unit...)
}

// list shows n elements by element.
func (p *printer) list(name string, n int, element func(i int)) {
	p.name(name)
	*p = append(*p, '[')
	for i := range min(n, maxPrinted) {
		if i > 0 {
			*p = append(*p, ' ')
		}
		element(i)
	}
	*p = append(*p, ']')
	if n > maxPrinted {
		p.cut(n, "")
	}
}

func (p *printer) int(v int64) { *p = strconv.AppendInt(*p, v, 10) }

func (p *printer) Int(name string, v int64) {
	p.name(name)
	p.int(v)
}

func (p *printer) Bool(name string, v bool) {
	p.name(name)
	*p = strconv.AppendBool(*p, v)
}

func (p *printer) Text(name string, v []byte) {
	p.name(name)
	if v == nil {
		v = []byte{} // no field that is text can be NULL
	}
	p.text(v)
}

func (p *printer) Value(name string, v []byte) {
	p.name(name)
	p.text(v)
}

func (p *printer) Data(name string, v []byte) { p.Text(name, v) }

func (p *printer) Hex(name string, v []byte) {
	p.name(name)
	p.hex(v)
}

func (p *printer) SecretText(name string, _ []byte) {
	p.name(name)
	*p = append(*p, secret...)
}

func (p *printer) SecretHex(name string, v []byte) { p.SecretText(name, v) }

func (p *printer) Texts(name string, v [][]byte) {
	p.list(name, len(v), func(i int) { p.text(v[i]) })
}

func (p *printer) Pairs(name string, v []Pair) {
	p.list(name, len(v), func(i int) {
		p.text(v[i].Name)
		*p = append(*p, '=')
		p.text(v[i].Value)
	})
}

func (p *printer) OIDs(name string, v []uint32) {
	p.list(name, len(v), func(i int) { p.int(int64(v[i])) })
}

func (p *printer) Formats(name string, v []int16) {
	p.list(name, len(v), func(i int) { p.int(int64(v[i])) })
}

func (p *printer) Values(name string, v Values, _ []int16) {
	p.list(name, len(v), func(i int) { p.text(v[i]) })
}

func (p *printer) Columns(name string, v []ColumnDescription) {
	p.list(name, len(v), func(i int) {
		p.text(v[i].Name)
		*p = append(*p, ':')
		p.int(int64(v[i].TypeOID))
	})
}
