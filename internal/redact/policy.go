package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// policy is what is known of a result's columns.
type policy struct {
	columns  []columnPolicy
	any      bool // something of it depends on the column
	computed bool // there is one that is computed
	names    bool // a name is hidden
	texts    bool // there are texts of users' tables: connection strings, documents and hashes may be in them
	// Rows are names and values, as those of settings are: where the name is, and
	// where the value; -1: they are not.
	name, value int
}

type columnPolicy uint8

const (
	columnShown    columnPolicy = iota
	columnText                  // of a user's table: what holds a secret is hidden, and what the text renames
	columnHidden                // it holds credentials
	columnComputed              // no table's, and no number: it may repeat the request
	columnNamed                 // computed, and of the type name: that of a thing
	columnSystem                // of the system's own tables, or code: its values are looked at
)

// policy returns what is to be done with the columns of a result. It is made once
// for each description.
func (h *Handler) policy(d *exchange.Columns) *policy {
	if d == nil {
		return nil
	}
	if p, ok := d.Memo.(*policy); ok {
		return p
	}
	fields := d.Fields()
	p := &policy{columns: make([]columnPolicy, len(fields)), name: -1, value: -1}
	for i := range fields {
		f := &fields[i]
		p.columns[i] = columnPolicyOf(f)
		p.any = p.any || p.columns[i] > columnText
		p.texts = p.texts || p.columns[i] == columnText
		p.computed = p.computed || p.columns[i] == columnComputed
		switch {
		case p.name < 0 && pairName(f.Name):
			p.name = i
		case p.value < 0 && pairValue(f.Name):
			p.value = i
		}
		if hidesName(f.Name) {
			d.SetName(i, []byte(Mark))
			p.names = true
		}
	}
	p.any = p.any || p.name >= 0 && p.value >= 0
	d.Memo = p
	return p
}

// Columns that have the name of something beside its value: of settings, in
// pg_settings and users' tables alike, options, and columns with their defaults.
var (
	pairNames = map[string]bool{
		"name": true, "key": true, "option_name": true, "attname": true, "column_name": true, "Column": true, "setting_name": true,
		"param": true, "parameter": true, "config_key": true, "option": true, "variable": true, "k": true,
	}
	pairValues = map[string]bool{
		"setting": true, "value": true, "val": true, "option_value": true, "pg_get_expr": true, "column_default": true, "Default": true,
		"setting_value": true, "config_value": true, "adsrc": true, "boot_val": true, "reset_val": true, "v": true,
		"most_common_vals": true, "typdefault": true,
	}
)

// pairName and pairValue tell whether a column is one of those, or of a pair whose names
// have the same beginning: meta_key and meta_value.
func pairName(name []byte) bool {
	return pairNames[string(name)] || bytes.HasSuffix(name, []byte("_key")) || bytes.HasSuffix(name, []byte("_name"))
}

func pairValue(name []byte) bool {
	return pairValues[string(name)] || bytes.HasSuffix(name, []byte("_value")) || bytes.HasSuffix(name, []byte("_val"))
}

// asks tells whether a row is the name of a secret and its value.
func (p *policy) asks(list []byte, n int) bool {
	if p == nil || p.name < 0 || p.value < 0 {
		return false
	}
	v := values{rest: list, left: n}
	for i := 0; v.next(); i++ {
		if i == p.name {
			return sqlnorm.NamesSecret(v.value)
		}
	}
	return false
}

// firstUserOID is the first that objects of users have (src/include/access/transam.h).
const firstUserOID = 16384

func columnPolicyOf(f *messages.ColumnDescription) columnPolicy {
	switch {
	case Cycle{}.Column(f):
		return columnHidden
	case plainType(f.TypeOID):
		return columnShown
	case f.TableOID == 0 && f.TypeOID == typeName:
		return columnNamed
	case f.TableOID == 0 || f.Column == 0: // or a row as a whole
		return columnComputed
	case f.TableOID < firstUserOID || codeColumns[string(f.Name)]:
		return columnSystem
	case textType(f.TypeOID):
		return columnText
	}
	return columnShown
}

// codeColumns are those of extensions' and users' views that show what others sent.
var codeColumns = map[string]bool{"query": true, "current_query": true, "last_query": true, "statement": true, "sql": true, "command": true, "definition": true}

const typeName = 19

// textType tells whether the hash of a password, a connection string or a document may be
// in values of a type: bytea, text, character types, arrays of them, JSON, XML, and what
// users' types are made of: rows, domains, hstore.
func textType(oid uint32) bool {
	switch oid {
	case 17, typeText, 1042, 1043, typeTextArray, 1015, 114, 3802, 142, 2249:
		return true
	}
	return oid >= firstUserOID
}

