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

// registeredViews and registeredOutputs are what --view and -o offer beside the
// views and formats that are built in: one line for each package.
var (
	registeredViews   = []sink.View{changes.View, findings.View, transactions.View}
	registeredOutputs = []sink.Output{csvlog.Output, pqtrace.Output, sqlscript.Output, timeline.Output, otlp.Output, metrics.Output, parquet.Output, report.Output}
)

// builtinViews are those that the formats pretty and json know of themselves.
var builtinViews = []string{"messages", "queries", "connections", "stats"}

var builtinFormats = []string{"pretty", "json"}

func viewNames() []string {
	names := builtinViews[:len(builtinViews):len(builtinViews)]
	for _, v := range registeredViews {
		names = append(names, v.Name)
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
