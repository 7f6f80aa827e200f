package exchange

import "github.com/pgsniff/pgsniff/pkg/messages"

// A handler that stands before others may replace what they are not to see: the
// fields SQL and Error, and what follows. What it puts there has to last until the
// handler returns.

// Description returns the description of the result that is being received, nil if
// it is not known.
func (x *Exchange) Description() *Columns { return x.current() }

// BindBody returns the body of the Bind whose parameters Parameters will decode, nil
// if there is none, or they have been decoded.
func (x *Exchange) BindBody() []byte { return x.bind }

// SetBindBody replaces what BindBody returns, and so what Parameters will decode. body
// is borrowed until then.
func (x *Exchange) SetBindBody(body []byte) { x.bind = body }

// SetParameters replaces the values that Parameters returns, with their formats.
func (x *Exchange) SetParameters(values messages.Values, formats []int16) {
	x.params, x.bind = append(x.params[:0], values...), nil
	x.cutParameter = 0
	x.formats = append(x.formats[:0], formats...)
}

// SetName replaces the name of a column. It is to be called before anybody else has
// seen the columns, and the name has to last as long as they do.
func (c *Columns) SetName(i int, name []byte) { c.Fields()[i].Name = name }
