package value_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/value"
)

const (
	oidInt4    = 23
	oidText    = 25
	oidNumeric = 1700
	oidRecord  = 2249
	oidTSQuery = 3615
)

func ExampleAppend() {
	text, ok := value.Append(nil, 1114, []byte{0, 2, 0xB0, 0x7D, 0x3C, 0x2A, 0x80, 0}, nil)
	fmt.Println(value.TypeName(1114), string(text), ok)
	// Output: timestamp 2023-12-27 14:18:00.240128 true
}

// wire builds values: integers as Int32, strings as bytes, nested values with their
// length.
func wire(parts ...any) []byte {
	var b []byte
	for _, p := range parts {
		switch p := p.(type) {
		case int:
			b = binary.BigEndian.AppendUint32(b, uint32(p))
		case string:
			b = append(b, p...)
		case []byte:
			b = binary.BigEndian.AppendUint32(b, uint32(len(p)))
			b = append(b, p...)
		default:
			panic(p)
		}
	}
	return b
}

// TestRefused lists values that have not the format of their type.
func TestRefused(t *testing.T) {
	one := wire(1)
	for _, c := range []struct {
		name string
		oid  uint32
		b    []byte
	}{
		{"no such type", 99999, one},
		{"type without binary form", 1033, one},
		{"numeric: digit above 9999", oidNumeric, []byte{0, 1, 0, 0, 0, 0, 0, 0, 0x27, 0x10}},
		{"numeric: unknown sign", oidNumeric, []byte{0, 0, 0, 0, 0x10, 0, 0, 0}},
		{"numeric: scale out of range", oidNumeric, []byte{0, 0, 0, 0, 0, 0, 0x40, 0}},
		{"numeric: fewer digits than counted", oidNumeric, []byte{0, 2, 0, 0, 0, 0, 0, 0, 0, 1}},
		{"jsonb: version 2", 3802, []byte("\x02{}")},
		{"varbit: more bits than bytes", 1562, wire(9, "\xFF")},
		{"varbit: fewer bits than bytes", 1562, wire(8, "\xFF\xFF")},
		{"varbit: negative", 1562, wire(-1)},
		{"date: beyond the calendar", 1082, wire(0x7FFFFFFE)},
		{"time: beyond 24:00", 1083, wire(0x14, 0x1DD76001)},
		{"time: negative", 1083, wire(-1, -1)},
		{"timetz: 16 hours west", 1266, wire(0, 0, 16*3600)},
		{"timestamp: beyond the calendar", 1114, wire(0x7FFFFFFF, -2)},
		{"inet: unknown family", 869, []byte{9, 32, 0, 4, 1, 2, 3, 4}},
		{"inet: netmask of 33", 869, []byte{2, 33, 0, 4, 1, 2, 3, 4}},
		{"inet: IPv6 size in IPv4", 869, append([]byte{2, 32, 0, 16}, make([]byte, 16)...)},
		{"path: neither open nor closed", 602, append([]byte{2}, append(wire(1), make([]byte, 16)...)...)},
		{"polygon: no points", 604, wire(0)},
		{"polygon: count that overflows", 604, wire(0x10000000)},
		{"array: seven dimensions", 1007, append(wire(7, 0, oidInt4), make([]byte, 56)...)},
		{"array: negative dimensions", 1007, wire(-1, 0, oidInt4)},
		{"array: of another type", 1007, wire(1, 0, oidText, 1, 1, one)},
		{"array: huge dimension", 1007, wire(1, 0, oidInt4, 0x7FFFFFFF, 0, one)},
		{"array: negative dimension", 1007, wire(1, 0, oidInt4, -1, 1)},
		{"array: element longer than the rest", 1007, wire(1, 0, oidInt4, 1, 1, 5, 1)},
		{"array: element length of -2", 1007, wire(1, 0, oidInt4, 1, 1, -2)},
		{"array: more than its elements", 1007, wire(1, 0, oidInt4, 1, 1, one, 0)},
		{"range: unknown flag", 3904, []byte{0x40}},
		{"range: empty with a bound", 3904, append([]byte{1}, wire(one)...)},
		{"range: a bound is missing", 3904, append([]byte{0}, wire(one)...)},
		{"range: a bound is NULL", 3904, append([]byte{0}, wire(-1, one)...)},
		{"multirange: fewer ranges than counted", 4451, wire(2, []byte{1})},
		{"record: negative count", oidRecord, wire(-1)},
		{"record: fewer fields than counted", oidRecord, wire(2, oidInt4, one)},
		{"record: field without a type", oidRecord, wire(1, 0, one)},
		{"record: field of the wrong size", oidRecord, wire(1, oidInt4, "\x00\x00\x00\x02ab")},
		{"tsvector: lexeme without an end", 3614, wire(1, "abc")},
		{"tsvector: fewer positions than counted", 3614, wire(1, "a\x00\x00\x02\x00\x01")},
		{"tsquery: operator without operands", oidTSQuery, wire(1, "\x02\x02")},
		{"tsquery: one operand of two", oidTSQuery, wire(2, "\x02\x02\x01\x00\x00a\x00")},
		{"tsquery: two trees", oidTSQuery, wire(2, "\x01\x00\x00a\x00\x01\x00\x00b\x00")},
		{"tsquery: unknown operator", oidTSQuery, wire(1, "\x02\x05")},
		{"tsquery: phrase without distance", oidTSQuery, wire(3, "\x01\x00\x00a\x00\x01\x00\x00b\x00\x02\x04")},
		{"tsquery: count beyond the bytes", oidTSQuery, wire(0x7FFFFFFF, "\x01\x00\x00a\x00")},
		{"snapshot: negative count", 5038, wire(-1, 0, 0, 0, 0)},
		{"int2vector: NULL inside", 22, wire(1, 0, 21, 1, 0, -1)},
	} {
		dst := []byte("kept")
		if got, ok := value.Append(dst, c.oid, c.b, nil); ok || string(got) != "kept" {
			t.Errorf("%s: %q, %v", c.name, got, ok)
		}
	}
}

