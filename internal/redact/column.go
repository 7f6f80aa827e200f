package redact

import "github.com/pgsniff/pgsniff/pkg/messages"

// The catalogs that hold credentials, by OID, which is the same everywhere
// (src/include/catalog).
const (
	pgAuthid       = 1260
	pgUserMapping  = 1418
	pgSubscription = 6100
	pgStatistic    = 2619

	typeBytea     = 17
	typeText      = 25
	typeTextArray = 1009
	typeAnyArray  = 2277
)

// credentialColumn tells whether a column is one of theirs that holds credentials,
// whatever it is called in the result. Their numbers changed with the versions, so
// the types help: rolpassword is 10 or 11; subconninfo is between 6 and 14, where
// other texts are those of subsynccommit and suborigin.
func credentialColumn(d *messages.ColumnDescription) bool {
	switch d.TableOID {
	case pgStatistic:
		return d.TypeOID == typeAnyArray // values of columns
	case pgAuthid:
		return d.TypeOID == typeText
	case pgUserMapping:
		return d.TypeOID == typeTextArray
	case pgSubscription:
		return d.TypeOID == typeText && string(d.Name) != "subsynccommit" && string(d.Name) != "suborigin"
	}
	return false
}

// credentialNames are those of columns that hold credentials and have no name that
// says so: of catalogs, of views over them, whose OIDs differ, and of what
// PgBouncer's auth_query is made of in its manual and elsewhere.
var credentialNames = map[string]bool{
	"umoptions": true, "subconninfo": true, "phash": true, "srvoptions": true, "option_value": true, "pg_options_to_table": true,
	"setconfig": true, "rolconfig": true, "useconfig": true,
}

func credentialName(name []byte) bool { return credentialNames[string(name)] }

// plainType tells whether values of a type cannot be a text that repeats one:
// numbers, times, truth values, identifiers.
func plainType(oid uint32) bool {
	switch oid {
	case 16, 20, 21, 23, 26, 28, 700, 701, 790, 1700, 1082, 1083, 1114, 1184, 1186, 1266, 2278, 2950, 3220:
		return true
	}
	return false
}

// Columns sets which columns of a result are hidden, and reports whether any is.
func (c Cycle) Columns(hidden []bool, columns []messages.ColumnDescription) ([]bool, bool) {
	hidden, any := hidden[:0], false
	for i := range columns {
		h := c.Column(&columns[i])
		hidden, any = append(hidden, h), any || h
	}
	return hidden, any
}
