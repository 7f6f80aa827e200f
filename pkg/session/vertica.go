package session

import (
	"bytes"
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// codeLoadBalance asks Vertica's servers for another host (LoadBalanceRequest of
// vertica-python and vertica-sql-go). They answer it with the byte 'N', or with a message
// that names the host and begins with 'Y'.
const codeLoadBalance = 80936960

func asksForBalance(e *Event) bool {
	return e.Kind == messages.KindUnknown && e.Direction == messages.Frontend && e.Tag == 0 &&
		len(e.Body) == 4 && binary.BigEndian.Uint32(e.Body) == codeLoadBalance
}

// balanceAnswer steps over the byte that answers a LoadBalanceRequest, before the client
// can have asked for anything else, and returns what is after it.
func (s *Session) balanceAnswer(b []byte, at Stamp) []byte {
	const refused = 'N'
	s.balanced = false
	if b[0] != refused {
		return b
	}
	s.places.fed[messages.Backend]++
	s.places.at[messages.Backend]++
	s.addSkipped(messages.Backend, 1, "the answer to LoadBalanceRequest", at)
	s.endTrouble(messages.Backend) // where it is, not when the next message comes
	return b[1:]
}

// maxPlainStartup is the longest startup packet that is remembered, in bytes.
const maxPlainStartup = 1 << 10

// translateStartup makes of Vertica's startup packet one of PostgreSQL's. Most are the
// same as the latest one.
func (s *Session) translateStartup(f *codec.Frame) {
	latest := &s.shared.plainStartup
	if string(f.Body) == string(*latest) {
		return
	}
	if body := verticaStartup(f.Body); len(body) == 0 || &body[0] != &f.Body[0] {
		f.Body = body
	} else if len(body) <= maxPlainStartup {
		*latest = append((*latest)[:0], body...)
	}
}

// verticaStartup returns the body of a startup packet with the one parameter that
// Vertica's clients write as a number, protocol_version, as a text like the others:
// else a name would be read from within it. Others are returned as they are.
func verticaStartup(body []byte) []byte {
	const version, size = 4, 4
	if !bytes.Contains(body, []byte("protocol_version\x00\x00")) {
		return body
	}
	for at := version; at < len(body); {
		name := bytes.IndexByte(body[at:], 0)
		if name <= 0 {
			break
		}
		value := at + name + 1
		if string(body[at:value-1]) == "protocol_version" && numeric(body[value:]) {
			text := messages.ProtocolVersion(binary.BigEndian.Uint32(body[value:])).String()
			return append(append(bytes.Clone(body[:value]), text...), body[value+size:]...)
		}
		n := bytes.IndexByte(body[value:], 0)
		if n < 0 {
			break
		}
		at = value + n + 1
	}
	return body
}

// numeric reports whether the value of a parameter is a version as a number and the zero
// that ends it. As texts these bytes would be an empty value and a name that begins with
// a control character, which nothing has.
func numeric(b []byte) bool {
	const size = 4
	return len(b) > size && b[0] == 0 && b[1] > 0 && b[1] < ' ' && b[size] == 0
}
