package record

import "github.com/pgsniff/pgsniff/pkg/session"

// Fields of messages, of what a CancelRequest cancels, and of notes.
var (
	messageSchema    = NewSchema("message", "One message of a connection.")
	MessageFrame     = messageSchema.Int("frame", "", "Number of the packet that completed the message, from 1.")
	MessageDir       = messageSchema.Text("dir", "Who sent it: frontend or backend.")
	MessageMsg       = messageSchema.Text("msg", "Its name in PostgreSQL's documentation.")
	MessageTag       = messageSchema.Text("tag", "The type byte.")
	MessageLen       = messageSchema.Int("len", "bytes", "Bytes on the wire, type byte and length included.")
	MessagePhase     = messageSchema.Text("phase", "The connection's phase when it was sent.")
	MessageTx        = messageSchema.Text("tx", "Transaction status: I, T or E.")
	MessageQuery     = messageSchema.Int("query", "", "Number of the query that it belongs to, within the connection.")
	MessageState     = messageSchema.Text("state", "Where asked for: the step that the conversation has reached.")
	MessageCancels   = messageSchema.Object("cancels", "What a CancelRequest cancels.")
	MessageBody      = messageSchema.Object("body", "The message's fields.")
	MessageNotes     = messageSchema.List("notes", "What is odd about it.")
	MessageTruncated = messageSchema.Bool("truncated", "Part of the body is missing.")

	CancelConn  = NewField("conn", TypeInt, "", "Number of the connection.")
	CancelQuery = NewField("query", TypeInt, "", "Number of the query that was running.")
	NoteCode    = NewField("code", TypeText, "", "What it is, as a word.")
	NoteText    = NewField("text", TypeText, "", "What it is, as a sentence.")
)

// Schema describes messages.
func (m *Message) Schema() *Schema { return messageSchema }

// Visit shows the message.
func (m *Message) Visit(v Visitor) {
	v.Uint(MessageFrame, m.At.Frame)
	v.String(MessageDir, m.Direction.String())
	v.String(MessageMsg, m.Kind.String())
	if m.Tag != 0 {
		v.String(MessageTag, string(rune(m.Tag)))
	}
	v.Int(MessageLen, int64(m.Len))
	v.String(MessagePhase, m.Phase.String())
	mStatus.visit(v, m.Tx)
	if m.Query != 0 {
		v.Uint(MessageQuery, m.Query)
	}
	if m.Stated {
		v.String(MessageState, m.State.String())
	}
	visitCancels(v, MessageCancels, m.Cancels())
	v.Open(MessageBody)
	b := bridge{Visitor: v}
	if m.More != nil {
		b.types, b.columns = m.More.Types, m.More.Columns
	}
	malformed := m.VisitBody(&b)
	v.Close()
	if notes := m.Notes(); len(notes) > 0 || malformed != nil {
		v.Open(MessageNotes)
		for i := range notes {
			visitNote(v, notes[i].Code, notes[i].Text)
		}
		if malformed != nil {
			visitNote(v, session.NoteMalformed, malformed.Error())
		}
		v.Close()
	}
	if m.Truncated {
		v.Bool(MessageTruncated, true)
	}
}

func visitNote(v Visitor, code, text string) {
	v.Open(nil)
	v.String(NoteCode, code)
	v.String(NoteText, text)
	v.Close()
}

func visitCancels(v Visitor, f *Field, c session.Cancelled) {
	if c.Conn == 0 {
		return
	}
	v.Open(f)
	v.Uint(CancelConn, c.Conn)
	if c.Query != 0 {
		v.Uint(CancelQuery, c.Query)
	}
	v.Close()
}
