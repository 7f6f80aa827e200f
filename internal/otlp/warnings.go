package otlp

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// warnings keeps with which SQLSTATE queries that go on were warned last.
type warnings map[queryKey]string

type queryKey struct{ conn, query uint64 }

// maxWarned bounds the queries that were warned and have not ended; of more the warnings
// are not told.
const maxWarned = 4096

// note looks at a NoticeResponse, most of which are no warnings.
func (w warnings) note(m *record.Message) {
	var notice messages.NoticeResponse
	if m.Query == 0 || notice.Decode(m.Wire()) != nil && len(notice.Fields) == 0 {
		return
	}
	severity := notice.Get('V') // not translated; servers before 9.6 have none
	if severity == nil {
		severity = notice.Get('S')
	}
	k := queryKey{m.Conn.ID, m.Query}
	_, known := w[k]
	if state := notice.Get('C'); string(severity) == "WARNING" && len(state) == 5 && (known || len(w) < maxWarned) {
		w[k] = string(state)
	}
}

// take returns the SQLSTATE of a query's warning, and forgets it.
func (w warnings) take(q *record.Query) string {
	k := queryKey{q.Conn.ID, q.ID}
	state := w[k]
	delete(w, k)
	return state
}
