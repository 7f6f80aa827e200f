package session

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

// frame takes a message from a decoder.
func (s *Session) frame(d messages.Direction, f *codec.Frame, first, at Stamp) {
	if s.trouble[d] != nil {
		s.endTrouble(d)
	}
	if s.odd != 0 || f.Kind == messages.KindStartupMessage {
		s.translate(d, f)
	}
	e := &s.shared.event
	e.Session, e.Cancels = s, Cancelled{}
	e.Direction, e.Kind, e.Body, e.Len, e.Lost = d, f.Kind, f.Body, f.Len, f.Lost
	e.First, e.At = first, at
	e.Tag, e.Truncated = f.Tag, f.Truncated
	s.cutBytes += int64(f.Lost)
	s.tracker.ObserveInto(&e.Step, d, f.Kind, f.Body)
	s.shared.kinds[f.Kind]++
	if d == messages.Frontend && s.tracker.Outstanding() > s.room {
		s.makeRoom()
	}
	if s.cfg.States {
		e.State = s.stepper.Observe(&s.tracker, d, f.Kind, &e.Step)
	}
	e.Notes = s.shared.notes[:0]
	if e.Step.Anomaly != nil || f.Truncated || e.Step.Inferred || e.Step.Discarded || f.Kind == messages.KindStartupMessage ||
		s.extended && f.Kind == messages.KindRowDescription {
		s.annotate(e)
	}
	if s.cfg.Strict && !f.Truncated {
		s.validate(e)
	}
	if s.roles.open && s.roles.speaks == 0 {
		s.noteSide(e)
	}
	if !s.heard {
		s.recognised(e)
	}
	if informative[f.Kind] {
		s.learn(e)
	}
	if s.replication != nil || f.Kind == messages.KindCopyData {
		s.replicate(e)
	}
	if s.cfg.Some != nil && !s.cfg.Messages {
		s.some(e)
	}
	s.report(e)
	e.Replication = nil // of this message alone
	s.afterFrame(e)
}

// report passes a message to its exchange and to the handler. Requests go to the exchange
// first: what the handler is told of a Bind has the statement and the types that it names.
// Replies go to the handler first: the last one ends its exchange, which is handed over
// then, and the handler must have had all messages of it before.
func (s *Session) report(e *Event) {
	if !s.cfg.Messages {
		s.observe(e)
		return
	}
	if e.Direction == messages.Frontend {
		s.observe(e)
	}
	e.Exchange = nil
	if s.cfg.Exchanges && e.Step.Exchange != 0 {
		e.Exchange = s.log.Find(e.Step.Exchange)
	}
	s.handler.Message(e)
	if e.Direction == messages.Backend {
		s.observe(e)
	}
}

// observe passes a message to the exchanges, if there are any.
func (s *Session) observe(e *Event) {
	if s.cfg.Exchanges {
		s.log.Observe(&e.Message)
	}
}

// afterFrame follows up on the messages that change what the bytes after them are.
func (s *Session) afterFrame(e *Event) {
	switch e.Kind {
	case messages.KindSSLResponse, messages.KindGSSENCResponse:
		if e.Step.After == messages.PhaseEncrypted {
			if e.Kind == messages.KindSSLResponse {
				s.startTLS()
			} else {
				s.encrypted = true
				s.notice(&Notice{Code: NoticeEncrypted, Text: "GSSAPI encryption: what follows cannot be read", At: e.At})
			}
		}
	}
}

// validate decodes a message to find out whether its body is well-formed.
func (s *Session) validate(e *Event) {
	m := s.shared.decoded[e.Kind]
	if m == nil {
		m = e.Kind.New()
		s.shared.decoded[e.Kind] = m
	}
	if m.Decode(e.Body) != nil {
		s.Violations++
	}
}

