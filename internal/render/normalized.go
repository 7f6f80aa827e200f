package render

import (
	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// Normalized is what is derived from the text of a query.
type Normalized struct {
	Text      []byte
	Hash      uint64
	Operation string
}

// normalizer derives it, once for each prepared statement.
type normalizer struct {
	latest Normalized
}

// of returns the derived facts of an exchange's text; borrowed until the next
// call, but for prepared statements, with which they live.
func (n *normalizer) of(x *exchange.Exchange) *Normalized {
	if x.SQL == nil {
		return nil
	}
	s := x.Prepared
	if s == nil {
		n.latest.Text = sqlnorm.Append(n.latest.Text[:0], x.SQL)
		n.latest.derive(x.SQL)
		return &n.latest
	}
	if memo, ok := s.Memo.(*Normalized); ok {
		return memo
	}
	memo := &Normalized{Text: sqlnorm.Append(nil, s.SQL)}
	memo.derive(s.SQL)
	s.Memo = memo
	return memo
}

func (n *Normalized) derive(sql []byte) {
	n.Hash = sqlnorm.Fingerprint(n.Text)
	n.Operation = sqlnorm.Operation(sql)
}
