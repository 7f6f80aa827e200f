package messages

// maxColumns is MaxTupleAttributeNumber: the most columns of a result.
const maxColumns = 1664

func wfRowDescription(body []byte) bool {
	c := cursor{body: body}
	n := int(c.uint16(""))
	if n > maxColumns || n*minColumn > c.left() {
		return false
	}
	for ; n > 0; n-- {
		f := c.column()
		if c.failed() || !isText(f.Name) || f.TypeOID == 0 || !isFormat(f.Format) ||
			f.TypeSize < -2 || f.TypeSize == 0 || f.TypeModifier < -1 {
			return false
		}
	}
	return c.ok()
}

func wfDataRow(body []byte) bool {
	c := cursor{body: body}
	return c.skipValues() <= maxColumns && c.ok()
}

// maxCommandTag is COMPLETION_TAG_BUFSIZE less the NUL.
const maxCommandTag = 63

// wfCommandComplete wants a word of capitals and after it words and numbers.
func wfCommandComplete(body []byte) bool {
	c := cursor{body: body}
	tag := c.cstring("")
	if !c.ok() || len(tag) < 2 || len(tag) > maxCommandTag || !isUpper(tag[0]) || !isUpper(tag[1]) {
		return false
	}
	first := true
	for _, b := range tag {
		switch {
		case isUpper(b) || b == '_':
		case b == ' ':
			first = false
		case first || !isDigit(b):
			return false
		}
	}
	return true
}

func wfParse(body []byte) bool {
	c := cursor{body: body}
	statement, sql := c.cstring(""), c.cstring("")
	if !isText(statement) || !isText(sql) {
		return false
	}
	n := int(c.uint16(""))
	return !c.failed() && c.left() == 4*n
}

func wfBind(body []byte) bool {
	c := cursor{body: body}
	portal, statement := c.cstring(""), c.cstring("")
	if !isText(portal) || !isText(statement) {
		return false
	}
	formats, ok := c.checkFormats()
	if !ok {
		return false
	}
	n := c.skipValues()
	if formats > 1 && formats != n {
		return false
	}
	results, ok := c.checkFormats()
	return ok && results <= maxColumns && c.ok()
}

func wfTarget(body []byte) bool {
	c := cursor{body: body}
	t := Target(c.byte1(""))
	return (t == TargetStatement || t == TargetPortal) && isText(c.cstring("")) && c.ok()
}

func wfExecute(body []byte) bool {
	c := cursor{body: body}
	return isText(c.cstring("")) && c.int32("") >= 0 && c.ok()
}

func wfParameterDescription(body []byte) bool {
	c := cursor{body: body}
	n := int(c.uint16(""))
	if c.left() != 4*n {
		return false
	}
	for ; n > 0; n-- {
		if c.uint32("") == 0 {
			return false
		}
	}
	return c.ok()
}

func wfCopyFormats(body []byte) bool {
	// In a textual COPY all columns are textual.
	c := cursor{body: body}
	format := c.byte1("")
	n := int(c.uint16(""))
	if format > 1 || n > maxColumns || c.left() != 2*n {
		return false
	}
	for ; n > 0; n-- {
		if f := c.int16(""); !isFormat(f) || f > int16(format) {
			return false
		}
	}
	return c.ok()
}

func wfFunctionCall(body []byte) bool {
	c := cursor{body: body}
	if c.uint32("") == 0 {
		return false
	}
	formats, ok := c.checkFormats()
	if !ok {
		return false
	}
	n := c.skipValues()
	return (formats <= 1 || formats == n) && isFormat(c.int16("")) && c.ok()
}

func wfFunctionCallResponse(body []byte) bool {
	c := cursor{body: body}
	c.value("")
	return c.ok()
}

// isSeverity accepts the values of the field that is never translated.
func isSeverity(s []byte) bool {
	switch string(s) {
	case "ERROR", "FATAL", "PANIC", "WARNING", "NOTICE", "DEBUG", "INFO", "LOG":
		return true
	}
	return false
}

// wfErrorFields wants each field known and once, and those that are always sent.
func wfErrorFields(body []byte) bool {
	c := cursor{body: body}
	var seen [256]bool
	for {
		t := c.byte1("")
		if t == 0 { // the end, or a fault
			break
		}
		s := c.cstring("")
		if c.failed() || seen[t] || errorFieldNames[t] == "" || !wfErrorField(t, s) {
			return false
		}
		seen[t] = true
	}
	return c.ok() && seen[FieldSQLState] && seen[FieldMessage] &&
		(seen[FieldSeverity] || seen[FieldSeverityLocalized])
}

func wfErrorField(t byte, s []byte) bool {
	switch t {
	case FieldSeverity:
		return isSeverity(s)
	case FieldSeverityLocalized:
		return len(s) > 0 && isText(s)
	case FieldSQLState:
		return isSQLState(s)
	case FieldPosition, FieldInternalPosition, FieldLine:
		return isNumber(s)
	}
	return true // messages may hold whatever a function raised
}

// checkFormats reads a count and format codes and tells how many there are, and
// whether all are defined.
func (c *cursor) checkFormats() (n int, ok bool) {
	n = int(c.uint16(""))
	if 2*n > c.left() {
		return n, false
	}
	for range n {
		if !isFormat(c.int16("")) {
			return n, false
		}
	}
	return n, !c.failed()
}
