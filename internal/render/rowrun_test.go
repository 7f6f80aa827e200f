package render

import (
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// blanking takes away the bodies of the rows that a writer says it will only count.
type blanking struct {
	Writer
	taken *int
}

func (b blanking) Message(e *session.Event) {
	if b.Writer.(session.RowCounter).Counts(e) {
		*b.taken++
		e.Body = nil
	}
	b.Writer.Message(e)
}

// TestCountedRowsAreNotLookedAt writes conversations with and without the bodies of
// the rows that are counted: nobody can tell them apart.
func TestCountedRowsAreNotLookedAt(t *testing.T) {
	script := conversation.Opening + `
		F: Query "SELECT a"
		B: RowDescription a:23:0
		B: ` + strings.Repeat("Row 1 ; ", 7) + `Notice NOTICE 00000 x ; ` + strings.Repeat("Row 2 ; ", 5) + `Complete "SELECT 12" ; Ready I
		F: Query "SELECT b"
		B: RowDescription b:23:0 ; Row 3 ; Row 4 ; Row 5 ; Complete "SELECT 3" ; Ready I
	`
	for _, rows := range []int{0, 1, 2, 3, 100} {
		for _, piped := range []bool{false, true} {
			var texts [2]strings.Builder
			taken := 0
			for i := range texts {
				var w Writer = NewPretty(&texts[i], PrettyOptions{Rows: rows, Flow: true, Local: time.UTC})
				if piped {
					w = NewPipe(w)
				}
				if i == 1 {
					w = blanking{w, &taken}
				}
				play(w, script, hostileScript)
			}
			if texts[0].String() != texts[1].String() {
				t.Errorf("%d rows, piped %t:\n%s\nwithout bodies:\n%s", rows, piped, texts[0].String(), texts[1].String())
			}
			if some := rows > 0 && rows < 100; (taken > 0) != some {
				t.Errorf("%d rows, piped %t: %d counted", rows, piped, taken)
			}
		}
	}
}
