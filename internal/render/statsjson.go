package render

import "github.com/pgsniff/pgsniff/internal/stats"

// Stats writes the stats record.
func (j *JSON) Stats(r *stats.Report) { j.derived(r) }
