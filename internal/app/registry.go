package app

import (
	"github.com/pgsniff/pgsniff/internal/changes"
	"github.com/pgsniff/pgsniff/internal/csvlog"
	"github.com/pgsniff/pgsniff/internal/findings"
	"github.com/pgsniff/pgsniff/internal/metrics"
	"github.com/pgsniff/pgsniff/internal/otlp"
	"github.com/pgsniff/pgsniff/internal/parquet"
	"github.com/pgsniff/pgsniff/internal/pqtrace"
	"github.com/pgsniff/pgsniff/internal/report"
	"github.com/pgsniff/pgsniff/internal/sink"
	"github.com/pgsniff/pgsniff/internal/sqlscript"
	"github.com/pgsniff/pgsniff/internal/timeline"
	"github.com/pgsniff/pgsniff/internal/transactions"
)

// registeredViews and registeredOutputs are what --view and -o offer, beside the formats
// that are built in: one line for each package.
var (
	registeredViews   = []sink.View{sink.Messages, sink.Queries, sink.Connections, viewStats, changes.View, findings.View, transactions.View}
	registeredOutputs = []sink.Output{csvlog.Output, pqtrace.Output, sqlscript.Output, timeline.Output, otlp.Output, metrics.Output, parquet.Output, report.Output}
)

var builtinFormats = []string{"pretty", "json"}

func viewNames() (names []string) {
	for i := range registeredViews {
		names = append(names, registeredViews[i].Name)
	}
	return names
}

func formatNames() []string {
	names := builtinFormats[:len(builtinFormats):len(builtinFormats)]
	for _, o := range registeredOutputs {
		names = append(names, o.Name)
	}
	return names
}
