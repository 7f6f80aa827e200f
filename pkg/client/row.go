package client

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"

	"github.com/pgsniff/pgsniff/internal/value"
)

// Row is one row of a result. It is borrowed until the next call of NextEvent or
// Receive; see Clone. The methods that take the index of a column panic, as slices
// do, where there is none.
type Row struct {
	columns    []Column
	cells      [][]byte
	conversion *conversion
}

// Len returns the number of columns.
func (r *Row) Len() int { return len(r.cells) }

// Columns returns the description of the columns. It is shared by the rows of a
// result and must not be changed.
func (r *Row) Columns() []Column { return r.columns }

// IsNull reports whether a value is NULL.
func (r *Row) IsNull(i int) bool { return r.cells[i] == nil }

// Raw returns a value as it was sent, in the column's format; nil is NULL. It is
// borrowed until the next call of NextEvent or Receive.
func (r *Row) Raw(i int) []byte { return r.cells[i] }

// Text returns a value as the text that PostgreSQL prints, and "" for NULL. A
// value in binary format of an unknown type, or one that does not have its type's
// format, is a *ValueError.
func (r *Row) Text(i int) (string, error) {
	text, err := r.conversion.textOf(&r.columns[i], r.cells[i])
	if err != nil {
		return "", &ValueError{i, r.columns[i], err}
	}
	return text, nil
}

// Value returns a value as the Go value that pgtype gives it: int32, string,
// time.Time in the session's time zone, pgtype.Numeric, []any and so on; nil for
// NULL. A value of an unknown type is its text or, where that cannot be told, its
// bytes; with Config.RefuseUnknownTypes it is ErrUnknownType. Errors are
// *ValueError.
func (r *Row) Value(i int) (any, error) {
	v, err := r.conversion.valueOf(&r.columns[i], r.cells[i])
	if err != nil {
		return nil, &ValueError{i, r.columns[i], err}
	}
	return v, nil
}

// Values returns the values of all columns, and the first error of Value.
func (r *Row) Values() ([]any, error) {
	values := make([]any, len(r.cells))
	for i := range values {
		v, err := r.Value(i)
		if err != nil {
			return nil, err
		}
		values[i] = v
	}
	return values, nil
}

// Scan copies the values into what the arguments point to, one for each column,
// by the rules of pgtype; nil passes a column over. Errors are *ValueError.
func (r *Row) Scan(targets ...any) error {
	if len(targets) != len(r.cells) {
		return fmt.Errorf("postgresql client: %d targets for %d columns", len(targets), len(r.cells))
	}
	for i, target := range targets {
		if target == nil {
			continue
		}
		if err := r.conversion.scan(&r.columns[i], r.cells[i], target); err != nil {
			return &ValueError{i, r.columns[i], err}
		}
	}
	return nil
}

// Clone returns a copy that belongs to the caller.
func (r *Row) Clone() *Row {
	c := &Row{slices.Clone(r.columns), slices.Clone(r.cells), r.conversion}
	for i, cell := range c.cells {
		c.cells[i] = bytes.Clone(cell)
	}
	return c
}

// typeName names the column's type for people.
func (c *Column) typeName() string {
	if name := value.TypeName(c.TypeOID); name != "" {
		return name
	}
	return strconv.FormatUint(uint64(c.TypeOID), 10)
}
