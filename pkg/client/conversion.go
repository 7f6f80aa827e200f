package client

import (
	"bytes"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"github.com/pgsniff/pgsniff/internal/value"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

var errFormat = errors.New("the bytes do not have the type's binary format")

// conversion is what the conversion of values depends on. It is replaced and never
// changed, so that rows can keep it.
type conversion struct {
	types         *typeMap
	text          *textEncoding
	session       value.Session
	refuseUnknown bool
}

// typeMap makes its map when it is first needed: that takes longer than many a
// session.
type typeMap struct{ *pgtype.Map }

func (t *typeMap) get() *pgtype.Map {
	if t.Map == nil {
		t.Map = pgtype.NewMap()
	}
	return t.Map
}

// textOf returns a value's text in UTF-8.
func (v *conversion) textOf(c *Column, b []byte) (string, error) {
	if b == nil || c.Format == 0 {
		text, err := v.text.decode(b)
		return string(text), err
	}
	if value.TypeName(c.TypeOID) == "" {
		if printed, ok := value.AppendUnknown(nil, b, &v.session); ok && v.text.asIs(b) {
			return string(printed), nil
		}
		return "", ErrUnknownType
	}
	b, err := v.text.recode(c.TypeOID, b, 0)
	if err != nil {
		return "", err
	}
	printed, ok := value.Append(nil, c.TypeOID, b, &v.session)
	if !ok {
		return "", errFormat
	}
	return string(printed), nil
}

// valueOf returns a value as a Go value.
func (v *conversion) valueOf(c *Column, b []byte) (any, error) {
	if b == nil {
		return nil, nil
	}
	t, known := v.types.get().TypeForOID(c.TypeOID)
	if !known {
		return v.unknown(c, b)
	}
	src, err := v.source(c, b)
	if err != nil {
		return nil, err
	}
	x, err := guard(func() (any, error) {
		return t.Codec.DecodeValue(v.types.Map, c.TypeOID, c.Format, src)
	})
	if err == nil && zoned(c.TypeOID) {
		x = v.inZone(x)
	}
	return x, err
}

func (v *conversion) unknown(c *Column, b []byte) (any, error) {
	if v.refuseUnknown {
		return nil, ErrUnknownType
	}
	text, err := v.textOf(c, b)
	if errors.Is(err, ErrUnknownType) {
		return bytes.Clone(b), nil
	}
	return text, err
}

// scan copies a value into what target points to.
func (v *conversion) scan(c *Column, b []byte, target any) error {
	src, err := v.source(c, b)
	if err != nil {
		return err
	}
	_, err = guard(func() (any, error) {
		return nil, v.types.get().Scan(c.TypeOID, c.Format, src, target)
	})
	return err
}

// source returns a value with its text in UTF-8.
func (v *conversion) source(c *Column, b []byte) ([]byte, error) {
	if b == nil || c.Format == 0 {
		return v.text.decode(b)
	}
	return v.text.recode(c.TypeOID, b, 0)
}

// inZone puts the times of a value of a type with time zone into the session's.
func (v *conversion) inZone(x any) any {
	switch x := x.(type) {
	case time.Time:
		return x.In(v.session.TimeZone)
	case []any:
		for i := range x {
			x[i] = v.inZone(x[i])
		}
	case pgtype.Range[any]:
		x.Lower, x.Upper = v.inZone(x.Lower), v.inZone(x.Upper)
		return x
	case pgtype.Multirange[pgtype.Range[any]]:
		for i := range x {
			x[i].Lower, x[i].Upper = v.inZone(x[i].Lower), v.inZone(x[i].Upper)
		}
	}
	return x
}

// zoned reports whether a type is timestamptz or made of it.
func zoned(oid uint32) bool {
	switch oid {
	case pgtype.TimestamptzOID, pgtype.TimestamptzArrayOID, pgtype.TstzrangeOID, pgtype.TstzrangeArrayOID,
		pgtype.TstzmultirangeOID, pgtype.TstzmultirangeArrayOID:
		return true
	}
	return false
}

// guard turns a panic into an error: the bytes may be anything, and the types that
// a program registers are its own.
func guard(f func() (any, error)) (x any, err error) {
	defer func() {
		if p := recover(); p != nil {
			x, err = nil, fmt.Errorf("conversion panicked: %v", p)
		}
	}()
	return f()
}

// bindArguments converts arguments into the parameters of a Bind: all as text, but
// for bytes of bytea.
func (c *Client) bindArguments(bind *messages.Bind, oids []uint32, arguments []any) error {
	if len(arguments) != len(oids) {
		return &ArgumentError{Index: len(oids), Err: errArguments}
	}
	for i, argument := range arguments {
		b, format, err := c.conversion.argument(oids[i], argument)
		if err != nil {
			return &ArgumentError{i, oids[i], err}
		}
		bind.Parameters.Add(b)
		if format != 0 && bind.ParameterFormats == nil {
			bind.ParameterFormats = make([]int16, len(arguments))
		}
		if format != 0 {
			bind.ParameterFormats[i] = format
		}
	}
	return nil
}

func (v *conversion) argument(oid uint32, argument any) (b []byte, format int16, err error) {
	if argument == nil {
		return nil, 0, nil
	}
	if raw, ok := argument.([]byte); ok && oid == pgtype.ByteaOID {
		return raw, 1, nil
	}
	x, err := guard(func() (any, error) {
		return v.types.get().Encode(oid, pgtype.TextFormatCode, argument, []byte{})
	})
	if err != nil {
		return nil, 0, err
	}
	b, _ = x.([]byte)
	if b == nil {
		return nil, 0, nil
	}
	b, err = v.text.encode(b)
	return b, 0, err
}
