package messages_test

import (
	"encoding/binary"
	"errors"
	"runtime"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func TestDecodeRefuses(t *testing.T) {
	tests := []struct {
		kind   messages.Kind
		body   string
		field  string
		offset int
	}{
		{messages.KindDataRow, "\xff\xff", "values", 2},
		{messages.KindDataRow, "\x80\x00\x00\x00\x00\x01a", "values", 7},
		{messages.KindDataRow, "\x00\x01\xff\xff\xff\xfe", "values", 2},
		{messages.KindDataRow, "\x00\x01\x80\x00\x00\x00", "values", 2},
		{messages.KindDataRow, "\x00\x01\x7f\xff\xff\xff", "values", 6},
		{messages.KindDataRow, "\x00\x00\x00", "", 2},
		{messages.KindRowDescription, "\xff\xff", "fields", 2},
		{messages.KindParameterDescription, "\xff\xff\x00\x00\x00\x01", "parameter_oids", 6},
		{messages.KindParse, "\x00\x00\xff\xff", "parameter_oids", 4},
		{messages.KindBind, "\x00\x00\xff\xff", "parameter_formats", 4},
		{messages.KindBind, "\x00\x00\x00\x00\xff\xff", "parameters", 6},
		{messages.KindBind, "\x00\x00\x00\x00\x00\x00\xff\xff", "result_formats", 8},
		{messages.KindBind, "\x00\x00\x00\x00\x00\x00\x00\x00\x00", "", 8},
		{messages.KindCopyInResponse, "\x00\xff\xff", "column_formats", 3},
		{messages.KindFunctionCall, "\x00\x00\x00\x01\x00\x00\xff\xff", "arguments", 8},
		{messages.KindFunctionCallResponse, "\xff\xff\xff\xfe", "result", 0},
		{messages.KindSASLInitialResponse, "S\x00\xff\xff\xff\x00", "data", 2},
		{messages.KindSASLInitialResponse, "S\x00\x00\x00\x00\x01ab", "", 7},
		{messages.KindNegotiateProtocolVersion, "\x00\x00\x00\x00\xff\xff\xff\xff", "unsupported_options", 4},
		{messages.KindNegotiateProtocolVersion, "\x00\x00\x00\x00\x00\x00\x10\x00", "unsupported_options", 8},
		{messages.KindStartupMessage, "\x00\x02\x00\x00\x00", "protocol_version", 0},
		{messages.KindStartupMessage, "\x04\xd2\x16\x31\x00", "protocol_version", 0},
		{messages.KindStartupMessage, "\x00\x03\x00\x00\x00x", "", 5},
		{messages.KindStartupMessageV2, "\x00\x03\x00\x00", "protocol_version", 0},
		{messages.KindSSLRequest, "\x04\xd2\x16\x30", "", 0},
		{messages.KindCancelRequest, "\x04\xd2\x16\x2e\x00\x00\x00\x01abc", "secret_key", 8},
		{messages.KindBackendKeyData, "\x00\x00\x00\x01" + strings.Repeat("k", 257), "secret_key", 4},
		{messages.KindAuthenticationOk, "\x00\x00\x00\x03", "", 0},
		{messages.KindAuthenticationMD5Password, "\x00\x00\x00\x05\x01\x02\x03\x04\x05", "", 8},
		{messages.KindReadyForQuery, "i", "status", 0},
		{messages.KindDescribe, "X\x00", "kind", 0},
		{messages.KindClose, "\x00\x00", "kind", 0},
		{messages.KindSSLResponse, "E", "accepted", 0},
		{messages.KindSync, "\x00", "", 0},
		{messages.KindErrorResponse, "SERROR\x00\x00x", "", 8},
		{messages.KindErrorResponse, strings.Repeat("Ma\x00", 257) + "\x00", "fields", 768},
		{messages.KindQuery, "a\x00b\x00", "", 2},
	}
	for _, tt := range tests {
		err := tt.kind.New().Decode([]byte(tt.body))
		var fault *messages.DecodeError
		if !errors.As(err, &fault) {
			t.Errorf("%v %.40q: error %v, want a *DecodeError", tt.kind, tt.body, err)
			continue
		}
		if fault.Kind != tt.kind || fault.Field != tt.field || fault.Offset != tt.offset {
			t.Errorf("%v %.40q: fault in %q at %d, want %q at %d", tt.kind, tt.body, fault.Field, fault.Offset, tt.field, tt.offset)
		}
	}
}

// Each Int16 and Int32 of each sample is overwritten with the counts and lengths
// that an attacker would choose. Nothing may panic, and memory stays within a
// small multiple of the body.
func TestHostileNumbers(t *testing.T) {
	numbers := []uint32{0, 1, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff}
	var before, after runtime.MemStats
	for _, s := range samples.All() {
		body := make([]byte, len(s.Body()))
		runs := 0
		runtime.ReadMemStats(&before)
		for at := range body {
			for _, n := range numbers {
				copy(body, s.Body())
				if at+2 <= len(body) {
					binary.BigEndian.PutUint16(body[at:], uint16(n))
					runs += decodeAnything(s.Kind, body)
				}
				if at+4 <= len(body) {
					binary.BigEndian.PutUint32(body[at:], n)
					runs += decodeAnything(s.Kind, body)
				}
			}
		}
		runtime.ReadMemStats(&after)
		// The struct, an error and lists of at most 24 times the body.
		if used := int(after.TotalAlloc - before.TotalAlloc); runs > 0 && used/runs > 1024+64*len(body) {
			t.Errorf("%s: %d bytes allocated for a body of %d", s.Name, used/runs, len(body))
		}
	}
}

func decodeAnything(k messages.Kind, body []byte) int {
	m := k.New()
	err := m.Decode(body)
	messages.VisitDecoded(m, err, discard{})
	messages.WellFormed(k, body)
	return 1
}

// Lists of the smallest names there are must not cost many times their bytes.
func TestNamesAreBounded(t *testing.T) {
	tests := []struct {
		kind messages.Kind
		body string
	}{
		{messages.KindStartupMessage, "\x00\x03\x00\x00" + strings.Repeat("a\x00\x00", 1<<20)},
		{messages.KindAuthenticationSASL, "\x00\x00\x00\x0a" + strings.Repeat("a\x00", 1<<20)},
		{messages.KindErrorResponse, strings.Repeat("a\x00", 1<<20)},
		{messages.KindNegotiateProtocolVersion, "\x00\x03\x00\x00\x00\x10\x00\x00" + strings.Repeat("\x00", 1<<20)},
	}
	for _, tt := range tests {
		body := []byte(tt.body)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := tt.kind.New().Decode(body)
		runtime.ReadMemStats(&after)
		if err == nil {
			t.Errorf("%v: no error", tt.kind)
		}
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20 {
			t.Errorf("%v: %d bytes allocated", tt.kind, used)
		}
	}
}