// TestTruncated cuts every recorded value short. Text has no length to tell.
func TestTruncated(t *testing.T) {
	text := map[uint32]bool{16: false}
	for _, name := range []string{"text", "varchar", "bpchar", "name", "json", "jsonb", "jsonpath", "xml", "bytea", "refcursor", "cstring"} {
		for oid := uint32(1); oid < 6200; oid++ {
			text[oid] = text[oid] || value.TypeName(oid) == name
		}
	}
	for _, r := range recordedValues(t) {
		for n := range r.wire {
			got, ok := value.Append(nil, r.oid, r.wire[:n:n], nil)
			if ok && !text[r.oid] {
				t.Errorf("%s %x: %q from %d of %d bytes", value.TypeName(r.oid), r.wire, got, n, len(r.wire))
			}
		}
		if got, ok := value.Append(nil, r.oid, append(r.wire[:len(r.wire):len(r.wire)], 0), nil); ok && !text[r.oid] {
			t.Errorf("%s %x and a zero: %q", value.TypeName(r.oid), r.wire, got)
		}
	}
}

// nested wraps a value in rows.
func nested(depth int, b []byte, oid int) []byte {
	for range depth {
		b, oid = wire(1, oid, b), oidRecord
	}
	return b
}

func TestDepthIsBounded(t *testing.T) {
	if got, ok := value.Append(nil, oidRecord, nested(5, wire(7), oidInt4), nil); !ok || !strings.Contains(string(got), "7") {
		t.Errorf("5 levels: %q, %v", got, ok)
	}
	if got, ok := value.Append(nil, oidRecord, nested(1000, wire(7), oidInt4), nil); ok {
		t.Errorf("1000 levels: %d bytes", len(got))
	}
	// Inner types that only a database knows.
	if got, ok := value.AppendUnknown(nil, nested(1000, wire(7), oidInt4), nil); ok {
		t.Errorf("1000 levels: %d bytes", len(got))
	}
}

