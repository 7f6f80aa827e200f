package analyze

import (
	"github.com/pgsniff/pgsniff/internal/friend"
	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// chunks is what session offers beside its API: chunks are looked at ahead.
var chunks = friend.OfSession.(friend.Session[session.Shared, session.Session, codec.StreamOptions, reassembly.Stamp])
