package analyze

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

func TestSlowClock(t *testing.T) {
	c := newSlowClock(400 * time.Millisecond) // looks every 100 ms
	const ms = int64(time.Millisecond)
	for i, step := range []struct {
		at   int64
		want bool
	}{
		{1000 * ms, true},
		{1099 * ms, false},
		{1100 * ms, true},
		{1 << 62, true}, // one packet from the future
		{1200 * ms, true},
		{1250 * ms, false},
		{500 * ms, true}, // the clock was set back
		{550 * ms, false},
	} {
		if got := c.strikes(step.at); got != step.want {
			t.Errorf("step %d: %v", i, got)
		}
	}
	if off := newSlowClock(0); off.strikes(0) || off.strikes(1<<62) {
		t.Error("it looks although nobody asked")
	}
	if c := newSlowClock(time.Nanosecond); c.every != minSlowCheck {
		t.Errorf("it looks every %d ns", c.every)
	}
	if c := newSlowClock(time.Hour); c.every != maxSlowCheck {
		t.Errorf("it looks every %d ns", c.every)
	}
}

// TestSlowText shows what the handler lets it, and cuts between characters.
func TestSlowText(t *testing.T) {
	w := &slowWatch{handler: discreet{}}
	for _, c := range []struct{ sql, want string }{
		{"", "query 3 has been running for 1.5s"},
		{"select 1", "query 3 has been running for 1.5s: select 1"},
		{"alter role r password 'secret'", "query 3 has been running for 1.5s: alter role r password '<redacted>'"},
		{strings.Repeat("é", 600), "query 3 has been running for 1.5s: " + strings.Repeat("é", 500) + "…"},
		{"x" + strings.Repeat("é", 600), "query 3 has been running for 1.5s: x" + strings.Repeat("é", 499) + "…"},
	} {
		if got := w.text(nil, exchangeOf(c.sql), 1500*time.Millisecond); got != c.want {
			t.Errorf("%q", got)
		}
	}
}

// discreet is a handler that keeps secrets back.
type discreet struct{ session.Handler }

func (discreet) Text(_ *session.Session, x *exchange.Exchange) []byte {
	return bytes.ReplaceAll(x.SQL, []byte("'secret'"), []byte("'<redacted>'"))
}

func exchangeOf(sql string) *exchange.Exchange {
	return &exchange.Exchange{ID: 3, SQL: []byte(sql)}
}
