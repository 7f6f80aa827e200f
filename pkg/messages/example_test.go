package messages_test

import (
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// A body is decoded by the kind that its type byte, direction and phase give.
func Example() {
	body := []byte("\x00\x03\x00\x00\x00\x0242\xff\xff\xff\xff\x00\x00\x00\x00")
	kind := messages.KindOf(messages.Backend, messages.PhaseSimpleQuery, 'D', body)

	var row messages.DataRow // reused for every row
	if err := row.Decode(body); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(kind, "with", row.Values.Len(), "values")
	for i, v := range row.Values {
		if v == nil {
			fmt.Println(i, "NULL")
			continue
		}
		fmt.Printf("%d %q\n", i, v)
	}
	// Output:
	// DataRow with 3 values
	// 0 "42"
	// 1 NULL
	// 2 ""
}

// Append writes complete messages one after the other.
func ExampleMessage() {
	var out []byte
	for _, m := range []messages.Message{
		&messages.Parse{SQL: []byte("SELECT $1::int")},
		&messages.Bind{Parameters: messages.MakeValues([]byte("7"))},
		&messages.Execute{},
		&messages.Sync{},
	} {
		out = m.Append(out)
	}
	fmt.Printf("%q\n", out)
	// Output:
	// "P\x00\x00\x00\x16\x00SELECT $1::int\x00\x00\x00B\x00\x00\x00\x11\x00\x00\x00\x00\x00\x01\x00\x00\x00\x017\x00\x00E\x00\x00\x00\t\x00\x00\x00\x00\x00S\x00\x00\x00\x04"
}

func ExampleErrorResponse() {
	var m messages.ErrorResponse
	if err := m.Decode([]byte("SERREUR\x00VERROR\x00C42P01\x00Mla relation n'existe pas\x00\x00")); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%s %s: %s\n", m.Severity(), m.SQLState(), m.Message())
	// Output: ERROR 42P01: la relation n'existe pas
}

func ExampleDecodeError() {
	var m messages.Execute
	err := m.Decode([]byte("portal\x00\x00\x00"))
	var fault *messages.DecodeError
	if errors.As(err, &fault) {
		fmt.Println(fault.Kind, fault.Field, fault.Offset)
	}
	fmt.Println(err)
	// Output:
	// Execute max_rows 7
	// Execute: max_rows: the body ends too early at byte 7 of the body
}

// Strings from elsewhere are checked before they are sent: a NUL inside would
// end the string and make the rest of it the next field.
func ExampleEncodable() {
	m := &messages.Query{SQL: []byte("SELECT 'a\x00b'")}
	fmt.Println(messages.Encodable(m))
	// Output: Query: query: a string has a NUL inside
}
