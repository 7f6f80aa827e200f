package redact

import (
	"bytes"
	"encoding/binary"
	"slices"

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
	// Rows are names and values, as those of settings are: where the names are, and
	// where the values.
	named, values []int
	composite     bool // a column is of a type of users', which may be a row
}

type columnPolicy uint8

const (
	columnShown    columnPolicy = iota
	columnText                  // of a user's table: what holds a secret is hidden, and what the text renames
	columnHidden                // it holds credentials
	columnComputed              // no table's, and no number: it may repeat the request
	columnNamed                 // computed, and of the type name: that of a thing
	columnSystem                // of the system's own tables, or code: its values are looked at
	columnTokens                // a document called tokens: a number in it is none
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
	p := &policy{columns: make([]columnPolicy, len(fields))}
	for i := range fields {
		f := &fields[i]
		p.columns[i] = columnPolicyOf(f)
		p.any = p.any || p.columns[i] > columnText
		p.texts = p.texts || p.columns[i] == columnText
		p.computed = p.computed || p.columns[i] == columnComputed
		p.composite = p.composite || f.TypeOID >= firstUserOID
		switch {
		case pairName(f.Name):
			p.named = append(p.named, i)
		case pairValue(f.Name):
			p.values = append(p.values, i)
		}
		p.any = p.any || f.TypeOID == typeBytea && p.columns[i] == columnText
		if hidesName(f.Name) {
			d.SetName(i, []byte(Mark))
			p.names = true
		}
	}
	if len(p.named) == 0 {
		p.withoutNames(fields)
	}
	p.any = p.any || len(p.named) > 0 && len(p.values) > 0
	d.Memo = p
	return p
}

