package pooler

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/exchange"
)

// keyOf is a number for what was asked: equal where the protocol, the text and the bytes
// of the parameters are. Names of statements and portals are the pooler's own.
func (m *Matcher) keyOf(x *exchange.Exchange) uint64 {
	m.hash.SetSeed(m.seed)
	m.hash.WriteByte(byte(x.Protocol))
	m.number(uint64(x.Function))
	m.number(uint64(len(x.SQL)))
	m.hash.Write(x.SQL)
	if !x.HasParams {
		return m.hash.Sum64()
	}
	values, formats := x.Parameters()
	for _, v := range values {
		if v == nil {
			m.number(1 << 63)
			continue
		}
		m.number(uint64(len(v)))
		m.hash.Write(v)
	}
	for _, f := range formats {
		m.number(uint64(f))
	}
	return m.hash.Sum64()
}

// outcomeOf is a number for what came of it, which a pooler hands on as it is.
func (m *Matcher) outcomeOf(x *exchange.Exchange) uint64 {
	m.hash.SetSeed(m.seed)
	m.number(x.Rows)
	m.number(x.Bytes)
	m.number(x.CopyBytes)
	for i := range x.Results {
		m.number(x.Results[i].Rows)
		m.hash.Write(x.Results[i].Tag)
	}
	m.number(uint64(len(x.Error)))
	m.hash.Write(x.SQLState())
	return m.hash.Sum64()
}

func (m *Matcher) number(n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	m.hash.Write(b[:])
}
