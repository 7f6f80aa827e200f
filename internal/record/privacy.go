package record

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Privacy takes secrets out of what becomes a record. It is the one place that
// decides what a sink may see; nothing gets into a record that has not passed it.
// It belongs to one goroutine.
type Privacy struct {
	// Show leaves everything as it is.
	Show bool

	sql, derived, text []byte
	decoded            *[messages.NumKinds]messages.Message
	safe               safeVisitor
	failure            messages.ErrorResponse
}

// SQL returns the text of a command without its secrets, borrowed until the next
// call.
func (p *Privacy) SQL(sql []byte) []byte { return p.redact(&p.sql, sql) }

func (p *Privacy) redact(into *[]byte, sql []byte) []byte {
	if p.Show || !sqlnorm.MayHoldSecret(sql) {
		return sql
	}
	*into = sqlnorm.Redact((*into)[:0], sql)
	return *into
}

// Derivable returns the text of a command as what is derived from it may know it:
// without secrets even where the user asked for them, since normalised texts and
// fingerprints are to be equal either way. It is borrowed until the next call.
func (p *Privacy) Derivable(sql []byte) []byte {
	if !sqlnorm.MayHoldSecret(sql) {
		return sql
	}
	p.derived = sqlnorm.Redact(p.derived[:0], sql)
	return p.derived
}

// Params returns the parameters of a query as they may be shown.
func (p *Privacy) Params(_ *Query, v messages.Values) messages.Values { return v }

// Error returns the body of an ErrorResponse as it may be shown: whether its
// internal_query is without secrets is up to VisitBody and the query record's
// writer.
func (p *Privacy) Error(_ *Query, body []byte) []byte { return body }

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
		p.safe = safeVisitor{v, p}
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

// visitError visits the fields of a query's error without secrets.
func (p *Privacy) visitError(q *Query, v messages.Visitor) bool {
	if !q.ErrorFields(&p.failure) {
		return false
	}
	if !p.Show {
		p.safe = safeVisitor{v, p}
		v = &p.safe
	}
	p.failure.Visit(v)
	return true
}

// Redacted is shown in place of a secret.
const Redacted = "<redacted>"

// safeVisitor keeps secrets from a visitor.
type safeVisitor struct {
	messages.Visitor
	p *Privacy
}

// Text passes text on, that of commands without their secrets.
func (s *safeVisitor) Text(name string, v []byte) {
	if name == "query" || name == "internal_query" {
		v = s.p.redact(&s.p.text, v)
	}
	s.Visitor.Text(name, v)
}

// SecretText passes on that there is a secret.
func (s *safeVisitor) SecretText(name string, _ []byte) { s.Visitor.SecretText(name, []byte(Redacted)) }

// SecretHex passes on that there is a secret.
func (s *safeVisitor) SecretHex(name string, _ []byte) { s.Visitor.SecretText(name, []byte(Redacted)) }
