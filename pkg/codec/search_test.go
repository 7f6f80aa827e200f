package codec

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// wires of messages that the tests put together.
const (
	wireReady    = "Z\x00\x00\x00\x05I"
	wireSelect1  = "C\x00\x00\x00\x0dSELECT 1\x00"
	wireRow      = "D\x00\x00\x00\x0b\x00\x01\x00\x00\x00\x011"
	wireColumns  = "T\x00\x00\x00\x1a\x00\x01a\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x17\x00\x04\xff\xff\xff\xff\x00\x00"
	wireSync     = "S\x00\x00\x00\x04"
	wireExecute  = "E\x00\x00\x00\x09\x00\x00\x00\x00\x00"
	wireQuery    = "Q\x00\x00\x00\x0dselect 1\x00"
	wireStartup  = "\x00\x00\x00\x10\x00\x03\x00\x00user\x00u\x00\x00"
	wireTerm     = "X\x00\x00\x00\x04"
	wireSSL      = "\x00\x00\x00\x08\x04\xd2\x16\x2f"
	wireParsed   = "1\x00\x00\x00\x04"
	wireBound    = "2\x00\x00\x00\x04"
	wireCopyDone = "c\x00\x00\x00\x04"
)

// A boundary is found with the very chunk that has enough evidence: what comes
// later would be shown with the wrong packet.
func TestBoundaryIsFoundAtOnce(t *testing.T) {
	const front, back = messages.Frontend, messages.Backend
	rows := strings.Repeat(wireRow, 3)
	for _, c := range []struct {
		name  string
		dir   messages.Direction
		phase messages.Phase
		chunk string
		want  string // tags of the messages delivered, '-' for a startup packet
	}{
		{"query", front, messages.PhaseUnknown, wireQuery, "Q"},
		{"sync", front, messages.PhaseUnknown, wireSync, "S"},
		{"terminate", front, messages.PhaseUnknown, wireTerm, "X"},
		{"copy done", front, messages.PhaseCopyIn, wireCopyDone, "c"},
		{"startup", front, messages.PhaseUnknown, wireStartup, "-"},
		{"SSLRequest", front, messages.PhaseUnknown, wireSSL, "-"},
		{"query although startup", front, messages.PhaseStartup, wireQuery + wireSync, "QS"},
		{"end of Bind, Execute, Sync", front, messages.PhaseUnknown, "e\x00\x00" + wireExecute + wireSync, "ES"},
		{"answer to a query", back, messages.PhaseUnknown, wireColumns + rows + wireSelect1 + wireReady, "TDDDCZ"},
		{"BEGIN", back, messages.PhaseUnknown, "C\x00\x00\x00\x0aBEGIN\x00Z\x00\x00\x00\x05T", "CZ"},
		{"bare sync", back, messages.PhaseUnknown, wireReady, "Z"},
		{"parsed", back, messages.PhaseUnknown, wireParsed, "1"},
		{"end of a row, row, end", back, messages.PhaseUnknown, "tail of text" + wireRow + wireSelect1 + wireReady, "DCZ"},
		{"end of a row, end", back, messages.PhaseUnknown, "tail of text" + wireSelect1 + wireReady, "CZ"},
		{"SSLResponse", back, messages.PhaseSSLNegotiation, "N", "-"},
		{"GSSENCResponse", back, messages.PhaseGSSNegotiation, "G", "-"},
		{"not an SSLResponse", back, messages.PhaseSSLNegotiation, "G", ""},
		{"answer although SSL", back, messages.PhaseSSLNegotiation, wireSelect1 + wireReady, "CZ"},

		{"text", back, messages.PhaseUnknown, "the quick brown fox", ""},
		{"one message at the end", back, messages.PhaseUnknown, "the quick brown fox" + wireReady, ""},
		{"a message in the middle", back, messages.PhaseUnknown, "the quick" + wireColumns + wireRow + wireSelect1 + wireReady + "fox", ""},
		{"a message and a part", back, messages.PhaseUnknown, wireReady + "Q", ""},
		{"wrong status", back, messages.PhaseUnknown, "Z\x00\x00\x00\x05J", ""},
		{"rows with other columns", back, messages.PhaseUnknown, "..D\x00\x00\x00\x0f\x00\x02\x00\x00\x00\x011\xff\xff\xff\xff" + wireRow, ""},
		{"impossible order", back, messages.PhaseUnknown, wireColumns + wireCopyDone, ""},
		{"frontend's by backend", back, messages.PhaseUnknown, wireQuery, ""},
		{"HTTP", front, messages.PhaseUnknown, "GET / HTTP/1.1\r\nHost: x\r\n\r\n", ""},
		{"TLS", front, messages.PhaseUnknown, "\x16\x03\x01\x00\x05\x01\x00\x00\x01\x03", ""},
		{"MySQL", back, messages.PhaseUnknown, "D\x00\x00\x00\x0a8.0.33\x00\x08\x00\x00\x00abcdefgh\x00\xff\xff", ""},
	} {
		r := newRun(t, c.dir, c.phase, StreamOptions{})
		r.s.MidStream()
		r.feed([]byte(c.chunk))
		tags := ""
		for _, f := range r.frames {
			tags += string(max(f.tag, '-'))
		}
		if tags != c.want {
			t.Errorf("%s: delivered %q, want %q; skips %v", c.name, tags, c.want, r.skips)
		}
		if r.s.Synced() != (c.want != "") {
			t.Errorf("%s: synced %v", c.name, r.s.Synced())
		}
		r.end()
		if tags := len(c.want); len(r.frames) != tags {
			t.Errorf("%s: in the end %v", c.name, r.frames)
		}
	}
}

