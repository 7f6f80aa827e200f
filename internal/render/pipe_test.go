package render

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// bothWriters makes a writer of each sort.
var bothWriters = map[string]func(io.Writer) Writer{
	"json": func(w io.Writer) Writer { return NewJSON(w, Options{MaxValueBytes: 100, States: true}) },
	"pretty": func(w io.Writer) Writer {
		return NewPretty(w, PrettyOptions{Options: Options{MaxValueBytes: 100}, Rows: 3, Flow: true, Time: TimeDelta, Local: time.UTC})
	},
}

// What a Pipe has written is what would have been written without.
func TestPipe(t *testing.T) {
	var rows strings.Builder
	for i := range 3 * pipeItems {
		fmt.Fprintf(&rows, "Row %d \"%s\" ; ", i, strings.Repeat("x", i%300))
	}
	scripts := []string{
		`F: Query "SELECT 1, 2"
		 B: RowDescription a:23:0 b:25:0 ; ` + rows.String() + `Complete "SELECT 2" ; Ready I`,
		`F: Parse s "SELECT $1" 23 ; Bind "" s 1 ; Execute "" ; Sync
		 B: ParseComplete ; BindComplete ; Row 1 ; Complete "SELECT 1" ; Ready I`,
		`B: Complete "SELECT 1" ; Ready I
		 F: Bind "" s x ; Execute "" ; Sync
		 B: Error ERROR 22P02 "invalid input syntax" ; Ready I`,
		`F: Query "` + strings.Repeat("y", pipeBytes+1) + `"
		 B: Complete "SELECT 1" ; Ready I`,
		`F: Terminate`,
	}
	for name, make := range bothWriters {
		var want, got bytes.Buffer
		play(make(&want), scripts...)
		play(NewPipe(make(&got)), scripts...)
		if want.Len() == 0 || !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: through a pipe\n%.3000s\nwant\n%.3000s", name, got.Bytes(), want.Bytes())
		}
	}
}

// failing is an output that is closed.
type failing struct{}

func (failing) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

func TestPipeTellsErrors(t *testing.T) {
	p := NewPipe(NewJSON(failing{}, Options{}))
	e := &session.Event{Session: &session.Session{ID: 1}}
	e.Kind, e.Body = messages.KindQuery, []byte("SELECT 1\x00")
	for range 10 * pipeItems {
		p.Message(e)
	}
	if err := p.Flush(); err != io.ErrClosedPipe || !p.Failed() {
		t.Errorf("Flush returns %v, Failed %v", err, p.Failed())
	}
}

// Handing messages over costs no memory.
func TestPipeAllocatesNothing(t *testing.T) {
	for _, c := range costs {
		for _, messages := range []bool{true, false} {
			r := newRepeated(NewPipe(NewJSON(io.Discard, Options{MaxValueBytes: 4096})), messages, c.script)
			// What other goroutines allocate meanwhile is counted, too; what the pipe
			// allocates, it allocates every time.
			least := testing.AllocsPerRun(200, r.run)
			for range 4 {
				least = min(least, testing.AllocsPerRun(200, r.run))
			}
			if least > 0.1 {
				t.Errorf("%s, messages %v: %v allocations", c.name, messages, least)
			}
		}
	}
}
