package csvlog

import (
	"strconv"
	"time"
)

// row is a line of the log. Fields that are empty are not known.
type row struct {
	time          int64 // nanoseconds since the Unix epoch
	user          string
	database      string
	pid           uint32 // 0: not known
	from          string // host:port
	session       string
	line          uint64
	tag           string // command
	start         int64
	severity      []byte
	state         []byte // SQLSTATE
	message       []byte
	detail        []byte
	hint          []byte
	internal      []byte // query
	internalPos   []byte
	context       []byte
	query         []byte
	queryPos      []byte
	application   string
	clientBackend bool
}

// appendRow appends the 26 columns (manual: the table postgres_log).
func appendRow(dst []byte, r *row) []byte {
	dst = appendTime(dst, r.time, "2006-01-02 15:04:05.000 MST")
	dst = appendField(dst, []byte(r.user))
	dst = appendField(dst, []byte(r.database))
	dst = append(dst, ',')
	if r.pid != 0 {
		dst = strconv.AppendUint(dst, uint64(r.pid), 10)
	}
	dst = appendField(dst, []byte(r.from))
	dst = append(append(dst, ','), r.session...)
	dst = strconv.AppendUint(append(dst, ','), r.line, 10)
	dst = appendField(dst, []byte(r.tag))
	dst = appendTime(append(dst, ','), r.start, "2006-01-02 15:04:05 MST")
	dst = append(dst, ",,,"...) // virtual transaction and transaction
	dst = append(dst, r.severity...)
	dst = append(append(dst, ','), r.state...)
	for _, field := range [...][]byte{r.message, r.detail, r.hint, r.internal} {
		dst = appendField(dst, field)
	}
	dst = appendNumber(dst, r.internalPos)
	dst = appendField(dst, r.context)
	dst = appendField(dst, r.query)
	dst = appendNumber(dst, r.queryPos)
	dst = append(dst, ',') // location
	// The server writes the name also where it is empty.
	dst = append(append(dst, ','), '"')
	dst = appendQuoted(dst, []byte(r.application))
	dst = append(dst, `",`...)
	if r.clientBackend {
		dst = append(dst, `"client backend"`...)
	}
	return append(dst, ",,\n"...) // leader, query ID
}

func appendTime(dst []byte, ns int64, layout string) []byte {
	return time.Unix(0, ns).UTC().AppendFormat(dst, layout)
}

// appendField appends a comma and a text in quotes, nothing where there is no text.
func appendField(dst, v []byte) []byte {
	dst = append(dst, ',')
	if len(v) == 0 {
		return dst
	}
	return append(appendQuoted(append(dst, '"'), v), '"')
}

func appendQuoted(dst, v []byte) []byte {
	for _, b := range v {
		if b == '"' {
			dst = append(dst, '"')
		}
		if b != 0 { // PostgreSQL's texts have none
			dst = append(dst, b)
		}
	}
	return dst
}

// appendNumber appends a comma and a number that came as text, if it is one.
func appendNumber(dst, v []byte) []byte {
	dst = append(dst, ',')
	for _, b := range v {
		if b < '0' || b > '9' {
			return dst
		}
	}
	return append(dst, v...)
}

// appendDuration appends milliseconds with three digits, as the server writes them.
func appendDuration(dst []byte, ns int64) []byte {
	us := ns / 1000
	dst = strconv.AppendInt(dst, us/1000, 10)
	return append(dst, '.', byte('0'+us/100%10), byte('0'+us/10%10), byte('0'+us%10))
}

// appendLifetime appends the time of a session, as disconnections have it.
func appendLifetime(dst []byte, ns int64) []byte {
	ms := max(ns, 0) / 1_000_000
	dst = strconv.AppendInt(dst, ms/3_600_000, 10)
	for _, part := range [...]int64{ms / 60_000 % 60, ms / 1000 % 60} {
		dst = append(dst, ':', byte('0'+part/10), byte('0'+part%10))
	}
	return append(dst, '.', byte('0'+ms/100%10), byte('0'+ms/10%10), byte('0'+ms%10))
}
