package messages

// CopyData is a piece of COPY data or of a replication stream (manual:
// "CopyData (F & B)"). Its bounds need not be those of rows.
type CopyData struct {
	Data []byte // borrowed from the body
}

func (*CopyData) Kind() Kind { return KindCopyData }

func (m *CopyData) Decode(body []byte) error {
	m.Data = body[:len(body):len(body)]
	return nil
}

func (m *CopyData) Append(dst []byte) []byte {
	return appendBytes(dst, KindCopyData, m.Data)
}

func (m *CopyData) Visit(v Visitor) {
	v.Data("data", m.Data)
}

// CopyFail ends COPY IN in failure (manual: "CopyFail (F)").
type CopyFail struct {
	Message []byte // the reason; borrowed from the body
}

func (*CopyFail) Kind() Kind { return KindCopyFail }

func (m *CopyFail) Decode(body []byte) error {
	c := cursor{body: body}
	m.Message = c.cstring("message")
	return c.end(KindCopyFail)
}

func (m *CopyFail) Append(dst []byte) []byte {
	return appendString(dst, KindCopyFail, m.Message)
}

func (m *CopyFail) Visit(v Visitor) {
	v.Text("message", m.Message)
}

// CopyFormats is what the three messages that begin a COPY consist of.
type CopyFormats struct {
	// Format is 0 for textual COPY and 1 for binary.
	Format uint8
	// ColumnFormats holds the format of each column: 0 (text) or 1 (binary).
	ColumnFormats []int16
}

func (f *CopyFormats) decode(k Kind, body []byte) error {
	c := cursor{body: body}
	f.Format = c.byte1("format")
	f.ColumnFormats = c.formats("column_formats", f.ColumnFormats[:0])
	return c.end(k)
}

func (f *CopyFormats) append(dst []byte, k Kind) []byte {
	dst, at := begin(dst, k)
	return finish(appendFormats(append(dst, f.Format), f.ColumnFormats), at)
}

// Visit implements Message for the types that embed CopyFormats.
func (f *CopyFormats) Visit(v Visitor) {
	v.Int("format", int64(f.Format))
	v.Formats("column_formats", f.ColumnFormats)
}

// CopyInResponse begins COPY to the backend (manual: "CopyInResponse (B)").
type CopyInResponse struct{ CopyFormats }

func (*CopyInResponse) Kind() Kind { return KindCopyInResponse }

func (m *CopyInResponse) Decode(body []byte) error { return m.decode(KindCopyInResponse, body) }

func (m *CopyInResponse) Append(dst []byte) []byte { return m.append(dst, KindCopyInResponse) }

// CopyOutResponse begins COPY from the backend (manual: "CopyOutResponse (B)").
type CopyOutResponse struct{ CopyFormats }

func (*CopyOutResponse) Kind() Kind { return KindCopyOutResponse }

func (m *CopyOutResponse) Decode(body []byte) error { return m.decode(KindCopyOutResponse, body) }

func (m *CopyOutResponse) Append(dst []byte) []byte { return m.append(dst, KindCopyOutResponse) }

// CopyBothResponse begins COPY in both directions, as streaming replication uses
// it (manual: "CopyBothResponse (B)").
type CopyBothResponse struct{ CopyFormats }

func (*CopyBothResponse) Kind() Kind { return KindCopyBothResponse }

func (m *CopyBothResponse) Decode(body []byte) error { return m.decode(KindCopyBothResponse, body) }

func (m *CopyBothResponse) Append(dst []byte) []byte { return m.append(dst, KindCopyBothResponse) }
