// Package sink is the seam between what sessions report and what becomes of it.
//
// A [Sink] takes records ([record.Record]): it says what it wants to be told, is
// handed that, hears of the capture's clock, and ends with the totals. There are two
// sorts, and a registry row makes each a choice of the command line:
//
//   - A [View] derives records: it takes some and hands others to an output
//     (--view NAME).
//   - An [Output] writes records (-o NAME).
//
// [Adapter] makes records of what sessions report; what its sink does not want is neither
// decoded nor made. Several views that share an output are told by a [Fan]. Selection is
// none of a sink's business: internal/selection stands before the adapter of any sink, and
// messages whose query may turn out not to be shown wait there. A sink for which making
// records would be a large part of the work takes what sessions report as it is ([Direct]);
// a sink may say what need not wait ([Wants].AtOnce, [RowCounter]), and be told of
// connections that are not shown ([Leaver]).
//
// Sinks work in the goroutine that reports: records are borrowed, and what a sink keeps
// with a connection ([record.Conn.Slot]), finds kept with a statement or is told of the
// totals belongs to that goroutine. The formats pretty and json alone have a goroutine that
// writes (render.Pipe), where what each side has is kept apart; ARCHITECTURE.md has figures.
// What writes to a slow place, as a collector, buffers within bounds of its own.
//
// A whole output, in a package of its own:
//
//	// Package count counts queries.
//	package count
//
//	// Output is the row for the registry, in internal/app/registry.go.
//	var Output = sink.Output{
//		Name: "count", Help: "the number of queries",
//		Setup: func(f *pflag.FlagSet) sink.OpenOutput {
//			label := f.String("count-label", "queries", "count: what to call them, `TEXT`")
//			return func(env *sink.Env) (sink.Sink, error) {
//				w, err := env.CreateText()
//				return &counter{Text: w, label: *label}, err
//			}
//		},
//	}
//
//	type counter struct {
//		*sink.Text
//		label string
//		n     uint64
//	}
//
//	func (c *counter) Wants() sink.Wants    { return sink.Wants{Queries: true} }
//	func (c *counter) Record(record.Record) { c.n++ }
//	func (c *counter) Tick(int64)           {}
//	func (c *counter) End(*record.Totals) error {
//		fmt.Fprintln(c, c.n, c.label)
//		return c.Close()
//	}
package sink
