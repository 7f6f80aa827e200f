package hostile

import "encoding/binary"

// Message returns a message with a type byte (manual: "Message Formats").
func Message(tag byte, body ...[]byte) []byte {
	m := []byte{tag, 0, 0, 0, 0}
	for _, b := range body {
		m = append(m, b...)
	}
	binary.BigEndian.PutUint32(m[1:], uint32(len(m)-1))
	return m
}

// Announce returns the head of a message whose body would be n bytes long.
func Announce(tag byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32([]byte{tag}, n+4)
}

// Int16 and Int32 return numbers as the protocol has them.
func Int16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

// Int32 returns a number of four bytes.
func Int32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// String returns s with the NUL that ends it.
func String(s string) []byte { return append([]byte(s), 0) }

// Startup returns a StartupMessage of version 3.0 with parameters, names and
// values in turn.
func Startup(parameters ...string) []byte {
	b := append(make([]byte, 4), 0, 3, 0, 0)
	for _, s := range parameters {
		b = append(append(b, s...), 0)
	}
	b = append(b, 0)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// Query returns a simple query.
func Query(sql string) []byte { return Message('Q', String(sql)) }

// Ready returns ReadyForQuery, idle.
func Ready() []byte { return Message('Z', []byte{'I'}) }

// Complete returns CommandComplete.
func Complete(tag string) []byte { return Message('C', String(tag)) }

// Authenticated returns what a server answers to a startup packet that it
// accepts at once: AuthenticationOk, BackendKeyData and ReadyForQuery.
func Authenticated(pid int) []byte {
	b := Message('R', Int32(0))
	b = append(b, Message('K', Int32(pid), Int32(pid*7919))...)
	return append(b, Ready()...)
}

// Parse, Bind, Execute and Sync return the requests of the extended protocol.
func Parse(statement, sql string) []byte {
	return Message('P', String(statement), String(sql), Int16(0))
}

// Bind returns a Bind with one parameter in text form.
func Bind(portal, statement, parameter string) []byte {
	return Message('B', String(portal), String(statement), Int16(0), Int16(1),
		Int32(len(parameter)), []byte(parameter), Int16(0))
}

// Execute returns an Execute of all rows.
func Execute(portal string) []byte { return Message('E', String(portal), Int32(0)) }

// Sync returns a Sync.
func Sync() []byte { return Message('S') }

// Columns returns a RowDescription of text columns.
func Columns(names ...string) []byte {
	b := Int16(len(names))
	for _, n := range names {
		b = append(b, String(n)...)
		b = append(b, make([]byte, 6)...)                       // no table
		b = append(b, Int32(25)...)                             // text
		b = append(b, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0) // any length, no modifier, text format
	}
	return Message('T', b)
}

// Row returns a DataRow.
func Row(values ...string) []byte {
	b := Int16(len(values))
	for _, v := range values {
		b = append(append(b, Int32(len(v))...), v...)
	}
	return Message('D', b)
}
