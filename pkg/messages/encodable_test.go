package messages_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestSamplesAreEncodable(t *testing.T) {
	for _, s := range allSamples() {
		if err := messages.Encodable(s.Message); err != nil {
			t.Errorf("%s: %v", s.Name, err)
		}
	}
}

func TestEncodableRefuses(t *testing.T) {
	nul := []byte("a\x00b")
	var many messages.Values
	for range 65536 {
		many.Add(nil)
	}
	tests := []struct {
		m     messages.Message
		want  error
		field string
	}{
		{&messages.Query{SQL: nul}, messages.ErrNUL, "query"},
		{&messages.PasswordMessage{Password: nul}, messages.ErrNUL, "password"},
		{&messages.StartupMessage{Parameters: []messages.Pair{{Name: []byte("user"), Value: nul}}}, messages.ErrNUL, "parameters"},
		{&messages.StartupMessage{Parameters: []messages.Pair{{Value: []byte("x")}}}, messages.ErrEmptyName, "parameters"},
		{&messages.AuthenticationSASL{Mechanisms: [][]byte{{}}}, messages.ErrEmptyName, "mechanisms"},
		{&messages.ErrorResponse{ErrorFields: messages.ErrorFields{Fields: []messages.ErrorField{{Type: 0}}}}, messages.ErrNUL, "unknown_fields"},
		{&messages.RowDescription{Fields: []messages.ColumnDescription{{Name: nul}}}, messages.ErrNUL, "fields"},
		{&messages.Parse{ParameterOIDs: make([]uint32, 65536)}, messages.ErrTooMany, "parameter_oids"},
		{&messages.Bind{ResultFormats: make([]int16, 65536)}, messages.ErrTooMany, "result_formats"},
		{&messages.DataRow{Values: many}, messages.ErrTooMany, "values"},
	}
	for _, tt := range tests {
		err := messages.Encodable(tt.m)
		if !errors.Is(err, tt.want) || !strings.Contains(err.Error(), tt.field) {
			t.Errorf("%v: %v, want %v in %s", tt.m.Kind(), err, tt.want, tt.field)
		}
	}
	if err := messages.Encodable(&messages.CopyData{Data: nul}); err != nil {
		t.Errorf("COPY data may hold NULs: %v", err)
	}
	if err := messages.Encodable(&messages.SASLInitialResponse{Mechanism: []byte("SCRAM-SHA-256"), Data: nul}); err != nil {
		t.Errorf("SASL data may hold NULs: %v", err)
	}
}

// The two gigabytes are the same megabyte many times.
func TestEncodableRefusesTooLong(t *testing.T) {
	option := make([]byte, 1<<20)
	for i := range option {
		option[i] = 'a'
	}
	m := &messages.NegotiateProtocolVersion{}
	for range 2047 {
		m.Unsupported = append(m.Unsupported, option)
	}
	if err := messages.Encodable(m); err != nil {
		t.Errorf("2047 MiB: %v", err)
	}
	m.Unsupported = append(m.Unsupported, option)
	if err := messages.Encodable(m); !errors.Is(err, messages.ErrTooLong) {
		t.Errorf("2048 MiB: %v", err)
	}
}
