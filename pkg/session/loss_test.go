package session

import (
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
)

// losses are conversations of which a part is missing: what is blamed for it,
// and what is concluded.
var losses = []struct {
	name      string
	midStream bool
	script    string
	want      string
}{
	{"rows", false, `
		F: Query "SELECT a"
		B: RowDescription a:23:0 ; Row 1
		B: gap 500
		B: Complete "SELECT 30" ; Ready I
		F: Query "SELECT b"
		B: Row 2 ; Complete "SELECT 1" ; Ready I
	`, `
		1 simple "SELECT a" {SELECT 30 rows=1 bytes=12 a:23:0} tx=I lost=500 incomplete
		2 simple "SELECT b" {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"an unknown number of bytes of the replies", false, `
		F: Query "SELECT a"
		B: Row 1
		B: gap -1
		B: Complete "SELECT 30" ; Ready I
	`, `
		1 simple "SELECT a" {SELECT 30 rows=1 bytes=12} tx=I incomplete
	`},
	{"replies, all of them", false, `
		F: Query "SELECT a"
		B: gap 60
		F: Query "SELECT b"
		B: Row 2 ; Complete "SELECT 1" ; Ready I
	`, `
		1 simple "SELECT a" inferred=reply lost=60 incomplete
		2 simple "SELECT b" {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"a query, whole", false, `
		F: Query "SELECT a"
		B: Row 1 ; Complete "SELECT 1" ; Ready I
		F: gap 14
		B: RowDescription b:23:0 ; Row 2 ; Complete "SELECT 1" ; Ready I
		F: Query "SELECT c"
		B: Row 3 ; Complete "SELECT 1" ; Ready I
	`, `
		1 simple "SELECT a" {SELECT 1 rows=1 bytes=12} tx=I
		2  {SELECT 1 rows=1 bytes=12 b:23:0} tx=I inferred=request lost=14 incomplete
		3 simple "SELECT c" {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"a query that is being answered has nothing to do with the loss after it", false, `
		F: Query "SELECT a"
		B: RowDescription a:23:0 ; Row 1
		F: gap 14
		B: Complete "SELECT 1" ; Ready I
		B: RowDescription b:23:0 ; Row 2 ; Complete "SELECT 1" ; Ready T
	`, `
		1 simple "SELECT a" {SELECT 1 rows=1 bytes=12 a:23:0} tx=I
		2  {SELECT 1 rows=1 bytes=12 b:23:0} tx=T inferred=request lost=14 incomplete
	`},
	{"data of a COPY", false, `
		F: Query "COPY t FROM STDIN"
		B: CopyIn
		F: CopyData "1\n"
		F: gap 700
		F: CopyData "9\n" ; CopyDone
		B: Complete "COPY 90" ; Ready I
	`, `
		1 simple "COPY t FROM STDIN" {COPY 90} copy=in:2:4 tx=I lost=700 incomplete
	`},
	{"data and end of a COPY, before and after it is known for one", false, `
		F: Query "COPY t FROM STDIN"
		F: gap 100
		B: CopyIn
		F: gap 700
		B: Complete "COPY 90" ; Ready I
		F: Query "SELECT b"
		B: Row 2 ; Complete "SELECT 1" ; Ready I
	`, `
		1 simple "COPY t FROM STDIN" {COPY 90} copy=in:0:0 tx=I lost=800 incomplete
		2 simple "SELECT b" {SELECT 1 rows=1 bytes=12} tx=I
	`},
	{"the Parse of an exchange", false, `
		F: Query "SELECT a"
		B: Row 1 ; Complete "SELECT 1" ; Ready I
		F: gap 30
		F: Bind "" s 1 ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I
	`, `
		1 simple "SELECT a" {SELECT 1 rows=1 bytes=12} tx=I
		2 extended statement=s params=[1] {SELECT 1 rows=1 bytes=12} tx=I inferred=parse lost=30 incomplete
	`},
	{"started in the middle, prepared before", true, `
		F: Bind "" s 1 ; Execute "" ; Sync
		B: BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I
		F: Execute c 10 ; Sync
		B: Row 2 ; Suspended ; Ready T
	`, `
		1 extended statement=s params=[1] {SELECT 1 rows=1 bytes=12} tx=I inferred=parse incomplete
		2 extended portal=c {suspended rows=1 bytes=12} tx=T inferred=parse,bind incomplete
	`},
	{"started within an answer", true, `
		B: Row 1 ; Row 2 ; Complete "SELECT 7" ; Ready I
		F: Query "SELECT b"
		B: RowDescription b:23:0 ; Row 2 ; Complete "SELECT 1" ; Ready I
	`, `
		1  {SELECT 7 rows=2 bytes=24} tx=I inferred=request incomplete
		2 simple "SELECT b" {SELECT 1 rows=1 bytes=12 b:23:0} tx=I
	`},
	{"the frontend alone", true, `
		F: Query "SELECT a"
		F: Parse "" "SELECT b" ; Bind "" "" 1 ; Execute "" ; Sync
		F: Query "SELECT c"
	`, `
		1 simple "SELECT a" inferred=reply incomplete
		2 extended "SELECT b" params=[1] inferred=reply incomplete
		3 simple "SELECT c" inferred=reply incomplete
	`},
	{"the backend alone", true, `
		B: RowDescription a:23:0 ; Row 1 ; Complete "SELECT 1" ; Ready I
		B: RowDescription b:23:0 ; Row 2 ; Row 3 ; Complete "SELECT 2" ; Ready I
	`, `
		1  {SELECT 1 rows=1 bytes=12 a:23:0} tx=I inferred=request incomplete
		2  {SELECT 2 rows=2 bytes=24 b:23:0} tx=I inferred=request incomplete
	`},
}

func TestLosses(t *testing.T) {
	for _, c := range losses {
		t.Run(c.name, func(t *testing.T) {
			scripts := []string{conversation.Opening, c.script}
			if c.midStream {
				scripts = scripts[1:]
			}
			r := run(options{midStream: c.midStream}, scripts...)
			expect(t, c.script, r.exchanges, c.want)
		})
	}
}

// A loss inside a message is that message's, once.
func TestLossInsideMessage(t *testing.T) {
	row := conversation.Packets(`B: Row "a rather long value, of which the middle is missing"`)[0].Bytes
	query := conversation.Packets(`F: Query "SELECT a, b, c FROM a_long_table"`)[0].Bytes
	c := newCapture(options{})
	s := c.open(1, false)
	c.play(s, conversation.Opening)
	s.Data(0, query[:20], c.last)
	s.Gap(0, 7, c.last)
	s.Data(0, query[27:], c.last)
	s.Data(1, row[:20], c.last)
	s.Gap(1, 10, c.last)
	s.Data(1, row[30:], c.last)
	c.play(s, `B: Complete "SELECT 1" ; Ready I`)
	c.end(s)
	expect(t, "", c.exchanges, `1 simple "SELECT a, b, c " {SELECT 1 rows=1 bytes=62} tx=I lost=17 incomplete`)
	if len(c.notices) > 0 {
		t.Errorf("told with the messages, and again as %q", c.notices)
	}
}
