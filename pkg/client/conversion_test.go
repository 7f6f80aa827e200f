package client

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

func converter(encoding string) *conversion {
	v := New(Config{}).conversion
	v.text = newTextEncoding(encoding)
	return v
}

// pack joins numbers (Int32) and strings.
func pack(parts ...any) (b []byte) {
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(int32(p)))
		case string:
			b = append(b, p...)
		}
	}
	return b
}

// TestRecode has values in binary format with text in them, as the server's send
// functions write it.
func TestRecode(t *testing.T) {
	for _, test := range []struct {
		name, encoding string
		oid            uint32
		in             []byte
		text           string
		want           error
	}{
		{"text", "LATIN1", pgtype.TextOID, pack("Gr\xf6\xdfe"), "Größe", nil},
		{"cstring", "LATIN1", 2275, pack("\xf6"), "ö", nil},
		{"jsonb", "LATIN1", pgtype.JSONBOID, pack("\x01\"\xf6\""), `"ö"`, nil},
		{"jsonb of another version", "LATIN1", pgtype.JSONBOID, pack("\x02\"\xf6\""), "", errFormat},
		{"a second half that is a backslash", "SJIS", pgtype.TextArrayOID, pack(1, 0, 25, 1, 1, 2, "\x95\\"), "{表}", nil},
		{"array with NULL", "LATIN1", pgtype.TextArrayOID, pack(1, 1, 25, 2, 1, -1, 1, "\xf6"), "{NULL,ö}", nil},
		{"array of jsonb", "LATIN1", pgtype.JSONBArrayOID, pack(1, 0, 3802, 1, 1, 4, "\x01\"\xf6\""), `{"\"ö\""}`, nil},
		{"array of numbers", "LATIN1", pgtype.Int4ArrayOID, pack(1, 0, 23, 1, 1, 4, -2), "{-2}", nil},
		{"row", "LATIN1", pgtype.RecordOID, pack(3, 25, 1, "\xf6", 25, -1, 1009, 25, 1, 0, 25, 1, 1, 1, "\xe4"), "(ö,,{ä})", nil},
		{"number", "LATIN1", pgtype.Int4OID, pack(-1), "-1", nil},
		{"array that is cut short", "LATIN1", pgtype.TextArrayOID, pack(1, 0, 25, 1, 1, 9, "\xf6"), "", errFormat},
		{"array with too many dimensions", "LATIN1", pgtype.TextArrayOID, pack(-1, 0, 25, 1, 1), "", errFormat},
		{"array without header", "LATIN1", pgtype.TextArrayOID, pack(-1), "", errFormat},
		{"row without type", "LATIN1", pgtype.RecordOID, pack(1, "\xf6"), "", errFormat},
		{"tsvector", "LATIN1", pgtype.TSVectorOID, pack(1, "\xf6\x00\x00\x00"), "", errBinaryText},
		{"encoding that is not known", "EUC_TW", pgtype.TextOID, pack("\xa4\xa4"), "", errEncoding},
		{"encoding that is not known, ASCII", "EUC_TW", pgtype.TextOID, pack("a"), "a", nil},
		{"unknown type", "LATIN1", 99999, pack("\xf6"), "", ErrUnknownType},
		{"unknown type in UTF-8", "UTF8", 99999, pack("ö"), "ö", nil},
	} {
		v := converter(test.encoding)
		got, err := v.textOf(&Column{TypeOID: test.oid, Format: 1}, test.in)
		if got != test.text || !errors.Is(err, test.want) {
			t.Errorf("%s: %q, %v", test.name, got, err)
		}
	}
	deep := pack(1, 25, 1, "\xf6")
	for range maxRecodeDepth + 1 {
		deep = append(pack(1, pgtype.RecordOID, len(deep)), deep...)
	}
	if _, err := converter("LATIN1").textOf(&Column{TypeOID: pgtype.RecordOID, Format: 1}, deep); !errors.Is(err, errFormat) {
		t.Errorf("rows in rows: %v", err)
	}
}

