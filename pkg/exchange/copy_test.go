package exchange

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/internal/conversation"
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