// TestSizeIsBounded: small values whose text would be huge.
func TestSizeIsBounded(t *testing.T) {
	million := []byte{0, 1, 0x7F, 0xFF, 0, 0, 0, 0, 0, 1} // 1e131068
	one, ok := value.Append(nil, oidNumeric, million, nil)
	if !ok || len(one) != 1+4*0x7FFF {
		t.Errorf("one numeric: %d bytes, %v", len(one), ok)
	}
	many := wire(1, 0, oidNumeric, 10_000, 1)
	for range 10_000 {
		many = append(many, wire(million)...)
	}
	if got, ok := value.Append(nil, 1231, many, nil); ok {
		t.Errorf("array of numerics: %d bytes", len(got))
	}
	// Quotes double at each level.
	if got, ok := value.Append(nil, oidRecord, nested(30, []byte(`"`), oidText), nil); ok {
		t.Errorf("nested quotes: %d bytes", len(got))
	}
	// The limit is for the value and not for what was before it.
	before := bytes.Repeat([]byte("x"), 4<<20)
	if _, ok := value.Append(before, oidRecord, nested(3, []byte(`"`), oidText), nil); !ok {
		t.Error("a long dst leaves no room")
	}
}

// TestTimeIsBounded: values made to be looked at again and again. Twice the work
// with each level would not end within the time that go test gives; the clock of a
// busy machine says nothing more.
func TestTimeIsBounded(t *testing.T) {
	deepQuery := wire(1 + 2*100_000)
	for range 100_000 {
		deepQuery = append(deepQuery, "\x02\x02"...) // AND, its right operand next
	}
	for range 100_001 {
		deepQuery = append(deepQuery, "\x01\x00\x00a\x00"...)
	}
	// Rows and arrays that turn out to be neither at the innermost level.
	neither := bytes.Repeat([]byte{0}, 1<<20)
	for range 15 {
		neither = wire(1, 0, 16385, 1, 1, wire(1, 16385, neither))
	}
	for name, f := range map[string]func(){
		"tsquery":      func() { value.Append(nil, oidTSQuery, deepQuery, nil) },
		"unknown":      func() { value.AppendUnknown(nil, neither, nil) },
		"many numbers": func() { value.AppendUnknown(nil, bytes.Repeat([]byte{0, 0, 0, 1}, 1<<18), nil) },
	} {
		t.Logf("%s", name) // what go test stops after its time limit names
		f()
	}
}

func TestQueryOfManyTerms(t *testing.T) {
	for _, n := range []int{33, 1000} {
		var b []byte
		for range n - 1 {
			b = append(b, "\x02\x02\x01\x00\x00a\x00"...) // AND with the right operand "a"
		}
		got, ok := value.Append(nil, oidTSQuery, append(wire(2*n-1), append(b, "\x01\x00\x00a\x00"...)...), nil)
		if want := strings.Repeat("'a' & ", n-1) + "'a'"; !ok || string(got) != want {
			t.Errorf("%d terms: %.100q, %v", n, got, ok)
		}
	}
}

func TestNumericNotCanonical(t *testing.T) {
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{[]byte{0, 2, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7}, "7"},
		{[]byte{0, 1, 0, 5, 0x40, 0, 0, 2, 0, 0}, "0.00"},
		{[]byte{0, 2, 0, 0, 0, 0, 0, 1, 0, 1, 0x04, 0xD2}, "1.1"},
	} {
		if got, ok := value.Append(nil, oidNumeric, c.b, nil); !ok || string(got) != c.want {
			t.Errorf("%x: %q, %v, want %q", c.b, got, ok, c.want)
		}
	}
}

func TestIntervalInfinity(t *testing.T) {
	for want, b := range map[string][]byte{
		"infinity":  wire(0x7FFFFFFF, -1, 0x7FFFFFFF, 0x7FFFFFFF),
		"-infinity": wire(-0x80000000, 0, -0x80000000, -0x80000000),
	} {
		if got, ok := value.Append(nil, 1186, b, nil); !ok || string(got) != want {
			t.Errorf("%q, %v, want %q", got, ok, want)
		}
	}
}

func TestZone(t *testing.T) {
	at := time.Date(2024, 7, 1, 0, 0, 0, 0, time.UTC)
	for name, want := range map[string]int{
		"UTC": 0, "Europe/Berlin": 7200, "America/St_Johns": -9000, "<-03>+03": -10800, "<+05:45>-05:45": 20700, "EST5EDT": -14400, "XYZ4:30": -16200,
	} {
		for range 2 { // the second is remembered
			zone := value.Zone(name)
			if zone == nil {
				t.Errorf("Zone(%q) = nil", name)
				continue
			}
			if _, east := at.In(zone).Zone(); east != want {
				t.Errorf("Zone(%q) is %d seconds east, want %d", name, east, want)
			}
		}
	}
	for _, name := range []string{"", "Local", "Mars/Olympus", "../../etc/passwd", "/etc/passwd", "<x", "<x>", "<x>999", "<x>1:2:3:4", "AB1", strings.Repeat("x", 1000)} {
		if zone := value.Zone(name); zone != nil {
			t.Errorf("Zone(%q) = %v", name, zone)
		}
	}
}

