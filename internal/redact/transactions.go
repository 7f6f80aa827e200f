package redact

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// transactions are the connections whose transaction, which is open, has dealt with a
// secret: triggers and constraints that are deferred speak of it at the end. The zero
// transactions is empty and ready.
type transactions struct {
	open map[uint64]struct{}
	all  bool // there are too many of them to tell them apart
}

// idle is the status of a transaction in a ReadyForQuery where there is none.
const idle = 'I'

// begin takes note that the transaction of a connection dealt with a secret.
func (t *transactions) begin(conn uint64) {
	if len(t.open) == maxPrepared {
		t.all = true
		return
	}
	if t.open == nil {
		t.open = make(map[uint64]struct{})
	}
	t.open[conn] = struct{}{}
}

// end takes note that it is over.
func (t *transactions) end(conn uint64) { delete(t.open, conn) }

// with adds to what is known of the request that an error or a notice answers what it may
// speak of besides: of a command that ends a transaction, or that was done already, what the
// transaction has dealt with.
func (t *transactions) with(s *session.Session, x *exchange.Exchange, c Cycle) Cycle {
	if len(t.open) == 0 {
		return c
	}
	if _, ok := t.open[s.ID]; !ok && !t.all {
		return c
	}
	if x == nil || x.SQL == nil && x.Prepared == nil || completed(x) || sqlnorm.Ends(textOf(x)) {
		c.Secrecy |= sqlnorm.Names
	}
	return c
}

// completed tells whether a command of an exchange has completed.
func completed(x *exchange.Exchange) bool {
	n := len(x.Results)
	return n > 0 && x.Results[n-1].Tag != nil
}
