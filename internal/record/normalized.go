package record

import (
	"bytes"
	"sync/atomic"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Normalized is what is derived from the text of a query.
type Normalized struct {
	Text      []byte
	Hash      uint64
	Operation string

	// Of a prepared statement: what its comment says, once tagged is set.
	comment         []messages.Pair
	traceID, spanID string
	tagged          bool

	name  []byte // of the statement; immutable
	room  int    // for whole, in bytes; -1: none
	whole atomic.Pointer[[]byte]
	rest  []byte
}

// reserve makes room for what a writer keeps of a statement's text.
func (n *Normalized) reserve(x *exchange.Exchange) {
	if n.room != 0 {
		return
	}
	const around = 130 // names and marks
	if n.room = len(x.SQL) + len(n.Text) + len(n.Text)/8 + len(n.name) + around; !x.Prepared.Remember(n.room) {
		n.room = -1
	}
}

// StatementText is the part of a query that comes from a prepared statement which was
// executed by the unnamed portal: from the field sql to the field portal.
type StatementText Normalized

// Kept returns what Keep was given, nil if nothing. Any goroutine may ask.
func (t *StatementText) Kept() []byte {
	if p := t.whole.Load(); p != nil {
		return *p
	}
	return nil
}

// Keep keeps a copy of what a writer made of the part, if there is room for it.
func (t *StatementText) Keep(b []byte) {
	if len(b) <= t.room {
		b = bytes.Clone(b)
		t.whole.Store(&b)
	}
}

// DerivedText is the part that is derived from a text which was not prepared: the
// fields normalized, fingerprint and operation. It belongs to the goroutine that
// derived it.
type DerivedText Normalized

// Kept returns what Keep was given, empty if nothing.
func (t *DerivedText) Kept() []byte { return t.rest }

// Keep keeps a copy of what a writer made of the part, unless it is long.
func (t *DerivedText) Keep(b []byte) {
	const longest = 2 << 10
	if len(b) <= longest {
		t.rest = append(t.rest[:0], b...)
	}
}

// Normalizer derives it, once for each prepared statement. The zero value is
// ready. All that take the exchanges of one analysis share what is derived of
// prepared statements.
type Normalizer struct {
	latest Normalized
	redact []byte
	tags   []sqlnorm.Tag
	pairs  []messages.Pair
	shapes sqlnorm.Shapes[Normalized]
}

// alike is what a Normalizer keeps for texts that differ in their constants only.
type alike struct {
	of *Normalizer
	Normalized
}

// Of returns the derived facts of an exchange's text, nil if the text is not
// known. They are borrowed until the next call.
func (n *Normalizer) Of(x *exchange.Exchange) *Normalized {
	if x.SQL == nil {
		return nil
	}
	s := x.Prepared
	if s == nil {
		if known := n.ofAlike(x); known != nil {
			return known
		}
		return n.OfText(x.SQL, x.Escapes)
	}
	if memo, ok := s.Memo.(*Normalized); ok {
		return memo
	}
	n.derive(&n.latest, s.SQL, s.Escapes)
	const cost = 128 // of the structure
	if !s.Remember(len(n.latest.Text) + cost) {
		return &n.latest
	}
	memo := &Normalized{Text: bytes.Clone(n.latest.Text), Hash: n.latest.Hash, Operation: n.latest.Operation, name: x.Statement}
	s.Memo = memo
	return memo
}

// ofAlike is OfText where the texts that differ in their constants only are known
// already, and that they hold no secrets; nil where they are not, or where another
// Normalizer keeps something for them. What it returns is not changed any more, but for
// what writers keep (DerivedText).
func (n *Normalizer) ofAlike(x *exchange.Exchange) *Normalized {
	if x.Alike == nil || x.Escapes {
		return nil
	}
	known, ok := (*x.Alike).(*alike)
	if ok {
		if known.of != n {
			return nil
		}
		return &known.Normalized
	}
	known = &alike{of: n}
	n.derive(&known.Normalized, x.SQL, false)
	*x.Alike = known
	return &known.Normalized
}

// OfText derives the facts of a text that was not prepared. Most are those of an
// earlier one with other constants. Escapes tells that backslashes in constants are.
func (n *Normalizer) OfText(sql []byte, escapes bool) *Normalized {
	if escapes && bytes.IndexByte(sql, '\\') >= 0 {
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
	into.rest = into.rest[:0]
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