func TestAppendUnknown(t *testing.T) {
	const enum = 16385
	row := wire(2, oidInt4, wire(7), enum, []byte("so so"))
	for _, c := range []struct {
		b    []byte
		want string
	}{
		{[]byte(""), ""},
		{[]byte("so so"), "so so"},
		{[]byte("tab\tnew\r\nline ü"), "tab\tnew\r\nline ü"},
		{row, `(7,"so so")`},
		{wire(1, 1, enum, 2, 1, []byte("a b"), -1), `{"a b",NULL}`},
		{wire(0, 0, enum), "{}"},
		{wire(1, 0, enum, 1, 1, row), `{"(7,\"so so\")"}`},
		{wire(2, []byte("k"), []byte(`v"\`), []byte(""), -1), `"k"=>"v\"\\", ""=>NULL`},
	} {
		if got, ok := value.AppendUnknown(nil, c.b, nil); !ok || string(got) != c.want {
			t.Errorf("%x: %q, %v, want %q", c.b, got, ok, c.want)
		}
	}
	for _, b := range [][]byte{
		{0},
		{1, 2, 3},
		[]byte("a\x00b"), []byte("\x7f"), []byte("caf\xe9"), []byte("\u0085"), []byte("esc\x1b[0m"),
		wire(0), wire(1), wire(0, 0, 5000), wire(1, []byte("k")), wire(1, []byte("k"), []byte("v"), 0),
		wire(1, []byte("k\x00"), []byte("v")), wire(1, []byte("k"), []byte("v\x01")), wire(1, 9999, []byte("v")),
		wire(1, 0, enum, 1, 1, []byte("\x00\x01")), wire(1, enum, []byte("\x00\x01")),
	} {
		if got, ok := value.AppendUnknown([]byte("kept"), b, nil); ok || string(got) != "kept" {
			t.Errorf("%x: %q, %v", b, got, ok)
		}
	}
}

func TestTypeName(t *testing.T) {
	for oid, want := range map[uint32]string{23: "int4", 1184: "timestamptz", 1009: "text[]", 2249: "record", 2287: "record[]", 2277: "anyarray", 18: "char", 0: "", 16385: "", 1 << 31: ""} {
		if got := value.TypeName(oid); got != want {
			t.Errorf("TypeName(%d) = %q, want %q", oid, got, want)
		}
	}
}

func TestAllocatesNothing(t *testing.T) {
	dst := make([]byte, 0, 1<<16)
	for _, r := range recordedValues(t) {
		session := r.session()
		if n := testing.AllocsPerRun(10, func() { value.Append(dst, r.oid, r.wire, session) }); n != 0 {
			t.Errorf("%s %x: %v allocations", value.TypeName(r.oid), r.wire, n)
		}
	}
	for _, b := range [][]byte{[]byte("text"), wire(1, []byte("k"), []byte("v")), wire(1, 0, 16385, 1, 1, []byte("a"))} {
		if n := testing.AllocsPerRun(10, func() { value.AppendUnknown(dst, b, nil) }); n != 0 {
			t.Errorf("unknown %x: %v allocations", b, n)
		}
	}
}

func BenchmarkAppend(b *testing.B) {
	seen := map[uint32]bool{}
	dst := make([]byte, 0, 4096)
	// The longest recorded value of each type.
	longest := map[uint32]recorded{}
	for _, r := range recordedValues(b) {
		if len(r.text) > len(longest[r.oid].text) && len(r.wire) <= 64 {
			longest[r.oid] = r
		}
	}
	for _, r := range recordedValues(b) {
		if seen[r.oid] || longest[r.oid].wire == nil {
			continue
		}
		seen[r.oid] = true
		r := longest[r.oid]
		session := r.session()
		b.Run(value.TypeName(r.oid), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				value.Append(dst, r.oid, r.wire, session)
			}
		})
	}
}
