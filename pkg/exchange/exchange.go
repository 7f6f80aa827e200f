package exchange

import (
	"encoding/binary"

	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/wire"
)

// Stamp is a place in the capture.
type Stamp = wire.Stamp

// Protocol is how an exchange was asked for.
type Protocol uint8

// The protocols of an exchange. ProtocolUnknown is that of an exchange whose
// request was not seen.
const (
	ProtocolUnknown Protocol = iota
	ProtocolSimple
	ProtocolExtended
	ProtocolFunctionCall
	ProtocolReplication
)

var protocolNames = [...]string{"", "simple", "extended", "function_call", "replication"}

func (p Protocol) String() string { return protocolNames[p] }

// Missing is a set of parts of an exchange that were not seen.
type Missing uint8

// What may be missing.
const (
	MissingRequest Missing = 1 << iota // the Query, Execute or FunctionCall
	MissingParse                       // the Parse of the statement
	MissingBind                        // the Bind of the portal
	MissingReply                       // the end of the replies
	// The text: it is another connection's, of a statement with that name; or what the name
	// meant before bytes of both sides were lost, in which it could have been made anew.
	InferredSQL
)

var missingNames = [...]string{"request", "parse", "bind", "reply", "sql"}

// Names returns the names of the parts, in a fixed order.
func (m Missing) Names() (names []string) {
	for i, n := range missingNames {
		if m>>i&1 != 0 {
			names = append(names, n)
		}
	}
	return names
}

// CopyMode is the direction of a COPY.
type CopyMode uint8

// The directions of COPY, in the server's view.
const (
	CopyNone CopyMode = iota
	CopyIn
	CopyOut
	CopyBoth
)

var copyNames = [...]string{"", "in", "out", "both"}

func (c CopyMode) String() string { return copyNames[c] }

// Result is what one command of an exchange returned.
type Result struct {
	Tag       []byte // the command tag; nil if the command did not complete
	Rows      uint64 // DataRow messages
	Bytes     uint64 // bytes of those messages on the wire
	Suspended bool   // the portal was suspended: the row limit was reached
	copied    int32  // of a COPY, its place in the copies of its exchange, from 1
	Columns   *Columns
}

// Exchange is a query cycle: a simple Query with all its commands; an
// Execute with the Parse, Bind and Describe that led to it in the same cycle; a
// function call. Its memory is borrowed until the handler returns.
type Exchange struct {
	ID       uint64 // number within the connection
	Protocol Protocol
	SQL      []byte // nil if not known; cut to Limits.SQL bytes
	SQLLen   int    // length of the whole text in bytes
	Escapes  bool   // backslashes in plain constants of SQL are escapes
	// Prepared is the statement that was executed, nil for other protocols and
	// for statements never seen. Its Memo lets handlers keep what they derived
	// from the SQL.
	Prepared  *Statement
	Statement []byte // name; nil where there is none, empty for the unnamed
	Portal    []byte

	// Mark is the Handler's own: what it found out about x, for those it hands x on to; 0
	// at first.
	Mark uint16
	// Alike likewise: where a Handler keeps something for all texts that differ from SQL
	// in their constants only, it points to that; nil at first. It is borrowed while the
	// exchange is reported.
	Alike *any

	HasParams bool   // a Bind or FunctionCall was seen; see Parameters
	Function  uint32 // OID of the function called

	Results []Result
	Rows    uint64 // sum over Results
	Bytes   uint64

	Copy         CopyMode
	CopyBytes    uint64 // payload of CopyData, of all COPY commands: see CopyOf
	CopyMessages uint64

	Error    []byte // body of the ErrorResponse; nil if there was none
	FailedAt messages.Kind
	Notices  int

	Start Stamp // first byte of the first request
	// Asked is the first request byte of the stretch that the replies answer: what
	// was prepared and answered on its own, before, is not of it.
	Asked      Stamp
	FirstReply Stamp
	FirstRow   Stamp
	End        Stamp // last reply of the cycle
	// Prepare is how long an answered Parse or Describe of the statement took that
	// was sent on its own before, in nanoseconds; 0 where there was none.
	Prepare int64
	// Pause is the time from the end of the last reply before this exchange to
	// its first request, in nanoseconds; -1 where there was none before it or
	// the request came while another was being answered.
	Pause int64
	// PauseTx is the transaction status during Pause: 'T' or 'E' mean that the
	// session was idle in a transaction.
	PauseTx byte

	Tx       byte // status after it, 0 if not known
	Missing  Missing
	Complete bool // request and replies were seen whole
	// Skipped tells that the server passed over it, since a request before it in
	// the same cycle had failed, or since it was sent inside the data of a COPY.
	Skipped bool
	// Unanswered tells that the server did not answer before the connection or the
	// capture ended, although nothing was lost.
	Unanswered bool
	LostBytes  uint64
	// CancelledBy is the number of the connection whose CancelRequest ended this
	// exchange; 0 if none was seen before its end.
	CancelledBy uint64

	// Server is what the server itself says its work took; nil where it does not.
	Server *ServerTimes

	// The rest is the log's. First the parameters, which are decoded when somebody asks.
	bind   []byte // body of the Bind, nil once decoded
	params messages.Values
	// cutParameter is the length of the last of them, where not all of it is there.
	cutParameter int
	formats      []int16
	results      []int16

	// Its memory, and what it may be told by.
	shared  *Shared
	cost    int // what was charged for it
	sqlCost int // of cost, what Prepared takes
	flags   flags
	buf     []byte     // owns SQL of simple queries, names, tags, arguments, error
	portal  *portal    // what is executed; holds the parameters
	targets []target   // what Describes asked about, in their order
	nextTgt int        // which of them is answered next
	told    *Statement // whose Prepare is known
	columns *Columns   // of the result that is being received; nil: see current
	types   []uint32   // of a copy made by CopyTo: the types of the parameters

	// earlier are the statements of the Binds before the latest, binds counts those, bound
	// the BindCompletes: an error may be that of any of them.
	earlier      []*Statement
	binds, bound int
	// described is the statement that Describe asked about, nil if there were several;
	// describes counts them.
	described *Statement
	describes int

	copies *copies // nil where there was no COPY yet

	scanned int // bytes of SQL whose commands were looked at

	changes    []change // of prepared statements and portals, which an error undoes
	confirmed  int      // how many of them a reply has confirmed
	changeCost int      // of cost, what they take
}

