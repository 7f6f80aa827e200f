package render

import "github.com/pgsniff/pgsniff/internal/stats"

// stats writes tables of what the capture holds, below what was written before.
func (p *Pretty) stats(r *stats.Report) {
	w := (*outputWriter)(p.out)
	if !p.out.empty() {
		p.out.buf = append(p.out.buf, '\n')
	}
	if r.End != 0 {
		p.out.buf = append(p.out.buf, "── "...)
	}
	// The output keeps its error, see Flush.
	_ = stats.WriteTables(w, r, stats.TableOptions{
		Width: p.opt.Width, Groups: p.opt.Groups, Bold: p.opt.Theme.name.on != "", Zone: p.clock.zone,
	})
}

// outputWriter is an Output as an io.Writer.
type outputWriter Output

func (w *outputWriter) Write(b []byte) (int, error) {
	o := (*Output)(w)
	o.buf = append(o.buf, b...)
	o.wrote()
	return len(b), o.err
}
