package session

import (
	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/tracker"
)

type splitter = friend.Splitter[codec.StreamOptions]

// What the packages below offer beside their API.
var (
	streams  = friend.OfCodec.(friend.Codec[codec.StreamOptions, codec.Stream])
	trackers = friend.OfTracker.(friend.Tracker[tracker.Tracker, tracker.Step])
	logs     = friend.OfExchange.(friend.Exchange[exchange.Shared, exchange.Log, exchange.Exchange, exchange.Message])
)

func init() {
	friend.OfSession = friend.Session[Shared, Session, codec.StreamOptions, Stamp]{
		Columns:  (*Shared).keepColumns,
		Splitter: func(sh *Shared) splitter { return sh.splitter },
		Split:    split,
		Chunk:    (*Session).divided,
	}
}