// target is what a Describe asks about: a statement, or a portal, which may not
// be known.
type target struct {
	statement *Statement
	portal    *portal
}

type flags uint16

const (
	flagExecuted  flags = 1 << iota // an Execute, Query or FunctionCall was seen
	flagReplied                     // any reply was seen
	flagDone                        // its own last reply was seen
	flagRequested                   // a request was seen at all
	flagOpenRes                     // the last of Results is still receiving rows
	flagLossy                       // not all of targets were kept
	flagHoles                       // an unknown number of bytes was lost
	flagCertain                     // changes are not undone
	flagSynced                      // its Sync was seen: a ReadyForQuery is due
	flagReady                       // its ReadyForQuery was seen
	flagDiscarded                   // the server passes over it after an error
	flagApart                       // its Sync came when all else was answered
	flagBound                       // a BindComplete was seen
	flagCut                         // the connection or capture ended inside its replies
	flagUnsure                      // the server may not have passed over it: it is not certain that flagDiscarded is true
)

// Parameters returns the values of the Bind, or the arguments of the
// FunctionCall, with their format codes (none: text; one: for all; else one
// each). They are empty where Limits.NoParameters is set.
func (x *Exchange) Parameters() (values messages.Values, formats []int16) {
	if x.bind != nil {
		b := messages.Bind{ParameterFormats: x.formats[:0], Parameters: x.params[:0], ResultFormats: x.results[:0]}
		x.cutParameter = 0
		if b.Decode(x.bind) != nil { // of a cut one, what is there
			x.cutParameter = wholeLength(x.bind, b.Parameters)
		}
		x.params, x.formats, x.results, x.bind = b.Parameters, b.ParameterFormats, b.ResultFormats, nil
	}
	return x.params, x.formats
}

// CutParameter returns the length in bytes of the last parameter that Parameters
// returned if only its beginning is there, else 0.
func (x *Exchange) CutParameter() int { return x.cutParameter }

// wholeLength returns the length that the last of the values has by the body that
// ends inside it, 0 if it does not.
func wholeLength(body []byte, values messages.Values) int {
	if values.Len() == 0 {
		return 0
	}
	last := values[values.Len()-1]
	at := len(body) - len(last) - 4
	if len(last) == 0 || at < 0 || &body[len(body)-1] != &last[len(last)-1] {
		return 0
	}
	n := int(int32(binary.BigEndian.Uint32(body[at:])))
	if n <= len(last) {
		return 0
	}
	return n
}

// ErrorFields decodes the error; its memory is that of the exchange.
func (x *Exchange) ErrorFields(into *messages.ErrorResponse) bool {
	return x.Error != nil && (into.Decode(x.Error) == nil || len(into.Fields) > 0)
}