// mayHoldCredential tells whether a row may hold the hash of a password as PostgreSQL
// keeps it, a connection string or a document with a password, wherever that was copied
// to. It is quick: each sign is looked for in many bytes at once.
func mayHoldCredential(row []byte) bool {
	return written(row) || bytes.Contains(row, []byte(scramPrefix)) || bytes.Contains(row, []byte(md5Prefix))
}

// written tells whether a text has a sign of those that programs write for others to read.
// What people write to each other ("secret: x") has none.
func written(b []byte) bool {
	return bytes.IndexByte(b, '=') >= 0 || bytes.IndexByte(b, '"') >= 0 || bytes.IndexByte(b, '<') >= 0 || bytes.Contains(b, []byte("://"))
}

// credential tells whether a value of a user's table is hidden.
func credential(v []byte) bool { return hash(v) || written(v) && sqlnorm.HoldsSecret(v) }

// rowOf is a row that is looked at.
type rowOf struct {
	*policy
	cycle   Cycle
	asked   bool   // for the value of a secret
	known   bool   // it is of a table that a text named beside a secret
	renamed []bool // columns that show another by a name that the text gave it
}

// hides tells whether a value of column i is hidden. Of columns that are not known
// the values are looked at.
func (r *rowOf) hides(i int, v []byte) bool {
	p, c := r.policy, r.cycle
	if p == nil || i >= len(p.columns) {
		return c.Repeats() || Code(v)
	}
	if r.asked && i == p.value || i < len(r.renamed) && r.renamed[i] {
		return true
	}
	switch p.columns[i] {
	case columnHidden:
		return true
	case columnComputed:
		return c.Repeats() || c.names() || Code(v) || r.known && wholeRow(v)
	case columnNamed:
		return c.Repeats() || Code(v)
	case columnSystem:
		return Code(v)
	case columnText:
		return c.Secrecy&forced != 0 || credential(v)
	}
	return false
}

// wholeRow tells whether a value may be a row as text, or an array of them.
func wholeRow(v []byte) bool {
	return len(v) > 2 && (v[0] == '(' || v[0] == '{' && v[1] == '"' && v[2] == '(')
}

// namedPair tells whether a value is a row, or an array of them, that has the name of a
// secret first: what a document was taken apart to.
func namedPair(v []byte) bool {
	if !wholeRow(v) && !bytes.HasPrefix(v, []byte("{")) {
		return false
	}
	for rest := v; ; {
		rest = bytes.TrimLeft(rest, `({"`)
		name, after, ok := bytes.Cut(rest, []byte(","))
		if !ok {
			return false
		}
		if secretName(name) {
			return true
		}
		i := bytes.IndexByte(after, '(')
		if i < 0 {
			return false
		}
		rest = after[i:]
	}
}

// names tells whether the text computes something of what holds secrets.
func (c Cycle) names() bool { return c.Secrecy&(sqlnorm.Names|sqlnorm.Reads) != 0 }

// renames returns which columns show one with a secret's name by another: SELECT
// password AS p. What is found is remembered for the next row.
func (h *Handler) renames(x *exchange.Exchange) []bool {
	d, sql := x.Description(), x.SQL
	if x.Prepared != nil {
		sql = x.Prepared.SQL
	}
	if d == nil || h.renamedOf == d && bytes.Equal(h.renamedBy, sql) {
		return h.renamed
	}
	h.renamedOf, h.renamedBy, h.renamed = d, append(h.renamedBy[:0], sql...), h.renamed[:0]
	for _, f := range d.Fields() {
		h.renamed = append(h.renamed, sqlnorm.RenamesSecret(sql, f.Name))
	}
	return h.renamed
}

// readsKnown tells whether the text of a query cycle names a table that another one named
// beside a secret. What is found is remembered for the next row.
func (h *Handler) readsKnown(x *exchange.Exchange) bool {
	if len(h.tables.names) == 0 {
		return false
	}
	sql := x.SQL
	if x.Prepared != nil {
		sql = x.Prepared.SQL
	}
	if h.knownOf != len(h.tables.names) || !bytes.Equal(h.knownBy, sql) {
		h.knownOf, h.knownBy = len(h.tables.names), append(h.knownBy[:0], sql...)
		h.known = h.tables.read(sql)
	}
	return h.known
}

func hidesName(name []byte) bool { return Cycle{}.ColumnName(name) }
