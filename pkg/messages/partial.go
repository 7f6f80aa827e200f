package messages

import "errors"

// VisitDecoded visits those fields of m that Decode read, where err is what that
// Decode returned: all if it is nil, else those before the one at fault, and of
// that one what is there. A field that was not read is not visited, so that
// nobody takes its zero for a fact.
func VisitDecoded(m Message, err error, v Visitor) {
	var fault *DecodeError
	switch {
	case !errors.As(err, &fault) || fault.Reason == reasonTrailing:
	case fault.Field == "": // the code before all fields
		return
	default:
		v = &partialVisitor{Visitor: v, fault: fault}
	}
	m.Visit(v)
}

// partialVisitor passes on the fields before the one at fault. The fields of an
// ErrorResponse are not affected: only those present are visited anyway, and the
// fault of one is reported under a name that none is visited by.
type partialVisitor struct {
	Visitor
	fault *DecodeError
	past  bool
}

// show reports whether the field is to be passed on; present tells whether
// there is something of it.
func (p *partialVisitor) show(name string, present bool) bool {
	if p.past {
		return false
	}
	if name == p.fault.Field {
		p.past = true
		return present
	}
	return true
}

// bytes is show for a string or bytes. Where the body ended before the field,
// there is nothing of it, though a number shown as text has one for its zero.
func (p *partialVisitor) bytes(name string, v []byte) bool {
	return p.show(name, len(v) > 0 && p.fault.Reason != reasonShort)
}

func (p *partialVisitor) Int(name string, v int64) {
	if p.show(name, false) {
		p.Visitor.Int(name, v)
	}
}

func (p *partialVisitor) Bool(name string, v bool) {
	if p.show(name, false) {
		p.Visitor.Bool(name, v)
	}
}

func (p *partialVisitor) Text(name string, v []byte) {
	if p.bytes(name, v) {
		p.Visitor.Text(name, v)
	}
}

func (p *partialVisitor) Data(name string, v []byte) {
	if p.bytes(name, v) {
		p.Visitor.Data(name, v)
	}
}

func (p *partialVisitor) Hex(name string, v []byte) {
	if p.bytes(name, v) {
		p.Visitor.Hex(name, v)
	}
}

func (p *partialVisitor) SecretText(name string, v []byte) {
	if p.bytes(name, v) {
		p.Visitor.SecretText(name, v)
	}
}

func (p *partialVisitor) SecretHex(name string, v []byte) {
	if p.bytes(name, v) {
		p.Visitor.SecretHex(name, v)
	}
}

func (p *partialVisitor) Texts(name string, v [][]byte) {
	if p.show(name, len(v) > 0) {
		p.Visitor.Texts(name, v)
	}
}

func (p *partialVisitor) Pairs(name string, v []Pair) {
	if p.show(name, len(v) > 0) {
		p.Visitor.Pairs(name, v)
	}
}

func (p *partialVisitor) OIDs(name string, v []uint32) {
	if p.show(name, len(v) > 0) {
		p.Visitor.OIDs(name, v)
	}
}

func (p *partialVisitor) Formats(name string, v []int16) {
	if p.show(name, len(v) > 0) {
		p.Visitor.Formats(name, v)
	}
}

func (p *partialVisitor) Values(name string, v Values, formats []int16) {
	if p.show(name, v.Len() > 0) {
		p.Visitor.Values(name, v, formats)
	}
}

func (p *partialVisitor) Value(name string, v []byte) {
	if p.bytes(name, v) {
		p.Visitor.Value(name, v)
	}
}

func (p *partialVisitor) Columns(name string, v []ColumnDescription) {
	if p.show(name, len(v) > 0) {
		p.Visitor.Columns(name, v)
	}
}
