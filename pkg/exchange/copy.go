package exchange

import "slices"

// CopyTo makes dst a copy of x that holds after the handler has returned: what
// x's memory has is appended to mem, which is returned; the rest is not changed by
// anybody any more. Dst may have been a copy before, and its memory is used again.
// Prepared is not copied, but what ParamTypes returns. It returns false, and nothing
// is copied, where the parameters have been decoded already.
func (x *Exchange) CopyTo(dst *Exchange, mem []byte) ([]byte, bool) {
	if x.params.Len() > 0 {
		return mem, false
	}
	list, formats, results, params := dst.Results[:0], dst.formats[:0], dst.results[:0], dst.params[:0]
	*dst = *x
	if dst.copies = nil; x.copies != nil && len(x.copies.list) > 1 {
		dst.copies = &copies{list: slices.Clone(x.copies.list)}
	}
	dst.Results, dst.formats, dst.results, dst.params = append(list, x.Results...), formats, results, params
	dst.types, dst.Prepared = x.ParamTypes(), nil
	dst.shared, dst.portal, dst.columns, dst.buf, dst.targets, dst.changes = nil, nil, nil, nil, nil, nil
	dst.told = nil
	keep := func(b []byte) []byte {
		if len(b) == 0 {
			return b
		}
		mem = append(mem, b...)
		return slices.Clip(mem[len(mem)-len(b):])
	}
	if s := x.Prepared; s == nil || len(x.SQL) == 0 || len(s.SQL) == 0 || &x.SQL[0] != &s.SQL[0] { // else it does not change
		dst.SQL = keep(x.SQL)
	}
	dst.Portal, dst.Error, dst.bind = keep(x.Portal), keep(x.Error), keep(x.bind)
	for i := range dst.Results {
		r := &dst.Results[i]
		r.Tag = keep(r.Tag)
		r.Columns.Fields() // decoded now, they are only read later
	}
	return mem, true
}
