package messages

// FunctionCall calls a function by its object identifier (manual:
// "FunctionCall (F)").
type FunctionCall struct {
	FunctionOID uint32
	// ArgumentFormats holds 0 (text) or 1 (binary): none stands for text, one
	// for all arguments, else one for each.
	ArgumentFormats []int16
	Arguments       Values // borrowed from the body
	ResultFormat    int16  // 0 text, 1 binary
}

func (*FunctionCall) Kind() Kind { return KindFunctionCall }

func (m *FunctionCall) Decode(body []byte) error {
	c := cursor{body: body}
	m.FunctionOID = c.uint32("function_oid")
	m.ArgumentFormats = c.formats("argument_formats", m.ArgumentFormats[:0])
	m.Arguments = c.values("arguments", m.Arguments[:0])
	m.ResultFormat = c.int16("result_format")
	return c.end(KindFunctionCall)
}

func (m *FunctionCall) Append(dst []byte) []byte {
	dst, at := begin(dst, KindFunctionCall)
	dst = appendUint32(dst, m.FunctionOID)
	dst = appendFormats(dst, m.ArgumentFormats)
	dst = appendValues(dst, m.Arguments)
	return finish(appendUint16(dst, uint16(m.ResultFormat)), at)
}

func (m *FunctionCall) Visit(v Visitor) {
	v.Int("function_oid", int64(m.FunctionOID))
	v.Formats("argument_formats", m.ArgumentFormats)
	v.Values("arguments", m.Arguments, stated(m.ArgumentFormats))
	v.Int("result_format", int64(m.ResultFormat))
}

// FunctionCallResponse is the result of a FunctionCall (manual:
// "FunctionCallResponse (B)").
type FunctionCallResponse struct {
	Result []byte // nil is NULL; borrowed from the body
}

func (*FunctionCallResponse) Kind() Kind { return KindFunctionCallResponse }

func (m *FunctionCallResponse) Decode(body []byte) error {
	c := cursor{body: body}
	m.Result = c.value("result")
	return c.end(KindFunctionCallResponse)
}

func (m *FunctionCallResponse) Append(dst []byte) []byte {
	dst, at := begin(dst, KindFunctionCallResponse)
	return finish(appendValue(dst, m.Result), at)
}

func (m *FunctionCallResponse) Visit(v Visitor) {
	v.Value("result", m.Result)
}
