package exchange

import "github.com/pgsniff/pgsniff/internal/friend"

func init() {
	friend.OfExchange = friend.Exchange[Shared, Log, Exchange, Message]{
		Exchange: (*Log).together,
		Adds:     (*Exchange).adds,
		Ready:    (*Log).readyTogether,
		Usual:    usual,
		Asked:    (*Log).askedUsual,
		Answered: (*Log).answeredUsual,
		Idle:     (*Shared).idle,
		Columns:  (*Shared).keepColumns,
		Reserve:  (*Shared).reserve,
		Release:  (*Shared).release,
		Crowd:    (*Shared).crowdBy,
		Resumes:  (*Exchange).resumes,
	}
}
