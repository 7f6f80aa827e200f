package record

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// Normalized is what is derived from the text of a query.
type Normalized struct {
	Text      []byte
	Hash      uint64
	Operation string

	// What writers made of it, for them to keep: of it all, for prepared statements;
	// and of what is derived, empty if not made or not to be remembered.
	Written, WrittenRest []byte
}

// Normalizer derives it, once for each prepared statement. The zero value is
// ready. All that take the exchanges of one analysis share what is derived of
// prepared statements.
type Normalizer struct {
	latest Normalized
	redact []byte
	shapes sqlnorm.Shapes[Normalized]
}

// Of returns the derived facts of an exchange's text, nil if the text is not
// known. They are borrowed until the next call.
func (n *Normalizer) Of(x *exchange.Exchange) *Normalized {
	if x.SQL == nil {
		return nil
	}
	s := x.Prepared
	if s == nil {
		return n.OfText(x)
	}
	if memo, ok := s.Memo.(*Normalized); ok {
		return memo
	}
	n.derive(&n.latest, s.SQL, s.Escapes)
	const cost = 128 // of the structure
	if !s.Remember(len(n.latest.Text) + cost) {
		return &n.latest
	}
	memo := &Normalized{Text: bytes.Clone(n.latest.Text), Hash: n.latest.Hash, Operation: n.latest.Operation}
	s.Memo = memo
	return memo
}

// OfText derives the facts of a text that was not prepared. Most are those of an
// earlier one with other constants.
func (n *Normalizer) OfText(x *exchange.Exchange) *Normalized {
	sql := x.SQL
	if x.Escapes && bytes.IndexByte(sql, '\\') >= 0 {
		n.derive(&n.latest, sql, true) // others may mean something else by the same
		return &n.latest
	}
	if known, texts := n.shapes.Find(sql); known != nil && (!texts || !sqlnorm.MayHoldSecret(sql)) {
		return known
	}
	into := &n.latest
	if !sqlnorm.MayHoldSecret(sql) {
		if place := n.shapes.Add(sql); place != nil {
			into = place
		}
	}
	n.derive(into, sql, false)
	return into
}

// derive normalises a text without its passwords: most go with the constants,
// but one that was not quoted as a constant would stay.
func (n *Normalizer) derive(into *Normalized, sql []byte, escapes bool) {
	into.Written, into.WrittenRest = nil, into.WrittenRest[:0]
	if sqlnorm.MayHoldSecret(sql) {
		n.redact, _ = sqlnorm.Redactor{Escapes: escapes}.Text(n.redact[:0], sql, false)
		sql = n.redact
	}
	if into.Text = sqlnorm.AppendIn(into.Text[:0], sql, escapes); into.Text == nil {
		into.Text = []byte{} // known, and empty
	}
	into.Hash = sqlnorm.Fingerprint(into.Text)
	into.Operation = sqlnorm.Operation(sql)
}
