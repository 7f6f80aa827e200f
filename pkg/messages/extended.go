package messages

// Parse makes a prepared statement (manual: "Parse (F)").
type Parse struct {
	Statement     []byte   // name, empty for the unnamed statement; borrowed from the body
	SQL           []byte   // borrowed from the body
	ParameterOIDs []uint32 // types as far as the frontend states them; 0 leaves one open
}

func (*Parse) Kind() Kind { return KindParse }

func (m *Parse) Decode(body []byte) error {
	c := cursor{body: body}
	m.Statement = c.cstring("statement")
	m.SQL = c.cstring("query")
	m.ParameterOIDs = c.oids("parameter_oids", m.ParameterOIDs[:0])
	return c.end(KindParse)
}

func (m *Parse) Append(dst []byte) []byte {
	dst, at := begin(dst, KindParse)
	dst = appendCString(dst, m.Statement)
	dst = appendCString(dst, m.SQL)
	return finish(appendOIDs(dst, m.ParameterOIDs), at)
}

func (m *Parse) Visit(v Visitor) {
	v.Text("statement", m.Statement)
	v.Text("query", m.SQL)
	v.OIDs("parameter_oids", m.ParameterOIDs)
}

// Bind makes a portal of a prepared statement and values (manual: "Bind (F)").
type Bind struct {
	Portal    []byte // name, empty for the unnamed portal; borrowed from the body
	Statement []byte // name, empty for the unnamed statement; borrowed from the body
	// ParameterFormats holds 0 (text) or 1 (binary): none stands for text, one
	// for all parameters, else one for each. ResultFormats likewise.
	ParameterFormats []int16
	Parameters       Values // borrowed from the body
	ResultFormats    []int16
}

func (*Bind) Kind() Kind { return KindBind }

func (m *Bind) Decode(body []byte) error {
	c := cursor{body: body}
	m.Portal = c.cstring("portal")
	m.Statement = c.cstring("statement")
	m.ParameterFormats = c.formats("parameter_formats", m.ParameterFormats[:0])
	m.Parameters = c.values("parameters", m.Parameters[:0])
	m.ResultFormats = c.formats("result_formats", m.ResultFormats[:0])
	return c.end(KindBind)
}

func (m *Bind) Append(dst []byte) []byte {
	dst, at := begin(dst, KindBind)
	dst = appendCString(dst, m.Portal)
	dst = appendCString(dst, m.Statement)
	dst = appendFormats(dst, m.ParameterFormats)
	dst = appendValues(dst, m.Parameters)
	return finish(appendFormats(dst, m.ResultFormats), at)
}

func (m *Bind) Visit(v Visitor) {
	v.Text("portal", m.Portal)
	v.Text("statement", m.Statement)
	v.Formats("parameter_formats", m.ParameterFormats)
	v.Values("parameters", m.Parameters, stated(m.ParameterFormats))
	v.Formats("result_formats", m.ResultFormats)
}

// Target tells what Describe and Close speak of.
type Target byte

// The targets of Describe and Close, as on the wire.
const (
	TargetStatement Target = 'S'
	TargetPortal    Target = 'P'
)

var (
	textStatement = []byte("statement")
	textPortal    = []byte("portal")
)

func (t Target) valid() bool { return t == TargetStatement || t == TargetPortal }

func (t Target) String() string { return string(t.text()) }

// text returns the name of the target. It is shared: not to be changed.
func (t Target) text() []byte {
	switch t {
	case TargetStatement:
		return textStatement
	case TargetPortal:
		return textPortal
	}
	return byteText(byte(t))
}

func decodeTarget(k Kind, body []byte) (t Target, name []byte, err error) {
	c := cursor{body: body}
	t = Target(c.byte1("kind"))
	if !c.failed() && !t.valid() {
		c.off = 0
		c.fail("kind", reasonByte)
	}
	name = c.cstring("name")
	return t, name, c.end(k)
}

func appendTarget(dst []byte, k Kind, t Target, name []byte) []byte {
	dst, at := begin(dst, k)
	return finish(appendCString(append(dst, byte(t)), name), at)
}

// Describe asks for the description of a prepared statement or portal (manual:
// "Describe (F)"). The zero value cannot be sent, since it has no Target: Encodable
// refuses it.
type Describe struct {
	Target Target
	Name   []byte // empty for the unnamed one; borrowed from the body
}

func (*Describe) Kind() Kind { return KindDescribe }

func (m *Describe) Decode(body []byte) error {
	target, name, err := decodeTarget(KindDescribe, body)
	m.Target, m.Name = target, name
	return err
}

func (m *Describe) Append(dst []byte) []byte {
	return appendTarget(dst, KindDescribe, m.Target, m.Name)
}

func (m *Describe) Visit(v Visitor) {
	v.Text("kind", m.Target.text())
	v.Text("name", m.Name)
}

// Close closes a prepared statement or portal (manual: "Close (F)"). The zero value
// cannot be sent, since it has no Target: Encodable refuses it.
type Close struct {
	Target Target
	Name   []byte // empty for the unnamed one; borrowed from the body
}

func (*Close) Kind() Kind { return KindClose }

func (m *Close) Decode(body []byte) error {
	target, name, err := decodeTarget(KindClose, body)
	m.Target, m.Name = target, name
	return err
}

func (m *Close) Append(dst []byte) []byte {
	return appendTarget(dst, KindClose, m.Target, m.Name)
}

func (m *Close) Visit(v Visitor) {
	v.Text("kind", m.Target.text())
	v.Text("name", m.Name)
}

// Execute runs a portal (manual: "Execute (F)").
type Execute struct {
	Portal  []byte // name, empty for the unnamed portal; borrowed from the body
	MaxRows int32  // most rows to return; 0 is no limit
}

func (*Execute) Kind() Kind { return KindExecute }

func (m *Execute) Decode(body []byte) error {
	c := cursor{body: body}
	m.Portal = c.cstring("portal")
	m.MaxRows = c.int32("max_rows")
	return c.end(KindExecute)
}

func (m *Execute) Append(dst []byte) []byte {
	dst, at := begin(dst, KindExecute)
	dst = appendCString(dst, m.Portal)
	return finish(appendUint32(dst, uint32(m.MaxRows)), at)
}

func (m *Execute) Visit(v Visitor) {
	v.Text("portal", m.Portal)
	v.Int("max_rows", int64(m.MaxRows))
}

// ParameterDescription tells the types of a statement's parameters (manual:
// "ParameterDescription (B)").
type ParameterDescription struct {
	ParameterOIDs []uint32
}

func (*ParameterDescription) Kind() Kind { return KindParameterDescription }

func (m *ParameterDescription) Decode(body []byte) error {
	c := cursor{body: body}
	m.ParameterOIDs = c.oids("parameter_oids", m.ParameterOIDs[:0])
	return c.end(KindParameterDescription)
}

func (m *ParameterDescription) Append(dst []byte) []byte {
	dst, at := begin(dst, KindParameterDescription)
	return finish(appendOIDs(dst, m.ParameterOIDs), at)
}

func (m *ParameterDescription) Visit(v Visitor) {
	v.OIDs("parameter_oids", m.ParameterOIDs)
}
