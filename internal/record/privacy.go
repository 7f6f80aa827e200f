package record

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Privacy keeps the fields that are secret by what they are (passwords, salts, keys)
// from whoever reads a record. What is secret by its content was taken out before
// (internal/redact). It belongs to one goroutine.
type Privacy struct {
	// Show leaves everything as it is.
	Show bool

	decoded *[messages.NumKinds]messages.Message
	safe    safeVisitor
	failure messages.ErrorResponse
}

// visitBody decodes a message and visits its fields without secrets.
func (p *Privacy) visitBody(m *Message, v messages.Visitor) error {
	if p.decoded == nil {
		p.decoded = new([messages.NumKinds]messages.Message)
	}
	d := p.decoded[m.Kind]
	if d == nil {
		d = m.Kind.New()
		p.decoded[m.Kind] = d
	}
	err := d.Decode(m.body)
	if u, ok := d.(*messages.Unknown); ok {
		u.Tag = m.Tag
	}
	if !p.Show {
		p.safe = safeVisitor{v}
		v = &p.safe
	}
	if err == nil {
		d.Visit(v)
	} else {
		messages.VisitDecoded(d, err, v)
	}
	if m.Truncated {
		return nil
	}
	return err
}

// visitError visits the fields of a query's error.
func (p *Privacy) visitError(q *Query, v messages.Visitor) bool {
	if !q.ErrorFields(&p.failure) {
		return false
	}
	p.failure.Visit(v)
	return true
}

// Redacted is shown in place of a secret.
const Redacted = "<redacted>"

// safeVisitor keeps secrets from a visitor.
type safeVisitor struct{ messages.Visitor }

// SecretText passes on that there is a secret.
func (s *safeVisitor) SecretText(name string, _ []byte) { s.Visitor.SecretText(name, []byte(Redacted)) }

// SecretHex passes on that there is a secret.
func (s *safeVisitor) SecretHex(name string, _ []byte) { s.Visitor.SecretText(name, []byte(Redacted)) }
