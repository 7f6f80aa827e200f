package samples

import (
	"slices"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Sample is one message in both forms.
type Sample struct {
	Name      string // unique
	Kind      messages.Kind
	Direction messages.Direction
	Phase     messages.Phase // in which it may be sent
	Wire      []byte         // complete: type byte and length included
	Message   messages.Message
}

// Body returns what Decode takes: the bytes after the length field, or the bytes
// that there are where the message has no length field.
func (s Sample) Body() []byte { return s.Wire[s.HeaderLen():] }

// HeaderLen returns how many bytes of Wire come before the body.
func (s Sample) HeaderLen() int {
	switch s.Kind {
	case messages.KindSSLResponse, messages.KindGSSENCResponse:
		return 0
	case messages.KindErrorResponseV2:
		return 1
	case messages.KindStartupMessage, messages.KindStartupMessageV2, messages.KindSSLRequest,
		messages.KindGSSENCRequest, messages.KindCancelRequest:
		return 4
	}
	return 5
}

// All returns samples of every kind, in the order of the kinds' chapters. No
// one is longer than 2 KiB. Each call makes them anew, so they can be changed.
func All() []Sample {
	return slices.Concat(startup(), cancel(), authentication(), simple(), results(),
		extended(), copying(), functionCall(), errorsAndNotices(), asynchronous(), unknown())
}

// Large returns samples at the limits of the format, up to 400 KB each.
func Large() []Sample { return large() }

// i16 and i32 are the manual's Int16 and Int32.
func i16(v int) string { return string([]byte{byte(v >> 8), byte(v)}) }

func i32(v int) string {
	return string([]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)})
}

// val is a counted value, null the value NULL.
func val(s string) string { return i32(len(s)) + s }

const null = "\xff\xff\xff\xff"

// typed puts a type byte and the length before a body, untyped the length.
func typed(tag byte, body string) []byte {
	return append([]byte{tag}, untyped(body)...)
}

func untyped(body string) []byte { return []byte(i32(len(body)+4) + body) }

// b is a string as the messages hold it.
func b(s string) []byte { return []byte(s) }

// frontend and backend make samples of messages with a type byte.
func frontend(name string, p messages.Phase, tag byte, body string, m messages.Message) Sample {
	return Sample{name, m.Kind(), messages.Frontend, p, typed(tag, body), m}
}

func backend(name string, p messages.Phase, tag byte, body string, m messages.Message) Sample {
	return Sample{name, m.Kind(), messages.Backend, p, typed(tag, body), m}
}

// packet makes samples of the frontend's messages without type byte.
func packet(name string, body string, m messages.Message) Sample {
	return Sample{name, m.Kind(), messages.Frontend, messages.PhaseStartup, untyped(body), m}
}
