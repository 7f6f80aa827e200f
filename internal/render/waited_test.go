package render

import (
	"bytes"
	"testing"

	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// onlyMessages leaves the queries out, which are told before their messages where these
// wait.
type onlyMessages struct{ Writer }

func (onlyMessages) Exchange(*session.Session, *exchange.Exchange) {}

// waited hands messages on as records that waited, in copies, until anything else comes.
type waited struct {
	onlyMessages
	maker record.Maker
	held  []record.Record
}

func (w *waited) Message(e *session.Event) { w.held = append(w.held, w.maker.Message(e).Clone()) }

func (w *waited) tell() {
	for _, r := range w.held {
		w.Record(r)
	}
	w.held = nil
}

func (w *waited) Notice(s *session.Session, n *session.Notice) {
	w.tell()
	w.onlyMessages.Notice(s, n)
}

func (w *waited) End(s *session.Session) {
	w.tell()
	w.onlyMessages.End(s)
}

// TestWaitedMessages writes conversations as they come and from copies of their messages'
// records: nobody can tell them apart.
func TestWaitedMessages(t *testing.T) {
	errors := conversation.Opening + `
		F: Query "SELECT abc"
		B: Error ERROR 42703 "no such column" P=8 ; Ready I
		F: Parse s "SELECT $1, def" 23 ; Describe statement s ; Sync
		B: Error ERROR 42703 "no such column" P=12 ; Ready I
		F: Parse s "SELECT $1" 23 ; Bind "" s 1 ; Describe portal "" ; Execute "" ; Sync
		B: ParseComplete ; BindComplete ; RowDescription a:23:0 ; Row 1 ; Row 2 ; Row 3 ; Row 4 ; Row 5 ; Complete "SELECT 5" ; Ready I
	`
	for name, make := range bothWriters {
		for _, script := range []string{errors, hostileScript} {
			var want, got bytes.Buffer
			play(onlyMessages{make(&want)}, script)
			w := &waited{onlyMessages: onlyMessages{make(&got)}}
			w.maker.Parts.Failed = true
			play(w, script)
			if want.Len() == 0 || !bytes.Equal(got.Bytes(), want.Bytes()) {
				t.Errorf("%s: of copies\n%.3000s\nwant\n%.3000s", name, got.Bytes(), want.Bytes())
			}
		}
	}
}