// SQLState returns the five characters of the error's code, nil if none.
func (x *Exchange) SQLState() []byte {
	b := x.Error
	for len(b) > 1 && b[0] != 0 {
		end := 1
		for end < len(b) && b[end] != 0 {
			end++
		}
		if b[0] == messages.FieldSQLState {
			return b[1:end]
		}
		if end == len(b) {
			break
		}
		b = b[end+1:]
	}
	return nil
}

// Duration returns the nanoseconds from the first request byte of the stretch that
// is answered to the last reply, and whether both were seen, at known times. Where
// the clock of the capture ran backwards it is not known.
func (x *Exchange) Duration() (ns int64, ok bool) { return x.Since(x.End) }

// Since returns the nanoseconds from the first request byte of the stretch that is
// answered to at, which is FirstReply, FirstRow or End; ok is false where they are
// not known.
func (x *Exchange) Since(at Stamp) (ns int64, ok bool) {
	ns = at.Time - x.Asked.Time
	return ns, x.Asked.Time != 0 && at.Time != 0 && ns >= 0 && !x.Skipped
}

// reset empties x for reuse and keeps the capacity of its buffers within reason.
func (x *Exchange) reset() {
	// Most have one of each at most, for which a call takes longer than its work.
	if len(x.Results) == 1 {
		x.Results[0] = Result{}
	} else {
		clear(x.Results)
	}
	if len(x.targets) == 1 {
		x.targets[0] = target{}
	} else {
		clear(x.targets)
	}
	if len(x.changes) > 0 {
		clear(x.changes)
	}
	if len(x.params) > 0 {
		clear(x.params)
	}
	buf, list := x.buf[:0], x.Results[:0]
	formats, results, params := x.formats[:0], x.results[:0], x.params[:0]
	targets, changes := x.targets[:0], x.changes[:0]
	if cap(buf) > keepBytes {
		buf = nil
	}
	if cap(list) > keepItems {
		list = nil
	}
	if cap(formats) > keepItems || cap(results) > keepItems {
		formats, results = nil, nil
	}
	if cap(params) > keepItems {
		params = nil
	}
	if cap(targets) > keepItems || cap(changes) > keepItems {
		targets, changes = nil, nil
	}
	shared, c := x.shared, x.copies
	*x = Exchange{} // one run over the memory, not a copy
	if x.copies = c; c != nil {
		c.reset()
	}
	x.shared, x.buf, x.Results = shared, buf, list
	x.formats, x.results, x.params = formats, results, params
	x.targets, x.changes = targets, changes
}

// What an exchange that waits for reuse keeps at most, so that all of them
// together take some 10 MB.
const (
	keepBytes = 16 << 10
	keepItems = 256
)

// charge asks for n bytes of the memory of all connections.
func (x *Exchange) charge(n int) bool {
	if !x.shared.reserve(n) {
		x.shared.DroppedParts++
		return false
	}
	x.cost += n
	return true
}

// keep copies b into the exchange's own memory. It returns nil if there is no
// room for it, and only then.
func (x *Exchange) keep(b []byte) []byte {
	// A full buffer is replaced, not moved: views into it stay valid.
	if cap(x.buf)-len(x.buf) < max(len(b), 1) {
		size := max(256, 2*cap(x.buf), len(b))
		if !x.charge(size) {
			return nil
		}
		x.buf = make([]byte, 0, size)
	}
	n := len(x.buf)
	x.buf = append(x.buf, b...)
	return x.buf[n:len(x.buf):len(x.buf)]
}

// addTarget notes what a Describe asks about.
func (x *Exchange) addTarget(t target) {
	cost := 48
	if t.statement != nil {
		cost += t.statement.cost
	}
	if x.flags&flagLossy != 0 || !x.charge(cost) {
		x.flags |= flagLossy
		return
	}
	if t.portal != nil {
		t.portal.refs++
	}
	x.targets = append(x.targets, t)
}

// Columns returns the columns of the result that is being received, nil if they
// are not known. The slice must not be changed.
func (x *Exchange) Columns() []messages.ColumnDescription { return x.current().Fields() }

func (x *Exchange) current() *Columns {
	if x.columns == nil && x.portal != nil {
		x.columns = x.portal.resolve(x.shared)
	}
	return x.columns
}

// ParamTypes returns the type OIDs of the parameters as far as they are known.
// The slice must not be changed.
func (x *Exchange) ParamTypes() []uint32 {
	if x.Prepared == nil {
		return x.types
	}
	return x.Prepared.ParamTypes
}
