package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// cycle returns what is known of the text that an exchange is about.
func (h *Handler) cycle(s *session.Session, x *exchange.Exchange) Cycle {
	if x == nil {
		return Cycle{}
	}
	mark, sql, whole := &x.Mark, x.SQL, x.SQLLen
	if p := x.Prepared; p != nil {
		mark, sql, whole = &p.Mark, p.SQL, p.SQLLen
	}
	if *mark&known == 0 && sql != nil {
		h.alike = nil
		*mark |= known | uint16(h.secrecy(s, sql, escapes(x), len(sql) < whole))
		if x.Prepared != nil && hasPairs(sql) {
			*mark |= pairs
		}
		if h.alike == nil || !h.alike.plain {
			m := closely(sql)
			if *mark |= m; m == 0 && h.alike != nil {
				h.alike.plain = true
			}
		}
	}
	return Cycle{sqlnorm.Secrecy(*mark &^ known)}
}

// closely returns the bits for what has to be looked at closely in a text, which few have.
func closely(sql []byte) (mark uint16) {
	if bytes.Contains(sql, []byte("okens")) {
		mark = namesTokens
	}
	if (bytes.Contains(sql, []byte("value")) || bytes.Contains(sql, []byte("setting"))) && selects(sql) &&
		sqlnorm.RenamesAny(sql, quotedPairName) && sqlnorm.RenamesAny(sql, quotedPairValue) {
		mark |= renamesPairs
	}
	return mark
}

// selects tells whether a text begins as one that returns rows mostly does.
func selects(sql []byte) bool {
	start := bytes.TrimLeft(sql, " \t\r\n(")
	return len(start) > 0 && (start[0]|0x20 == 's' || start[0]|0x20 == 'w' || start[0] == '/' || start[0] == '-')
}

// markOf returns what is known of the text of an exchange.
func markOf(x *exchange.Exchange) uint16 {
	if x.Prepared != nil {
		return x.Prepared.Mark
	}
	return x.Mark
}

// secrecy finds out about a text.
func (h *Handler) secrecy(s *session.Session, sql []byte, escapes, cut bool) sqlnorm.Secrecy {
	if len(sql) == 0 && cut {
		return sqlnorm.Hidden | sqlnorm.Takes // there was no room for it: anything
	}
	var found, copied sqlnorm.Secrecy
	if h.tables.copied(sql) {
		copied = sqlnorm.Takes
	}
	if h.tables.inserted(sql) {
		if sqlnorm.Prepares(sql) {
			h.arm(s)
		}
		return sqlnorm.Hidden | sqlnorm.Takes | forced
	}
	if h.tables.makes(sql) {
		return sqlnorm.Hidden | sqlnorm.Takes | sqlnorm.Names | forced
	}
	if h.clean(sql) {
		if h.executes(s, sql) {
			return sqlnorm.Hidden | sqlnorm.Takes | forced
		}
		return copied
	}
	h.sql, found = sqlnorm.Redactor{Escapes: escapes}.Text(h.sql[:0], sql, cut)
	if found&(sqlnorm.Takes|sqlnorm.Reads|sqlnorm.Names) != 0 && sqlnorm.Prepares(sql) {
		h.arm(s)
	}
	if defines := sqlnorm.Defines(sql); found != 0 || defines {
		h.tables.learn(sql, defines)
	}
	if h.executes(s, sql) {
		found |= sqlnorm.Hidden | sqlnorm.Takes | forced
	}
	return found | copied
}

// clean tells whether there is no secret in a text, for certain. Most texts are
// another one with other numbers.
func (h *Handler) clean(sql []byte) bool {
	shape, texts := h.shape, h.texts
	if !h.looked {
		shape, texts = h.shapes.Find(sql)
	}
	switch {
	case shape != nil && !texts:
	case sqlnorm.MayHoldSecret(sql):
		return false
	case shape == nil:
		if shape = h.shapes.Add(sql); shape != nil {
			*shape = alike{} // it may have the place of another
		}
	}
	h.alike = shape
	return true
}

// forced is the bit of a mark that says that a text takes secrets because of what
// was prepared before.
const forced sqlnorm.Secrecy = 0x40

func (h *Handler) arm(s *session.Session) {
	if len(h.prepared) == maxPrepared {
		h.all = true
	} else {
		h.prepared[s.ID] = struct{}{}
	}
}

// executes tells whether a text executes what may have been prepared so.
func (h *Handler) executes(s *session.Session, sql []byte) bool {
	if !h.all {
		if len(h.prepared) == 0 {
			return false
		}
		if _, ok := h.prepared[s.ID]; !ok {
			return false
		}
	}
	return sqlnorm.Executes(sql)
}
