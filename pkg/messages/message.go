package messages

// Message is one protocol message. All implementations are pointers to the
// exported struct types of this package; each can be reused: Decode overwrites
// every field and keeps the capacity of slices.
type Message interface {
	// Kind identifies the message.
	Kind() Kind
	// Decode sets the message from a body: the bytes after the length field
	// (for messages without type byte: after the length; for the one-byte
	// replies: that byte). Byte slices in the message are borrowed from body.
	// It returns a *DecodeError for a body that does not have the message's
	// format, bytes left over included. The fields before the fault are then
	// set; a string or list that the end of the body cut off holds what is
	// there of it; the fields after are zero. VisitDecoded visits only those
	// that were read.
	Decode(body []byte) error
	// Append appends the complete message as sent on the wire, with type byte
	// and length, and returns the extended slice. What Decode accepted comes
	// out as the same bytes. It does not check what the format cannot carry:
	// strings with a NUL inside, lists of more than 65535; see Encodable.
	Append(dst []byte) []byte
	// Visit names each field once, in wire order, with the names of the JSON
	// output. Values are borrowed for the duration of each call.
	Visit(v Visitor)
}

// Visitor receives the fields of a message. Pretty printing and JSON are two
// visitors of the same Visit methods.
type Visitor interface {
	// Int is a number.
	Int(name string, v int64)
	// Bool is a yes or no.
	Bool(name string, v bool)
	// Text is text in the session's encoding; it may not be UTF-8.
	Text(name string, v []byte)
	// Data is COPY data or another payload: text where it is UTF-8, else hex.
	Data(name string, v []byte)
	// Hex is opaque bytes that are always shown as hexadecimal digits.
	Hex(name string, v []byte)
	// SecretText and SecretHex are Text and Hex that are redacted by default.
	SecretText(name string, v []byte)
	SecretHex(name string, v []byte)
	// Texts is a list of strings.
	Texts(name string, v [][]byte)
	// Pairs is a list of names with values, in wire order.
	Pairs(name string, v []Pair)
	// OIDs is a list of object identifiers.
	OIDs(name string, v []uint32)
	// Formats is a list of format codes (0 text, 1 binary).
	Formats(name string, v []int16)
	// Values is a list of parameters, columns or arguments. formats are the
	// message's own format codes for it (none: text; one: for all; else one
	// each), nil where the message carries none, as in DataRow.
	Values(name string, v Values, formats []int16)
	// Value is one value; nil is NULL. (FunctionCallResponse)
	Value(name string, v []byte)
	// Columns is RowDescription's list of fields.
	Columns(name string, v []ColumnDescription)
}

// stated returns formats for Visitor.Values: an empty list stands for text, and
// nil would say that the message has none.
func stated(formats []int16) []int16 {
	if formats == nil {
		return allText
	}
	return formats
}

var allText = []int16{}

// Pair is a name and its value, as in StartupMessage's parameters.
type Pair struct {
	Name, Value []byte
}

// ColumnDescription is one field of a RowDescription (manual: "RowDescription (B)").
type ColumnDescription struct {
	Name         []byte
	TableOID     uint32
	Column       int16 // attribute number in the table, 0 if none
	TypeOID      uint32
	TypeSize     int16 // negative: variable width
	TypeModifier int32
	Format       int16 // 0 text, 1 binary; 0 in the answer to Describe of a statement
}