// Data without a pause must be seen for a while, and is then reported from its
// first message on.
func TestBoundaryInsideData(t *testing.T) {
	data := []byte(strings.Repeat(wireRow, 400))
	r := newRun(t, messages.Backend, messages.PhaseUnknown, StreamOptions{})
	r.s.MidStream()
	r.feedIn(data[5:5+1448*3], 1448)
	if len(r.frames) == 0 || r.frames[0].at != len(wireRow)-5 {
		t.Fatalf("frames %v, skips %v", r.frames, r.skips)
	}
	if want := (5+1448*3)/len(wireRow) - 1; len(r.frames) != want {
		t.Errorf("%d frames, want %d", len(r.frames), want)
	}
}

// A chain lives on over a gap of known size between its messages' headers.
func TestSearchGoesOnOverGap(t *testing.T) {
	row := append([]byte("D\x00\x00\x04\x0a\x00\x01\x00\x00\x04\x00"), strings.Repeat("x", 1024)...)
	data := slices.Concat(row, row, row, row, row, row, row, row)
	r := newRun(t, messages.Backend, messages.PhaseUnknown, StreamOptions{})
	r.s.MidStream()
	r.feed(data[500 : len(row)+200])
	r.s.Gap(300)
	r.feedIn(data[len(row)+500:], 700)
	r.end()
	at := 0
	for _, f := range r.frames {
		if at = f.at + 500; at%len(row) != 0 {
			t.Fatalf("false message %v", f)
		}
	}
	if len(r.frames) != 6 || at != 7*len(row) {
		t.Errorf("%v %v", r.frames, r.skips)
	}
}

// Messages larger than the window are not held; the first after them is found.
func TestBoundaryAfterLargeMessages(t *testing.T) {
	large := (&messages.CopyData{Data: []byte(strings.Repeat("some text\n", 10_000))}).Append(nil)
	var data []byte
	for range 12 {
		data = append(data, large...)
	}
	r := newRun(t, messages.Backend, messages.PhaseCopyOut, StreamOptions{})
	r.s.MidStream()
	for b := data[1000:]; len(b) > 0; b = b[min(len(b), 1448):] {
		r.feed(b[:min(len(b), 1448)])
		if n := cap(r.s.in.held); !r.s.Synced() && n > 4*huntWindow {
			t.Fatalf("%d bytes held", n)
		}
	}
	if len(r.frames) != 8 {
		t.Errorf("%d messages, want all 11 that were whole but the 3 that gave evidence", len(r.frames))
	}
	for _, f := range r.frames {
		if (f.at+1000)%len(large) != 0 || f.size != len(large) {
			t.Fatalf("false message %v", f)
		}
	}
}
