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
	names map[string]struct{}
	buf   []byte
}

// maxTables is how many are remembered; a database has fewer with secrets.
const maxTables = 1 << 12

// learn remembers the tables of a text that names a secret.
func (t *tables) learn(sql []byte) {
	sqlnorm.SecretTables(sql, func(name []byte) {
		if !t.has(name) {
			t.add(name)
		}
	})
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
func (t *tables) add(name []byte) {
	if len(t.names) == maxTables {
		return
	}
	if t.names == nil {
		t.names = make(map[string]struct{})
	}
	t.names[string(name)] = struct{}{}
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
