package exchange

import "bytes"

// Statement is a prepared statement of a connection. It lives until it is
// closed, deallocated or discarded, or the connection ends: never by a timer.
type Statement struct {
	SQL      []byte // owned; cut to Limits.SQL bytes; nil if not known
	SQLLen   int    // length of the whole text in bytes
	Inferred bool   // the Parse was not seen: SQL, if any, is another connection's
	// ParamTypes are the type OIDs of the parameters: as ParameterDescription
	// told, else as Parse declared; 0 is not specified.
	ParamTypes []uint32
	// Memo is for handlers: what they derived from SQL.
	Memo any

	name    string
	label   []byte   // name, for exchanges to point to
	columns *Columns // answer to Describe of the statement
	// The columns with the formats of the latest Bind, which are usually those
	// of the next one.
	bound *Columns
}

// portal is what Bind made: a statement with parameters.
type portal struct {
	statement *Statement
	columns   *Columns // with the formats asked for
	params    []byte   // body of the Bind
	known     bool     // its Bind was seen
}

func (s *Statement) size() int { return len(s.SQL) + 2*len(s.name) + 4*len(s.ParamTypes) + 200 }

// deallocated reads the name from the text of a DEALLOCATE; all for DEALLOCATE ALL.
func deallocated(sql []byte) (name string, all, ok bool) {
	f := bytes.Fields(bytes.TrimRight(bytes.TrimSpace(sql), "; \t\n"))
	if len(f) < 2 || !bytes.EqualFold(f[0], []byte("deallocate")) {
		return "", false, false
	}
	i := 1
	if len(f) > 2 && bytes.EqualFold(f[1], []byte("prepare")) {
		i = 2
	}
	if i != len(f)-1 {
		return "", false, false
	}
	w := f[i]
	if bytes.EqualFold(w, []byte("all")) {
		return "", true, true
	}
	if w[0] == '"' && len(w) > 2 && w[len(w)-1] == '"' {
		return string(bytes.ReplaceAll(w[1:len(w)-1], []byte(`""`), []byte(`"`))), false, true
	}
	return string(bytes.ToLower(w)), false, true
}
