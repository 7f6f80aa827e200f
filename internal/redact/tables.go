package redact

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// tables are the names of tables that texts named beside a secret: what shows whole rows
// of theirs, without the columns' names, shows that, too. The zero tables is empty and
// ready.
type tables struct {
	names map[string]tableKind
	buf   []byte
	types int
	parts bool // one has partitions, whose bounds may be secrets
}

// tableKind is what the name of a table is of.
type tableKind uint8

const (
	aTable  tableKind = iota
	aType             // a type of rows
	ofAType           // a table with a column of such a type
)

// maxTables is how many are remembered; a database has fewer with secrets.
const maxTables = 1 << 12

// learn remembers the tables and types of a text that names a secret, or, as one that defines
// something may, makes columns of a type that has one.
func (t *tables) learn(sql []byte, defines bool) {
	kind := aTable
	if defines && sqlnorm.DefinesType(sql) {
		kind = aType
	}
	sqlnorm.SecretTables(sql, func(name []byte) {
		if !t.has(name) {
			t.add(name, kind)
		}
	})
	if defines && kind != aType && t.types > 0 {
		sqlnorm.TablesOf(sql, func(name []byte) bool { return t.isType(name) }, func(name []byte) { t.add(name, ofAType) })
	}
}

// isType tells whether a name in SQL is that of a type which has a secret.
func (t *tables) isType(name []byte) bool {
	t.buf = sqlnorm.AppendName(t.buf[:0], name)
	return t.names[string(t.buf)] == aType
}

// makes tells whether a text makes a value of a row that has a secret, or says what of it
// goes into a partition.
func (t *tables) makes(sql []byte) (known bool) {
	if len(t.names) == 0 {
		return false
	}
	add := func(name []byte) { known = known || t.has(name) }
	sqlnorm.Casts(sql, add)
	if t.types > 0 && sqlnorm.Writes(sql) {
		sqlnorm.Tables(sql, func(name []byte) { known = known || t.names[string(name)] == ofAType })
	}
	if !known && (bytes.Contains(sql, []byte("FOR VALUES")) || bytes.Contains(sql, []byte("for values"))) {
		sqlnorm.Parents(sql, add)
		t.parts = t.parts || known
	}
	return known
}

func (t *tables) has(name []byte) bool {
	_, ok := t.names[string(name)]
	return ok
}

// copied tells whether a text copies whole rows of one.
func (t *tables) copied(sql []byte) bool {
	if len(t.names) == 0 {
		return false
	}
	start := bytes.TrimLeft(sql, " \t\r\n")
	if len(start) > 0 && start[0]|0x20 != 'c' && start[0] != '-' && start[0] != '/' {
		return false
	}
	t.buf = sqlnorm.CopiesWhole(t.buf[:0], sql)
	return t.buf != nil && t.has(t.buf)
}

// inserted tells whether a text inserts whole rows into one without a list of columns.
func (t *tables) inserted(sql []byte) (known bool) {
	if len(t.names) == 0 {
		return false
	}
	start := bytes.TrimLeft(sql, " \t\r\n(")
	if len(start) == 0 {
		return false
	}
	switch start[0] | 0x20 {
	case 'i', 'w', 'e', 'p', 'b', '-', '/': // INSERT, WITH, EXPLAIN, PREPARE, BEGIN; …
		sqlnorm.InsertsWhole(sql, func(name []byte) { known = known || t.has(name) })
	}
	return known
}

// read tells whether a text names one.
func (t *tables) read(sql []byte) (known bool) {
	sqlnorm.Tables(sql, func(name []byte) { known = known || t.has(name) })
	return known
}

// add remembers one, if there is room.
func (t *tables) add(name []byte, kind tableKind) {
	if len(t.names) == maxTables {
		return
	}
	if t.names == nil {
		t.names = make(map[string]tableKind)
	}
	t.names[string(name)] = kind
	if kind == aType {
		t.types++
	}
}

// failedRow tells whether the detail of an error is a row of one, as that of a violated
// constraint is (src/backend/executor/execMain.c, ExecBuildSlotValueDescription).
func (t *tables) failedRow(fields *messages.ErrorFields) bool {
	if len(t.names) == 0 {
		return false
	}
	known, shows := false, false
	for i := range fields.Fields {
		switch f := &fields.Fields[i]; f.Type {
		case messages.FieldTable:
			known = t.has(f.Value)
		case messages.FieldSQLState:
			switch string(f.Value) {
			case "23502", "23514", "44000":
				shows = true
			}
		}
	}
	return known && shows
}
