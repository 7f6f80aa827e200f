// Package record is what every output of the program is made of: one value for
// each message, query, connection and notice, and what views derive of them.
//
// A record names its fields once: the variables of type [*Field] beside its type
// hold name, type, unit and documentation, and Visit hands the values to a
// [Visitor] under them. Writers read records through Visit, so that two formats
// cannot drift apart, and tables of the documentation are made from the fields.
//
// What a record reaches (texts, bodies, lists) is borrowed until the call returns
// that it was handed to. Clone makes an owned copy. What a [*Who] or [*Conn]
// points to does not change and may be kept.
//
// Secrets are taken out on the way in: internal/redact stands before all that makes
// records, and fields that are secret by what they are (passwords, salts, keys) are
// kept back by [Privacy]. Only the bytes of the wire ([Message.Wire]) have these.
//
// A new kind of record is a type with the methods of [Record] and a [Schema]:
//
//	var (
//		lagSchema = record.NewSchema("lag", "How far a standby is behind.")
//		lagSlot   = lagSchema.Text("slot", "The replication slot.")
//		lagBytes  = lagSchema.Int("bytes", "bytes", "Sent and not yet flushed there.")
//	)
//
//	func (l *Lag) Visit(v record.Visitor) {
//		v.String(lagSlot, l.Slot)
//		v.Int(lagBytes, l.Bytes)
//	}
package record
