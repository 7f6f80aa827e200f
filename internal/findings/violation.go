package findings

import (
	"fmt"
	"slices"
)

var violationCode = &code{name: "protocol_violation", finish: finishViolation}

// sections are where the manual says what is right.
var sections = map[string]string{
	"unexpected_message":   "Message Flow",
	"unsolicited_reply":    "Message Flow",
	"skipped_reply":        "Message Flow: Extended Query, Pipelining",
	"unknown_type":         "Message Formats",
	"bad_protocol_version": "Message Flow: Start-up",
	"too_many_outstanding": "Message Flow: Pipelining",
	"malformed":            "Message Formats",
	"plaintext_injection":  "Message Flow: SSL Session Encryption",
}

type violationData struct {
	code, text string
	kinds      map[string]uint64
}

// violation takes a message that is against the protocol.
func (e *Engine) violation(c *conn, m *Message) {
	e.Violation(&c.Conn, m.Anomaly, m.Kind.String()+" from the "+m.Direction.String()+": "+m.AnomalyText, m.Kind.String(), m.At, m.Query)
}

// Violation takes what breaks the protocol and is, or is not, a message.
func (e *Engine) Violation(k *Conn, code, text, kind string, at Stamp, query uint64) {
	c := e.of(k)
	d := e.draft(violationCode, c.app, hashOf([]byte(code)))
	if d == nil {
		return
	}
	x, _ := d.data.(*violationData)
	if x == nil {
		x = &violationData{code: code, text: text, kinds: make(map[string]uint64)}
		d.data = x
	}
	x.kinds[kind]++
	d.note(at)
	d.on(c)
	if n := len(c.violated); n < 8 && !slices.Contains(c.violated, d) {
		c.violated = append(c.violated, d)
	}
	d.show(at, c, query, shorten(clean160(text), 140))
}

func finishViolation(e *Engine, d *draft) (f Finding, ok bool) {
	x := d.data.(*violationData)
	conf := Certain
	s := Warning
	if d.lossy {
		conf, s = Likely, Info // what was not captured may explain it
	}
	f = d.finding(s, conf)
	section := sections[x.code]
	if section == "" {
		section = "Message Flow"
	}
	f.Title = fmt.Sprintf("%s of the protocol by %s: %s (%s); manual: %q", count(d.count, "violation"), d.app.name(), x.code, list(firstKeys(x.kinds, 3)), "Frontend/Backend Protocol, "+section)
	f.Advice = "The driver, the pooler or the server sends what the protocol does not allow at that place: the evidence names the messages; pgsniff read --strict --conn N shows them in their order."
	return f, true
}
