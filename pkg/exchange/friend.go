package exchange

import "github.com/pgsniff/pgsniff/internal/friend"

func init() {
	friend.OfExchange = friend.Exchange[Shared, Log, Exchange, Message]{
		Exchange: (*Log).together,
		Adds:     (*Exchange).adds,
		Ready:    (*Log).readyTogether,
		Idle:     (*Shared).idle,
		Columns:  (*Shared).keepColumns,
		Reserve:  (*Shared).reserve,
		Release:  (*Shared).release,
		Crowd:    (*Shared).crowdBy,
		Resumes:  (*Exchange).resumes,
	}
}
