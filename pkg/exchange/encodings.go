package exchange

import "github.com/pgsniff/pgsniff/internal/sqltext"

// Encodings is what the encodings of a connection mean for the names in its SQL. The zero
// value is that client and server have UTF-8.
type Encodings struct{ client, server sqltext.Charset }

// SetClient tells the value of client_encoding.
func (e *Encodings) SetClient(name []byte) { e.client = sqltext.ClientCharset(name) }

// SetServer tells the value of server_encoding.
func (e *Encodings) SetServer(name []byte) { e.server = sqltext.ServerCharset(name) }

func (e *Encodings) charset() sqltext.Charset { return max(e.client, e.server) }