func TestTimesAreInTheSessionsZone(t *testing.T) {
	v := converter("UTF8")
	v.session.TimeZone = time.FixedZone("X", 3600)
	for oid, text := range map[uint32]string{
		pgtype.TimestamptzOID:      "2024-01-01 00:00:00+00",
		pgtype.TimestamptzArrayOID: `{"2024-01-01 00:00:00+00"}`,
		pgtype.TstzrangeOID:        `["2024-01-01 00:00:00+00","2024-01-01 00:00:00+00"]`,
		pgtype.TstzmultirangeOID:   `{["2024-01-01 00:00:00+00","2024-01-01 00:00:00+00"]}`,
	} {
		got, err := v.valueOf(&Column{TypeOID: oid}, []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		var first any
		switch x := got.(type) {
		case time.Time:
			first = x
		case []any:
			first = x[0]
		case pgtype.Range[any]:
			first = x.Upper
		case pgtype.Multirange[pgtype.Range[any]]:
			first = x[0].Lower
		}
		if at, ok := first.(time.Time); !ok || at.Format("15:04 MST") != "01:00 X" {
			t.Errorf("%s: %#v", text, got)
		}
	}
	if got, err := v.valueOf(&Column{TypeOID: pgtype.TimestamptzOID}, []byte("infinity")); got != pgtype.Infinity || err != nil {
		t.Error(got, err)
	}
}

// panics is a codec of a program's own that does not check its input.
type panics struct{ pgtype.TextCodec }

func (panics) DecodeValue(*pgtype.Map, uint32, int16, []byte) (any, error) { panic("out of range") }

func TestCodecsMayPanic(t *testing.T) {
	types := pgtype.NewMap()
	types.RegisterType(&pgtype.Type{Name: "own", OID: 99999, Codec: panics{}})
	v := New(Config{Types: types}).conversion
	if _, err := v.valueOf(&Column{TypeOID: 99999}, []byte("x")); err == nil || err.Error() != "conversion panicked: out of range" {
		t.Error(err)
	}
}

func TestBytesOfUnknownTypes(t *testing.T) {
	in := []byte{0xff, 0x00}
	got, err := converter("UTF8").valueOf(&Column{TypeOID: 99999, Format: 1}, in)
	if fmt.Sprintf("%#v", got) != fmt.Sprintf("%#v", in) || err != nil {
		t.Errorf("%#v, %v", got, err)
	}
	in[0] = 'x'
	if got.([]byte)[0] == 'x' {
		t.Error("the bytes are not a copy")
	}
}

func TestErrorTexts(t *testing.T) {
	cause := io.ErrUnexpectedEOF
	for _, test := range []struct {
		err  error
		want string
	}{
		{&StateError{"DoSync", StateReady, nil}, "postgresql client: DoSync in state ready"},
		{&StateError{"DoSync", StateTerminated, cause}, "postgresql client: DoSync in state terminated: unexpected EOF"},
		{&ProtocolError{StateRows, cause}, "postgresql client: in state rows: unexpected EOF"},
		{&AuthError{"md5", cause}, "postgresql client: authentication by md5: unexpected EOF"},
		{&LostError{StateRows, 3, cause}, "postgresql client: connection lost in state rows: unexpected EOF"},
		{&EncodingError{"EUC_TW", cause}, "postgresql client: client_encoding EUC_TW: unexpected EOF"},
		{&ArgumentError{0, 23, cause}, "postgresql client: parameter $1: unexpected EOF"},
		{&ValueError{1, Column{Name: "a", TypeOID: 23}, cause}, `postgresql client: column 2 "a" of type int4: unexpected EOF`},
		{&ValueError{1, Column{Name: "a", TypeOID: 99999}, cause}, `postgresql client: column 2 "a" of type 99999: unexpected EOF`},
	} {
		if test.err.Error() != test.want {
			t.Errorf("%T: %s", test.err, test.err)
		}
		if e, ok := test.err.(*StateError); (!ok || e.Err != nil) && !errors.Is(test.err, cause) {
			t.Errorf("%T hides its cause", test.err)
		}
	}
	for m, want := range map[AuthMethod]string{AuthTrust: "trust", AuthSCRAMPlus: "scram-sha-256-plus", 99: "unknown"} {
		if m.String() != want {
			t.Error(m)
		}
	}
}
