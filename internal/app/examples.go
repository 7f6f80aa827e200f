package app

import (
	"github.com/pgsniff/pgsniff/internal/record"
	"github.com/pgsniff/pgsniff/internal/sqlscript"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// examples makes scripts that run queries again, when they are asked for.
type examples struct {
	maker   record.Maker
	writer  sqlscript.Example
	script  func() []byte // made once: it is asked for with each query
	session *session.Session
	x       *exchange.Exchange
}

func newExamples(showSecrets bool) *examples {
	e := new(examples)
	e.maker.Parts = record.Parts{Normalized: true, Parameters: true}
	e.maker.Privacy.Show = showSecrets
	e.script = func() []byte { return e.writer.Of(e.maker.Query(e.session, e.x)) }
	return e
}

// at returns what makes the script of a query, until the next one comes.
func (e *examples) at(s *session.Session, x *exchange.Exchange) func() []byte {
	e.session, e.x = s, x
	return e.script
}
