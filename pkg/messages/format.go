package messages

// The format codes of values, as on the wire.
const (
	FormatText   int16 = 0
	FormatBinary int16 = 1
)

// FormatOf returns the format of value i by a message's list of format codes, such
// as Bind.ParameterFormats: none stands for text, one is for all values, else there
// is one for each (manual: "Bind (F)").
func FormatOf(formats []int16, i int) int16 {
	switch {
	case len(formats) == 1:
		return formats[0]
	case i < len(formats):
		return formats[i]
	}
	return FormatText
}

// ResultFormat returns the format in which the backend sends column i of the rows
// that the Bind leads to.
func (m *Bind) ResultFormat(i int) int16 { return FormatOf(m.ResultFormats, i) }

// ParameterFormat returns the format of parameter i.
func (m *Bind) ParameterFormat(i int) int16 { return FormatOf(m.ParameterFormats, i) }

// SetResultFormats sets the formats in a RowDescription that answered Describe of a
// statement, where all are text, to those that a Bind asks for: so the rows of its
// Execute are described.
func (m *RowDescription) SetResultFormats(formats []int16) {
	for i := range m.Fields {
		m.Fields[i].Format = FormatOf(formats, i)
	}
}

// oidText is the OID of the type text.
const oidText = 25

// TextColumns returns the description of a result whose columns are all text, as
// servers that are no database need it.
func TextColumns(names ...string) *RowDescription {
	m := &RowDescription{Fields: make([]ColumnDescription, len(names))}
	for i, name := range names {
		m.Fields[i] = ColumnDescription{Name: []byte(name), TypeOID: oidText, TypeSize: -1, TypeModifier: -1}
	}
	return m
}

// TextRow returns a row of such a result; one with NULL values is made as a DataRow.
func TextRow(values ...string) *DataRow {
	m := &DataRow{Values: make(Values, len(values))}
	for i, v := range values {
		m.Values[i] = []byte(v)
	}
	return m
}
