package render

import (
	"time"

	"github.com/pgsniff/pgsniff/internal/stats"
)

// Stats writes tables of what the capture holds, below what was written before.
func (p *Pretty) Stats(r *stats.Report) {
	w := (*outputWriter)(p.main)
	if !p.main.empty() {
		p.main.buf = append(p.main.buf, '\n')
	}
	if r.End != 0 {
		const day = "2006-01-02 15:04:05.000"
		from, to := time.Unix(0, r.Start).In(p.clock.zone), time.Unix(0, r.End).In(p.clock.zone)
		p.main.buf = append(p.main.buf, "── "+from.Format(day)+" to "+to.Format("15:04:05.000")+"\n"...)
	}
	// The output keeps its error, see Flush.
	_ = stats.WriteTables(w, r, stats.TableOptions{
		Width: p.opt.Width, Groups: p.opt.Groups, Bold: p.opt.Theme.name.on != "",
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
