package screen

import (
	"fmt"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/internal/overview"
	"github.com/pgsniff/pgsniff/internal/record"
)

// filled is a collector that has seen some queries.
func filled(classes int) *overview.Collector {
	c := overview.New(overview.Options{Live: true, Now: time.Now})
	conn := &record.Conn{ID: 7, Client: "10.0.0.1:1", Server: "10.0.0.2:5432"}
	const start = int64(1_700_000_000_000_000_000)
	for n := range 50 * classes {
		text := fmt.Sprintf("select * from table_%d where id = $1 and the_text_is_longer_than_a_line_of_eighty_columns", n%classes)
		at := start + int64(n)*1_000_000
		c.Record(&record.Query{
			Conn: conn, Who: &record.Who{User: "u"}, ID: uint64(n), Normalized: []byte(text), Fingerprint: uint64(n%classes + 1), SQL: []byte(text),
			Start: record.Stamp{Time: at, Frame: uint64(n)}, End: record.Stamp{Time: at + 1000}, Duration: 1000 + int64(n%700),
		})
	}
	return c
}

// BenchmarkFrame is what a frame costs besides writing it.
func BenchmarkFrame(b *testing.B) {
	for _, classes := range []int{50, 2000} {
		m := newModel(Options{Data: filled(classes), Live: true, Title: "lo"})
		m.tab = tabQueries
		b.Run(fmt.Sprint(classes), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				m.Update(frameMsg{})
				_ = m.View()
			}
		})
	}
}
