package netfacts

import "github.com/pgsniff/pgsniff/internal/record"

// Record is an event as a record, for views that want it (sink.Wants.Network). Of its
// connection no more is known than its number and its ends.
type Record struct{ Event }

// NetworkFact tells sinks what it is.
func (r *Record) NetworkFact() {}

// It is not among record.Schemas: no output shows it.
var (
	networkSchema = &record.Schema{Name: "network", Doc: "What the network did to a connection."}
	networkConn   = networkSchema.Int("conn", "", "Number of the connection.")
	networkLength = networkSchema.Int("length_ns", "ns", "How long it took.")
	networkBytes  = networkSchema.Int("n", "", "How much it is about.")
)

// Schema describes it.
func (r *Record) Schema() *record.Schema { return networkSchema }

// Place is the packet that made it known.
func (r *Record) Place() record.Stamp { return record.Stamp{Time: r.At.Time, Frame: r.At.Frame} }

// Of returns nil, see Conn of Event.
func (r *Record) Of() *record.Conn { return nil }

// Visit shows it.
func (r *Record) Visit(v record.Visitor) {
	v.Uint(networkConn, r.Conn)
	v.Int(networkLength, r.Length)
	v.Int(networkBytes, int64(r.N))
}

// Clone returns a copy.
func (r *Record) Clone() record.Record {
	clone := *r
	return &clone
}
