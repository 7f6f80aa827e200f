package app

import (
	"testing"

	"github.com/pgsniff/pgsniff/pkg/exchange"
)

func TestDroppedText(t *testing.T) {
	d := exchange.NewShared(exchange.Limits{})
	if got := droppedText(d); got != "" {
		t.Errorf("nothing was dropped: %q", got)
	}
	d.DroppedStatements, d.DroppedExchanges, d.DroppedParts, d.DroppedResults, d.DroppedLearned = 3, 1, 2, 1, 5
	const want = "3 prepared statements not kept, 1 query given up before the replies came, " +
		"2 pieces of query texts, parameters and columns not kept, 1 result added to the one before, " +
		"5 statements not remembered for other connections"
	if got := droppedText(d); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}