// Columns that have the name of something beside its value: of settings, in
// pg_settings and users' tables alike, options, and columns with their defaults.
var (
	pairNames = map[string]bool{
		"name": true, "key": true, "option_name": true, "attname": true, "column_name": true, "Column": true, "setting_name": true,
		"param": true, "parameter": true, "config_key": true, "option": true, "variable": true, "k": true,
		"typname": true, "conname": true, "Name": true, "varname": true,
	}
	pairValues = map[string]bool{
		"setting": true, "value": true, "val": true, "option_value": true, "pg_get_expr": true, "column_default": true, "Default": true,
		"setting_value": true, "config_value": true, "adsrc": true, "boot_val": true, "reset_val": true, "v": true,
		"typdefault": true, "domain_default": true, "check_clause": true, "pg_get_constraintdef": true, "condef": true, "Check": true,
		"most_common_vals": true, "histogram_bounds": true, "most_common_elems": true, "range_bounds_histogram": true,
	}
	// columnStatistics are values of columns, whose names stand beside them, if they do.
	columnStatistics = map[string]bool{
		"most_common_vals": true, "histogram_bounds": true, "most_common_elems": true, "range_bounds_histogram": true,
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

// quotedPairName and quotedPairValue are pairName and pairValue of a name in SQL.
func quotedPairName(name []byte) bool  { return pairName(bytes.Trim(name, `"`)) }
func quotedPairValue(name []byte) bool { return pairValue(bytes.Trim(name, `"`)) }

// withoutNames hides statistics of columns that nobody can tell the names of.
func (p *policy) withoutNames(fields []messages.ColumnDescription) {
	for _, i := range p.values {
		if f := &fields[i]; f.TableOID != 0 && f.TableOID < firstUserOID && columnStatistics[string(f.Name)] {
			p.columns[i], p.any = columnHidden, true
		}
	}
}

// asks tells whether a row is the name of a secret and its value.
func (p *policy) asks(list []byte, n int) bool {
	if p == nil || len(p.named) == 0 || len(p.values) == 0 {
		return false
	}
	v := values{rest: list, left: n}
	k := 0
	for i := 0; k < len(p.named) && v.next(); i++ {
		if i == p.named[k] {
			if k++; sqlnorm.NamesSecret(v.value) {
				return true
			}
		}
	}
	return false
}

// isValue tells whether a column has what one of those names.
func (p *policy) isValue(i int) bool { return slices.Contains(p.values, i) }

// firstUserOID is the first that objects of users have (src/include/access/transam.h).
const firstUserOID = 16384

func columnPolicyOf(f *messages.ColumnDescription) columnPolicy {
	switch {
	case Cycle{}.Column(f):
		return columnHidden
	case plainType(f.TypeOID):
		return columnShown
	case sqlnorm.NamesTokens(f.Name):
		return tokensPolicy(f.TypeOID)
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

// tokensPolicy is what is done with a column that is called tokens, by its type: they may
// as well be counted.
func tokensPolicy(oid uint32) columnPolicy {
	const jsonType, jsonbType, textSearch = 114, 3802, 3614
	switch {
	case oid == jsonType || oid == jsonbType:
		return columnTokens
	case textType(oid):
		return columnHidden
	}
	return columnShown // of numbers, and what is searched for in texts
}

// hasText tells whether a document has a text in it that is no name.
func hasText(v []byte) bool {
	for {
		i := bytes.IndexByte(v, '"')
		if i < 0 {
			return false
		}
		n := bytes.IndexByte(v[i+1:], '"')
		if n < 0 {
			return true
		}
		v = bytes.TrimLeft(v[i+1+n+1:], " \t\r\n")
		if len(v) == 0 || v[0] != ':' {
			return true
		}
	}
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

// mayHaveForms tells whether one of the n values of a row, in a column of text, may be known by
// its form alone. It is quick.
func (p *policy) mayHaveForms(list []byte, n int) bool {
	at := 0
	for i := 0; i < n && i < len(p.columns) && len(list)-at > 4; i++ {
		size := int(int32(binary.BigEndian.Uint32(list[at:])))
		if at += 4; size <= 0 {
			continue
		}
		if size >= sqlnorm.ShortestToken && p.columns[i] == columnText && mayHaveForm(list[at:min(at+size, len(list))]) {
			return true
		}
		at += size
	}
	return false
}

// written tells whether a text has a sign of those that programs write for others to read.
// What people write to each other ("secret: x") has none.
func written(b []byte) bool {
	return bytes.IndexByte(b, '=') >= 0 || bytes.IndexByte(b, '"') >= 0 || bytes.IndexByte(b, '<') >= 0 || bytes.Contains(b, []byte("://"))
}

// credential tells whether a value of a user's table is hidden.
func credential(v []byte) bool {
	return hash(v) || written(v) && sqlnorm.HoldsSecret(v) || len(v) > 0 && hasForm(v)
}

// rowOf is a row that is looked at.
type rowOf struct {
	*policy
	cycle   Cycle
	asked   bool   // for the value of a secret
	parts   bool   // bounds of partitions may be secrets
	known   bool   // it is of a table that a text named beside a secret
	renamed []bool // columns that show another by a name that the text gave it
	beside  bool   // names and values have other names: all but names are hidden of a row that is asked for
}

// hides tells whether a value of column i is hidden. Of columns that are not known
// the values are looked at.
func (r *rowOf) hides(i int, v []byte) bool {
	p, c := r.policy, r.cycle
	if p == nil || i >= len(p.columns) {
		return c.Repeats() || c.names() || Code(v) || r.bound(v) || (r.known || r.beside) && !isNumber(v) && !secretName(v)
	}
	if i < len(r.renamed) && r.renamed[i] {
		return true
	}
	if r.asked && (p.isValue(i) || r.beside && p.columns[i] != columnShown && !secretName(v)) {
		return true
	}
	switch p.columns[i] {
	case columnHidden:
		return true
	case columnComputed:
		return c.Repeats() || c.names() || Code(v) || r.known && wholeRow(v) || r.bound(v)
	case columnNamed:
		return c.Repeats() || Code(v)
	case columnSystem:
		return Code(v)
	case columnText:
		return c.Secrecy&forced != 0 || credential(v) || r.known && wholeRow(v)
	case columnTokens:
		return hasText(v)
	}
	return false
}

// bound tells whether a value is the bound of a partition that may be a secret.
func (r *rowOf) bound(v []byte) bool { return r.parts && bytes.HasPrefix(v, []byte("FOR VALUES")) }

// isNumber tells whether a value is a number, or one in binary of four or eight bytes.
func isNumber(v []byte) bool {
	for _, c := range v {
		if c-'0' >= 10 && c != '.' && c != '-' {
			return (len(v) == 4 || len(v) == 8) && v[0] == 0
		}
	}
	return true
}

// namesOne tells whether one of the n values of a row is the name of a secret.
func namesOne(list []byte, n int) bool {
	for v := (values{rest: list, left: n}); v.next(); {
		if secretName(v.value) {
			return true
		}
	}
	return false
}

// wholeRow tells whether a value may be a row, or an array of them, as text or in binary: how
// many columns or dimensions, and the OID of the first column's type or flags.
func wholeRow(v []byte) bool {
	return len(v) > 2 && (v[0] == '(' || v[0] == '{' && v[1] == '"' && v[2] == '(') ||
		len(v) >= 12 && v[0] == 0 && v[1] == 0 && v[4] == 0
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
// password AS p; with asks, also one with the value of a secret. What is found is
// remembered for the next row.
func (h *Handler) renames(x *exchange.Exchange, asks bool) []bool {
	d, sql := x.Description(), textOf(x)
	if d == nil || h.renamedOf == d && h.renamedAsks == asks && bytes.Equal(h.renamedBy, sql) {
		return h.renamed
	}
	h.renamedOf, h.renamedAsks, h.renamedBy, h.renamed = d, asks, append(h.renamedBy[:0], sql...), h.renamed[:0]
	secrets, values, counted := h.newNames[0].of(sql, sqlnorm.NamesSecret), (*newNames)(nil), h.newNames[1].of(sql, sqlnorm.NamesTokens)
	sqlnorm.Aliases(sql, secrets.add)
	if asks {
		values = h.newNames[2].of(sql, quotedPairValue)
	}
	all := asks && h.renamesValues(d, sql)
	fields := d.Fields()
	for i := range fields {
		f := &fields[i]
		h.renamed = append(h.renamed, !plainType(f.TypeOID) && secrets.has(f.Name) || values.has(f.Name) || textType(f.TypeOID) && counted.has(f.Name) ||
			all && !plainType(f.TypeOID) && (f.TableOID == 0 || f.TableOID >= firstUserOID) && !pairName(f.Name))
	}
	return h.renamed
}

// newNames are names that a text gives what is called otherwise, of columns that are not
// quoted in lower case.
type newNames map[string]struct{}

// maxNewNames is how many are told apart; a result has no more columns.
const maxNewNames = 1664

// of fills n with those that a text gives what is called so.
func (n *newNames) of(sql []byte, called func(name []byte) bool) *newNames {
	clear(*n)
	sqlnorm.Renames(sql, called, n.add)
	return n
}

// add adds a name in SQL, if there is room.
func (n *newNames) add(name []byte) {
	if len(*n) == maxNewNames {
		return
	}
	if *n == nil {
		*n = make(newNames)
	}
	(*n)[string(sqlnorm.AppendName(nil, name))] = struct{}{}
}

// has tells whether a column's name is one of them.
func (n *newNames) has(column []byte) bool {
	if n == nil || len(*n) == 0 {
		return false
	}
	if _, ok := (*n)[string(column)]; ok {
		return true
	}
	_, ok := (*n)[string(bytes.ToLower(column))]
	return ok
}

// renamesValues tells whether a text asks for a value, which no column of its result is
// called by.
func (h *Handler) renamesValues(d *exchange.Columns, sql []byte) bool {
	p := h.policy(d)
	return len(p.values) == 0 && sqlnorm.Mentions(sql, quotedPairValue)
}

// textOf returns the text of an exchange.
func textOf(x *exchange.Exchange) []byte {
	if x.Prepared != nil {
		return x.Prepared.SQL
	}
	return x.SQL
}

// readsKnown tells whether the text of a query cycle names a table that another one named
// beside a secret. What is found is remembered for the next row.
func (h *Handler) readsKnown(x *exchange.Exchange) bool {
	if len(h.tables.names) == 0 {
		return false
	}
	sql := textOf(x)
	if h.knownOf != len(h.tables.names) || !bytes.Equal(h.knownBy, sql) {
		h.knownOf, h.knownBy = len(h.tables.names), append(h.knownBy[:0], sql...)
		h.known = h.tables.read(sql)
	}
	return h.known
}

func hidesName(name []byte) bool { return Cycle{}.ColumnName(name) }
