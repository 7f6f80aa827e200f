package pqtrace

import (
	"bytes"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// line makes a line of a message's body; an unknown kind's begins with its type byte.
func line(d messages.Direction, k messages.Kind, body string) *Line {
	l := &Line{Time: 1763683200123456789, Direction: d, Kind: k, Tag: k.Tag(), Body: []byte(body)}
	if k == messages.KindUnknown {
		l.Tag, l.Body = body[0], l.Body[1:]
	}
	l.Len = len(l.Body) + 4
	if l.Tag != 0 {
		l.Len++
	}
	if k == messages.KindSSLResponse || k == messages.KindGSSENCResponse {
		l.Len = 1
	}
	return l
}

// TestAppend holds the form of lines that libpq writes; those of kinds that real
// traces have are held by the captures with a trace beside them.
func TestAppend(t *testing.T) {
	f, b := messages.Frontend, messages.Backend
	for _, test := range []struct {
		line *Line
		opt  Options
		want string
	}{
		{line(f, messages.KindStartupMessage, "\x00\x03\x00\x00user\x00joe\x00database\x00db\x00\x00"), Options{}, "F\t30\tStartupMessage\t 3 0 \"user\" \"joe\" \"database\" \"db\"\n"},
		{line(f, messages.KindStartupMessage, "\x00\x03\x00\x00user\x00joe\x00\x00"), Options{Regress: true}, "F\tNN\tStartupMessage\t 3 0 \"user\" \"SSSS\"\n"},
		{line(f, messages.KindSSLRequest, "\x04\xd2\x16\x2f"), Options{}, "F\t8\tSSLRequest\t 1234 5679\n"},
		{line(b, messages.KindSSLResponse, "S"), Options{}, "B\t1\tSSLResponse\t S\n"},
		{line(f, messages.KindCancelRequest, "\x04\xd2\x16\x2e\x00\x00\x01\x00\x01\x02\x03\x04"), Options{Secrets: true}, "F\t16\tCancelRequest\t 1234 5678 256 '\\x01\\x02\\x03\\x04'\n"},
		{line(f, messages.KindCancelRequest, "\x04\xd2\x16\x2e\x00\x00\x01\x00\x01\x02\x03\x04"), Options{}, "F\t16\tCancelRequest\t 1234 5678 256 '<redacted>'\n"},
		{line(b, messages.KindBackendKeyData, "\x00\x00\x01\x00abcd"), Options{Regress: true}, "B\t12\tBackendKeyData\t NNNN 'BBBB'\n"},
		{line(b, messages.KindAuthenticationOk, "\x00\x00\x00\x00"), Options{}, "B\t8\tAuthenticationOk\n"},
		{line(b, messages.KindAuthenticationMD5Password, "\x00\x00\x00\x05salt"), Options{}, "B\t12\tAuthenticationMD5Password\nmismatched message length: consumed 8, expected 12\n"},
		{line(b, messages.KindAuthenticationSASL, "\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"), Options{}, "B\t23\tAuthenticationSASL\t \"SCRAM-SHA-256\" \"\"\n"},
		{line(b, messages.KindUnknown, "R\x00\x00\x00\x63"), Options{}, "B\t8\tUnknown authentication message 99\n"},
		{line(b, messages.KindUnknown, "y"), Options{}, "B\t4\tUnknown message: 79\n"},
		{line(f, messages.KindSASLInitialResponse, "SCRAM-SHA-256\x00\x00\x00\x00\x01x"), Options{}, "F\t23\tSASLInitialResponse\t \"SCRAM-SHA-256\" 1 '<redacted>'\n"},
		{line(f, messages.KindPasswordMessage, "secret\x00"), Options{}, "F\t11\tPasswordMessage\t \"<redacted>\"\n"},
		{line(f, messages.KindPasswordMessage, "secret\x00"), Options{Secrets: true}, "F\t11\tPasswordMessage\t \"secret\"\n"},
		{line(b, messages.KindParameterStatus, "TZ\x00UTC\x00"), Options{Regress: true}, "B\tNN\tParameterStatus\t \"TZ\" \"SSSS\"\n"},
		{line(f, messages.KindBind, "\x00s\x00\x00\x01\x00\x01\x00\x02\x00\x00\x00\x01\x09\xff\xff\xff\xff\x00\x00"), Options{}, "F\t24\tBind\t \"\" \"s\" 1 1 2 1 '\\x09' -1 0\n"},
		{line(b, messages.KindRowDescription, "\x00\x01abc\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x19\xff\xff\xff\xff\xff\xff\x00\x00"), Options{Regress: true}, "B\t28\tRowDescription\t 1 \"abc\" NNNN 0 NNNN 65535 -1 0\n"},
		{line(b, messages.KindErrorResponse, "SERROR\x00F\x61\x00\x00"), Options{}, "B\t15\tErrorResponse\t S \"ERROR\" F \"a\" \\x00\n"},
		{line(b, messages.KindErrorResponse, "SERROR\x00F\x61\x00\x00"), Options{Regress: true}, "B\tNN\tErrorResponse\t S \"ERROR\" F \"SSSS\" \\x00\n"},
		{line(f, messages.KindCopyData, "a\nb"), Options{}, "F\t7\tCopyData\t 'a\\x0ab'\n"},
		{line(f, messages.KindQuery, "a\x1b[2J\x00"), Options{}, "F\t10\tQuery\t \"a\x1b[2J\"\n"},
		{line(f, messages.KindQuery, "a\x1b[2J\x00"), Options{Escape: true}, "F\t10\tQuery\t \"a\\x1b[2J\"\n"},
		{line(b, messages.KindNegotiateProtocolVersion, "\x00\x03\x00\x00\x00\x00\x00\x01_pq_.x\x00"), Options{}, "B\t19\tNegotiateProtocolVersion\t 196608 1 \"_pq_.x\"\n"},
	} {
		test.opt.NoTimestamps = true
		got := string(Append(nil, test.line, &test.opt))
		if got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
	}
}

func TestAppendTime(t *testing.T) {
	got := string(Append(nil, line(messages.Frontend, messages.KindSync, ""), &Options{}))
	if want := "2025-11-21 00:00:00.123456\tF\t4\tSync\n"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// TestSamples holds that the fields of every kind make up the whole message: libpq
// says of some that they do not, because it leaves their data out.
func TestSamples(t *testing.T) {
	unread := map[messages.Kind]bool{messages.KindAuthenticationMD5Password: true}
	for _, s := range samples.All() {
		l := &Line{Direction: s.Direction, Kind: s.Kind, Len: len(s.Wire), Body: s.Body()}
		if s.HeaderLen() == 5 {
			l.Tag = s.Wire[0]
		}
		out := string(Append(nil, l, &Options{NoTimestamps: true, Secrets: true}))
		odd := strings.Contains(out, "mismatched") && s.Kind != messages.KindUnknown
		if odd != unread[s.Kind] {
			t.Errorf("%s: %s", s.Name, out)
		}
		// Cut anywhere, a message shows no more than the whole one.
		for n := range l.Body {
			cut := *l
			cut.Body = l.Body[:n]
			got := Append(nil, &cut, &Options{NoTimestamps: true, Secrets: true})
			if bytes.Contains(got, []byte("mismatched")) {
				t.Errorf("%s cut to %d bytes: %s", s.Name, n, got)
			}
		}
	}
}

// TestSecretKinds holds that no byte of what proves an identity is shown.
func TestSecretKinds(t *testing.T) {
	const mark = "Qz7Qz7"
	for k := range messages.NumKinds {
		kind := messages.Kind(k)
		if !secret(kind) {
			continue
		}
		body := strings.Repeat(mark, 8) + "\x00"
		switch kind {
		case messages.KindSASLInitialResponse:
			body = "SCRAM-SHA-256\x00\x00\x00\x00\x06" + mark
		case messages.KindBackendKeyData:
			body = "\x00\x00\x00\x01" + mark
		case messages.KindCancelRequest:
			body = "\x04\xd2\x16\x2e\x00\x00\x00\x01" + mark
		}
		l := &Line{Kind: kind, Tag: kind.Tag(), Len: len(body) + 5, Body: []byte(body)}
		if out := Append(nil, l, &Options{}); bytes.Contains(out, []byte(mark)) {
			t.Errorf("%v: %q", kind, out)
		}
	}
}

func FuzzAppend(f *testing.F) {
	for _, s := range samples.All() {
		f.Add(uint8(s.Kind), uint8(s.Direction), s.Body())
	}
	f.Fuzz(func(t *testing.T, kind, dir uint8, body []byte) {
		k := messages.Kind(kind % uint8(messages.NumKinds))
		l := &Line{Kind: k, Direction: messages.Direction(dir & 1), Tag: k.Tag(), Len: len(body) + 5, Body: body}
		for _, o := range []Options{{}, {Regress: true}, {Secrets: true, Escape: true}} {
			out := Append(nil, l, &o)
			if len(out) > 64*len(body)+512 || out[len(out)-1] != '\n' {
				t.Fatalf("%d bytes of %d", len(out), len(body))
			}
			if o.Escape && bytes.ContainsAny(out[:len(out)-1], "\x1b\x07\r") {
				t.Fatalf("%q", out)
			}
		}
	})
}
