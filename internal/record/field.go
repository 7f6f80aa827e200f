package record

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

	key string
}

// Key returns the field's name as a member of a JSON object begins, `"name":`.
func (f *Field) Key() string { return f.key }

// NewField returns a field that belongs to no schema: one of an object within a
// record.
func NewField(name string, t Type, unit, doc string) *Field {
	return &Field{Name: name, Type: t, Unit: unit, Doc: doc, key: `"` + name + `":`}
}

// Schema is the fields of a kind of record, in the order of its output.
type Schema struct {
	Name   string // the kind of record, JSON's "type"
	Doc    string
	Fields []*Field
}

var schemas []*Schema

// NewSchema returns a schema, which Schemas lists from now on. It is for variables
// of packages.
func NewSchema(name, doc string) *Schema {
	s := &Schema{Name: name, Doc: doc}
	schemas = append(schemas, s)
	return s
}

// Schemas returns the schemas of all kinds of records of the program.
func Schemas() []*Schema { return schemas }

// Field adds a field.
func (s *Schema) Field(name string, t Type, unit, doc string) *Field {
	f := NewField(name, t, unit, doc)
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
}

// Fractioner is a Visitor that takes numbers which are not whole; others are not
// shown them.
type Fractioner interface {
	Fraction(f *Field, v float64)
}
