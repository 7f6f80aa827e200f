package messages

import "bytes"

// ErrorField is one field of an ErrorResponse or NoticeResponse.
type ErrorField struct {
	Type  byte   // such as FieldSeverity
	Value []byte // borrowed from the body
}

// The types of error fields (manual: "Error and Notice Message Fields").
const (
	FieldSeverityLocalized = 'S' // may be translated
	FieldSeverity          = 'V' // never translated; since PostgreSQL 9.6
	FieldSQLState          = 'C'
	FieldMessage           = 'M'
	FieldDetail            = 'D'
	FieldHint              = 'H'
	FieldPosition          = 'P' // in characters, from 1
	FieldInternalPosition  = 'p'
	FieldInternalQuery     = 'q'
	FieldWhere             = 'W'
	FieldSchema            = 's'
	FieldTable             = 't'
	FieldColumn            = 'c'
	FieldDataType          = 'd'
	FieldConstraint        = 'n'
	FieldFile              = 'F'
	FieldLine              = 'L'
	FieldRoutine           = 'R'
)

// errorFieldNames are the names under which fields are visited. The two
// severities have a rule of their own and stand here only as known.
var errorFieldNames = [256]string{
	FieldSeverityLocalized: "severity_localized",
	FieldSeverity:          "severity",
	FieldSQLState:          "sqlstate",
	FieldMessage:           "message",
	FieldDetail:            "detail",
	FieldHint:              "hint",
	FieldPosition:          "position",
	FieldInternalPosition:  "internal_position",
	FieldInternalQuery:     "internal_query",
	FieldWhere:             "where",
	FieldSchema:            "schema",
	FieldTable:             "table",
	FieldColumn:            "column",
	FieldDataType:          "data_type",
	FieldConstraint:        "constraint",
	FieldFile:              "file",
	FieldLine:              "line",
	FieldRoutine:           "routine",
}

// maxErrorFields bounds the fields of one message: their type is a byte, and
// servers send each type once at most.
const maxErrorFields = 256

// ErrorFields is what ErrorResponse and NoticeResponse consist of.
type ErrorFields struct {
	// Fields holds the fields in wire order, those of unknown type included.
	Fields []ErrorField
}

// Get returns the first field of a type, nil if it was not sent. It is borrowed
// from the body.
func (e *ErrorFields) Get(fieldType byte) []byte {
	for i := range e.Fields {
		if e.Fields[i].Type == fieldType {
			return e.Fields[i].Value
		}
	}
	return nil
}

// Severity returns the severity that is never translated (ERROR, FATAL, NOTICE
// and so on), or the one that may be, where a server sends only that. It is
// borrowed from the body.
func (e *ErrorFields) Severity() []byte {
	if s := e.Get(FieldSeverity); s != nil {
		return s
	}
	return e.Get(FieldSeverityLocalized)
}

// SQLState returns the five characters of the error's code (manual: "PostgreSQL
// Error Codes"). It is borrowed from the body.
func (e *ErrorFields) SQLState() []byte { return e.Get(FieldSQLState) }

// Message returns the primary message. It is borrowed from the body.
func (e *ErrorFields) Message() []byte { return e.Get(FieldMessage) }

// Detail returns the detail, nil if it was not sent. It is borrowed from the
// body.
func (e *ErrorFields) Detail() []byte { return e.Get(FieldDetail) }

// Hint returns the hint, nil if it was not sent. It is borrowed from the body.
func (e *ErrorFields) Hint() []byte { return e.Get(FieldHint) }

func (e *ErrorFields) decode(k Kind, body []byte) error {
	c := cursor{body: body}
	e.Fields = e.Fields[:0]
	for !c.failed() {
		t := c.byte1(errorFieldsName)
		if t == 0 { // the end, or a fault
			break
		}
		if len(e.Fields) == maxErrorFields {
			c.off--
			c.fail(errorFieldsName, reasonMany)
			break
		}
		s := c.cstring(errorFieldsName)
		if c.failed() && len(s) == 0 {
			break
		}
		e.Fields = append(e.Fields, ErrorField{t, s})
	}
	return c.end(k)
}

// errorFieldsName stands in a DecodeError for whichever field is at fault.
const errorFieldsName = "fields"

func (e *ErrorFields) append(dst []byte, k Kind) []byte {
	dst, at := begin(dst, k)
	for i := range e.Fields {
		dst = append(dst, e.Fields[i].Type)
		dst = appendCString(dst, e.Fields[i].Value)
	}
	return finish(append(dst, 0), at)
}

// Visit implements Message for the types that embed ErrorFields. Fields that
// were not sent are not visited; fields of unknown type, and a type's second
// field, are visited together as "unknown_fields", named by their type byte.
func (e *ErrorFields) Visit(v Visitor) {
	if s := e.Severity(); s != nil {
		v.Text("severity", s)
		if local := e.Get(FieldSeverityLocalized); local != nil && !bytes.Equal(local, s) {
			v.Text("severity_localized", local)
		}
	}
	var seen [256]bool
	var unknown []Pair
	for i := range e.Fields {
		f := &e.Fields[i]
		name := errorFieldNames[f.Type]
		switch {
		case name == "" || seen[f.Type]:
			unknown = append(unknown, Pair{byteText(f.Type), f.Value})
		case f.Type != FieldSeverity && f.Type != FieldSeverityLocalized:
			v.Text(name, f.Value)
		}
		seen[f.Type] = true
	}
	if unknown != nil {
		v.Pairs("unknown_fields", unknown)
	}
}

// NewError returns an error with what servers always send: severity (ERROR, FATAL or
// PANIC), SQLSTATE and message. More fields may be added.
func NewError(severity, sqlState, message string) *ErrorResponse {
	return &ErrorResponse{newFields(severity, sqlState, message)}
}

// NewNotice returns a notice with what servers always send: severity (WARNING,
// NOTICE, INFO, LOG or DEBUG), SQLSTATE and message. More fields may be added.
func NewNotice(severity, sqlState, message string) *NoticeResponse {
	return &NoticeResponse{newFields(severity, sqlState, message)}
}

func newFields(severity, sqlState, message string) (e ErrorFields) {
	e.Add(FieldSeverityLocalized, severity)
	e.Add(FieldSeverity, severity)
	e.Add(FieldSQLState, sqlState)
	e.Add(FieldMessage, message)
	return e
}

// Add appends a field, such as FieldDetail.
func (e *ErrorFields) Add(fieldType byte, value string) {
	e.Fields = append(e.Fields, ErrorField{fieldType, []byte(value)})
}

// ErrorResponse reports an error (manual: "ErrorResponse (B)").
type ErrorResponse struct{ ErrorFields }

func (*ErrorResponse) Kind() Kind { return KindErrorResponse }

func (m *ErrorResponse) Decode(body []byte) error { return m.decode(KindErrorResponse, body) }

func (m *ErrorResponse) Append(dst []byte) []byte { return m.append(dst, KindErrorResponse) }

// NoticeResponse reports a warning or notice; it may come at any time (manual:
// "NoticeResponse (B)").
type NoticeResponse struct{ ErrorFields }

func (*NoticeResponse) Kind() Kind { return KindNoticeResponse }

func (m *NoticeResponse) Decode(body []byte) error { return m.decode(KindNoticeResponse, body) }

func (m *NoticeResponse) Append(dst []byte) []byte { return m.append(dst, KindNoticeResponse) }
