package exchange

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// describe writes down what a handler may read of an exchange.
func describe(x *Exchange) string {
	values, formats := x.Parameters()
	s := fmt.Sprintf("%d %v %q %d %q %q %v %v %v %v %q %v %v %v %v %v %v %c %v %v %v", x.ID, x.Protocol, x.SQL, x.SQLLen, x.Statement,
		x.Portal, x.HasParams, formats, x.ParamTypes(), x.Rows, x.Error, x.FailedAt, x.Start, x.FirstReply, x.FirstRow, x.End, x.Pause,
		x.Tx, x.Missing, x.Complete, x.Copy)
	for _, v := range values {
		s += fmt.Sprintf(" %q", v)
	}
	for _, r := range x.Results {
		s += fmt.Sprintf(" %q %d %d %+v", r.Tag, r.Rows, r.Bytes, r.Columns.Fields())
	}
	return s
}

// copier keeps copies and what the exchanges were.
type copier struct {
	t      *testing.T
	mem    []byte
	copies []*Exchange
	were   []string
}

func (c *copier) Exchange(x *Exchange) {
	dst := new(Exchange)
	var ok bool
	if c.mem, ok = x.CopyTo(dst, c.mem); !ok {
		c.t.Error("not copied")
		return
	}
	c.copies, c.were = append(c.copies, dst), append(c.were, describe(x))
	if _, ok := x.CopyTo(new(Exchange), nil); ok != (x.params.Len() == 0) {
		c.t.Errorf("copied with decoded parameters: %v", ok)
	}
}

// play observes the messages of a conversation in session.
func (f *feeder) play(script string) {
	for _, p := range conversation.Packets(script) {
		for b := p.Bytes; len(b) > 0; {
			size := 1 + int(binary.BigEndian.Uint32(b[1:]))
			body := b[5:size]
			f.raw(p.Direction, messages.KindOf(p.Direction, messages.PhaseReady, b[0], body), body)
			b = b[size:]
		}
	}
}

// Copies stay what they were, whatever happens to the exchange's memory.
func TestCopies(t *testing.T) {
	c := &copier{t: t}
	f := newFeeder(NewShared(Limits{}), c)
	for range 3 {
		f.play(`
			F: Query "SELECT 1; SELECT 2"
			B: RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; RowDescription b:23:0 ; Row 2 ; Complete "SELECT 1" ; Ready I
			F: Parse s "SELECT $1" 23 ; Bind p s 4711 ; Describe portal p ; Execute p ; Sync
			B: ParseComplete ; BindComplete ; RowDescription c:25:0 ; Row x ; Complete "SELECT 1" ; Ready I
			F: Close statement s ; Sync
			B: CloseComplete ; Ready I
			F: Parse "" "SELECT 'another'" ; Bind "" "" ; Execute "" ; Sync
			B: Error ERROR 22P02 "invalid input syntax" ; Ready I
		`)
	}
	f.log.End()
	if len(c.copies) < 9 {
		t.Fatalf("%d exchanges", len(c.copies))
	}
	for i, x := range c.copies {
		if got := describe(x); got != c.were[i] {
			t.Errorf("copy %d is\n%s\nit was\n%s", i, got, c.were[i])
		}
	}
}

// copyTeller writes down what each command of a string of several copied.
type copyTeller struct{ lines []string }

func (c *copyTeller) Exchange(x *Exchange) {
	line := fmt.Sprintf("%v %d %d mixed %v:", x.Copy, x.CopyBytes, x.CopyMessages, x.MixedCopies())
	for i := range x.Results {
		if r := &x.Results[i]; x.CopyOf(r) != nil {
			line += fmt.Sprintf(" %s %v", r.Tag, *x.CopyOf(r))
		} else {
			line += fmt.Sprintf(" %s", r.Tag)
		}
	}
	c.lines = append(c.lines, line)
}

// Several COPY commands in a Query are told one by one, also where the data comes ahead of the
// server's CopyInResponse.
func TestSeveralCopies(t *testing.T) {
	tests := []struct{ script, want string }{
		{`F: Query "copy a from stdin"
			B: CopyIn
			F: CopyData "12" ; CopyDone
			B: Complete "COPY 1" ; Ready I`, "in 2 1 mixed false: COPY 1"},
		{
			`F: Query "copy a from stdin; copy b from stdin; select 1"
			B: CopyIn
			F: CopyData "12" ; CopyData "3" ; CopyDone
			B: Complete "COPY 2" ; CopyIn
			F: CopyData "4567" ; CopyDone
			B: Complete "COPY 1" ; RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I`,
			"in 7 3 mixed false: COPY 2 {in 3 2} COPY 1 {in 4 1} SELECT 1",
		},
		{
			`F: Query "copy a from stdin; copy b from stdin" ; CopyData "12" ; CopyDone ; CopyData "345" ; CopyDone
			B: CopyIn ; Complete "COPY 1" ; CopyIn ; Complete "COPY 1" ; Ready I`,
			"in 5 2 mixed false: COPY 1 {in 2 1} COPY 1 {in 3 1}",
		},
		{
			`F: Query "copy a to stdout; copy a from stdin; copy a to stdout"
			B: CopyOut ; CopyData "12345" ; CopyDone ; Complete "COPY 1" ; CopyIn
			F: CopyData "6" ; CopyDone
			B: Complete "COPY 1" ; CopyOut ; CopyData "12" ; CopyData "34" ; CopyDone ; Complete "COPY 2" ; Ready I`,
			"out 10 4 mixed true: COPY 1 {out 5 1} COPY 1 {in 1 1} COPY 2 {out 4 2}",
		},
	}
	for _, tt := range tests {
		h := new(copyTeller)
		f := newFeeder(NewShared(Limits{}), h)
		f.play(tt.script)
		f.log.End()
		if len(h.lines) != 1 || h.lines[0] != tt.want {
			t.Errorf("%s:\ngot  %q\nwant %q", tt.script, h.lines, tt.want)
		}
		checkEmpty(t, f.log.shared)
	}
}
