package record

import "github.com/pgsniff/pgsniff/pkg/messages"

// Type says what the values of a field are.
type Type uint8

// The types of fields.
const (
	TypeText   Type = iota // text; it may come from the capture and hold anything
	TypeInt                // a whole number
	TypeBool               // yes or no
	TypeTime               // a time, in nanoseconds since the Unix epoch
	TypeData               // bytes: text where they are UTF-8
	TypeValue              // a value of the database; may be NULL
	TypeObject             // further fields
	TypeMap                // values by names that the capture chose
	TypeRow                // a row: values by the names of its columns, of which no two are the same
	TypeList               // a list of one of the others
)

var typeNames = [...]string{"text", "integer", "boolean", "time", "data", "value", "object", "map", "row", "list"}

func (t Type) String() string { return typeNames[t] }

// Field describes a field of a record: the one place that knows its name.
type Field struct {
	Name string // in snake_case, as JSON has it
	Type Type
	Unit string // "ns", "bytes"; empty for texts and plain numbers
	Doc  string // a sentence for the documentation
	// Index is its place among the fields of its schema, -1 for one of an object
	// within.
	Index int

	key   string
	fixed [fixedKey]byte // the beginning of key
}

// fixedKey is the length of most keys at most, in bytes: copying so many at once takes
// no longer than copying few.
const fixedKey = 32

// AppendKey appends NextKey.
func (f *Field) AppendKey(dst []byte) []byte {
	n := len(dst)
	if len(f.key) > fixedKey || cap(dst)-n < fixedKey {
		return append(dst, f.key...)
	}
	*(*[fixedKey]byte)(dst[n : n+fixedKey]) = f.fixed
	return dst[:n+len(f.key)]
}

// Word is one of the few values that a field of texts may have: plain ASCII.
type Word struct {
	Field *Field
	Text  string

	member string
}

// NewWord returns a value of a field.
func NewWord(f *Field, text string) *Word {
	return &Word{Field: f, Text: text, member: f.key + `"` + text + `"`}
}

// Member returns the member of a JSON object, with the comma before it.
func (w *Word) Member() string { return w.member }

// Key returns the field's name as a member of a JSON object begins, `"name":`.
func (f *Field) Key() string { return f.key[1:] }

// NextKey is Key of a member that others precede, with the comma.
func (f *Field) NextKey() string { return f.key }

// NewField returns a field that belongs to no schema: one of an object within a
// record. It is not inlined for the reason that Field is not.
//
//go:noinline
func NewField(name string, t Type, unit, doc string) *Field {
	f := &Field{Name: name, Type: t, Unit: unit, Doc: doc, Index: -1, key: `,"` + name + `":`}
	copy(f.fixed[:], f.key)
	return f
}

// Schema is the fields of a kind of record, in the order of its output.
type Schema struct {
	Name   string // the kind of record, JSON's "type"
	Doc    string
	Fields []*Field

	start string
}

var schemas []*Schema

// NewSchema returns a schema, which Schemas lists from now on. It is for variables
// of packages.
func NewSchema(name, doc string) *Schema {
	s := &Schema{Name: name, Doc: doc, start: "{" + CommonType.Key() + `"` + name + `"`}
	schemas = append(schemas, s)
	return s
}

// Start returns how a JSON object of the schema begins: with its type.
func (s *Schema) Start() string { return s.start }

// Schemas returns the schemas of all kinds of records of the program.
func Schemas() []*Schema { return schemas }

// Field adds a field. It is called hundreds of times when the program starts: inlined, that
// would be 100 kB of it.
//
//go:noinline
func (s *Schema) Field(name string, t Type, unit, doc string) *Field {
	f := NewField(name, t, unit, doc)
	f.Index = len(s.Fields)
	s.Fields = append(s.Fields, f)
	return f
}

// Text, Int, Bool, Time, Data, Value, Object, Map and List add a field of that
// type.
func (s *Schema) Text(name, doc string) *Field { return s.Field(name, TypeText, "", doc) }

// Int adds a number, in a unit ("ns", "bytes") or none.
func (s *Schema) Int(name, unit, doc string) *Field { return s.Field(name, TypeInt, unit, doc) }

// Bool adds a yes or no.
func (s *Schema) Bool(name, doc string) *Field { return s.Field(name, TypeBool, "", doc) }

// Time adds a time.
func (s *Schema) Time(name, doc string) *Field { return s.Field(name, TypeTime, "", doc) }

// Data adds bytes.
func (s *Schema) Data(name, doc string) *Field { return s.Field(name, TypeData, "", doc) }

// Value adds a value of the database.
func (s *Schema) Value(name, doc string) *Field { return s.Field(name, TypeValue, "", doc) }

// Object adds an object.
func (s *Schema) Object(name, doc string) *Field { return s.Field(name, TypeObject, "", doc) }

// Map adds an object whose keys the capture chose.
func (s *Schema) Map(name, doc string) *Field { return s.Field(name, TypeMap, "", doc) }

// List adds a list.
func (s *Schema) List(name, doc string) *Field { return s.Field(name, TypeList, "", doc) }

// Visitor takes the fields of a record. What is not known is not visited. In a
// list the field is nil; in a map the field is nil and Key came before.
type Visitor interface {
	Bool(f *Field, v bool)
	Int(f *Field, v int64)
	Uint(f *Field, v uint64)
	// Text and String are text of any content: control characters and bytes that
	// are not UTF-8 among it. Writers escape it.
	Text(f *Field, v []byte)
	String(f *Field, v string)
	// Long is a text as long as its author pleased, which writers may cut. Only the
	// beginning may be at hand; length is that of the whole text in bytes.
	Long(f *Field, v []byte, length int)
	Word(w *Word)
	// Ints are numbers that stand together: those that are Unknown are left out.
	Ints(fields []*Field, v []int64)
	// Time is nanoseconds since the Unix epoch.
	Time(f *Field, ns int64)
	// Data is bytes, to be shown as text where they are UTF-8.
	Data(f *Field, v []byte)
	// Value is a value of the wire, of a type and format; nil is NULL.
	Value(f *Field, v []byte, oid uint32, format int16)
	// Open begins an object, a map or a list, by the type of f; with nil an object
	// in a list. Close ends it.
	Open(f *Field)
	Close()
	// Key is the name of what comes next, in a map.
	Key(name []byte)
	// Cut tells that the value before, in a list, is not all there: its whole length in
	// bytes.
	Cut(length int)
	// Body returns what shows the fields of a message of the protocol in the object
	// that is open; nil for a visitor that has them shown as fields.
	Body() messages.Visitor
	// Known tells that the fields up to Remember say what part says, a *Who,
	// *StatementText, *DerivedText, *Result or *exchange.Columns, which may be within a *Result:
	// they are the same each time. A visitor that has kept what it made of them writes that
	// and returns true, and they are not visited.
	Known(part any) bool
	Remember(part any)
}

// Forgetful has those methods of a Visitor that few need.
type Forgetful struct{}

// Cut says nothing.
func (Forgetful) Cut(int) {}

// Body has messages shown as fields.
func (Forgetful) Body() messages.Visitor { return nil }

// Known keeps nothing.
func (Forgetful) Known(any) bool { return false }

// Remember keeps nothing.
func (Forgetful) Remember(any) {}

// Fractioner is a Visitor that takes numbers which are not whole; others are not
// shown them.
type Fractioner interface {
	Fraction(f *Field, v float64)
}