func (s *Session) annotate(e *Event) {
	step := &e.Step
	if a := step.Anomaly; a != nil {
		s.Violations++
		code, text := a.Code, s.foreignText(e)
		switch {
		case text != "":
		case s.answersOtherwise(e.Direction, e.Tag) && a.Code == tracker.CodeUnknownType:
			code, text = tracker.CodeUnexpectedMessage, fmt.Sprintf("a message of type %q where the answer to an authentication request is due; nothing of it is shown", rune(e.Tag))
		default:
			text = anomalyText(a, e)
		}
		e.Notes = append(e.Notes, Note{code, text})
	}
	if e.Kind == messages.KindStartupMessage && len(e.Body) >= 4 && step.Anomaly == nil && binary.BigEndian.Uint16(e.Body) != 3 {
		s.Violations++
		e.Notes = append(e.Notes, Note{tracker.CodeBadVersion, "no server has version " + messages.ProtocolVersion(binary.BigEndian.Uint32(e.Body)).String() + " of the protocol"})
	}
	if s.extendedRows && e.Kind == messages.KindRowDescription {
		e.Notes = append(e.Notes, Note{NoteForeign, "in Redshift's extended form; the names of schema, table, column and catalog are left out"})
	}
	if asksForBalance(e) {
		s.balanced = true
		s.setProduct(productVertica)
	}
	switch {
	case e.Lost > 0:
		e.Notes = append(e.Notes, Note{NoteTruncated, strconv.Itoa(e.Lost) + " of its " + strconv.Itoa(e.Len) + " bytes were not captured"})
	case e.Truncated && s.ending:
		e.Notes = append(e.Notes, Note{NoteTruncated, "it ends inside the message: " + strconv.Itoa(len(e.Body)) + " bytes of its body came"})
	case e.Truncated:
		e.Notes = append(e.Notes, Note{NoteTruncated, "the first " + strconv.Itoa(len(e.Body)) + " bytes of its body are kept; the message has " + strconv.Itoa(e.Len)})
	}
	if step.Inferred && step.Exchange != s.inferred {
		s.inferred = step.Exchange // once for each exchange is enough
		e.Notes = append(e.Notes, Note{NoteInferred, "the request that it answers was not captured"})
	}
	if step.Discarded {
		e.Notes = append(e.Notes, Note{NoteDiscarded, "the server passes over it: an earlier request of the cycle failed"})
	}
	s.shared.notes = e.Notes[:0]
}

// anomalyText describes an anomaly, an undefined type by its byte.
func anomalyText(a *tracker.Anomaly, e *Event) string {
	if a.Code != tracker.CodeUnknownType {
		return a.Text()
	}
	tag := e.Tag
	switch {
	case tag == messages.KindAuthenticationOk.Tag() && e.Direction == messages.Backend && len(e.Body) >= 4:
		return "the protocol does not define an authentication request with the code " + codeText(e.Body)
	case tag == 0 && len(e.Body) >= 4:
		return "the protocol does not define a startup packet with the code " + codeText(e.Body)
	}
	return fmt.Sprintf("the protocol does not define a message of type %q (0x%02x)", rune(tag), tag)
}

// codeText is the code that a body begins with.
func codeText(body []byte) string {
	return strconv.FormatUint(uint64(binary.BigEndian.Uint32(body)), 10)
}

// informative are the kinds that learn looks at.
var informative = func() (t [messages.NumKinds]bool) {
	for _, k := range []messages.Kind{
		messages.KindStartupMessage, messages.KindStartupMessageV2, messages.KindParameterStatus,
		messages.KindBackendKeyData, messages.KindNegotiateProtocolVersion, messages.KindSSLResponse,
		messages.KindGSSENCResponse, messages.KindCancelRequest, messages.KindTerminate,
		messages.KindErrorResponse, messages.KindErrorResponseV2, messages.KindSASLInitialResponse,
		messages.KindAuthenticationOk, messages.KindAuthenticationCleartextPassword,
		messages.KindAuthenticationMD5Password, messages.KindAuthenticationGSS,
		messages.KindAuthenticationSSPI, messages.KindAuthenticationKerberosV5,
		messages.KindAuthenticationSASL, messages.KindAuthenticationSASLContinue,
		messages.KindAuthenticationSASLFinal, messages.KindAuthenticationGSSContinue, messages.KindUnknown,
	} {
		t[k] = true
	}
	return t
}()
