package messages

// The rules of WellFormed for strings. They say what peers send, not what the
// format allows.

// maxIdentifier is NAMEDATALEN less the NUL, in bytes.
const maxIdentifier = 63

func isFormat(f int16) bool { return f == 0 || f == 1 }

func isUpper(b byte) bool { return b-'A' <= 'Z'-'A' }

func isLetter(b byte) bool { return b|0x20-'a' <= 'z'-'a' }

// textBytes tells which bytes occur in text of any of PostgreSQL's encodings:
// all but the control characters that are not white space.
var textBytes = func() (t [256]bool) {
	for i := range t {
		t[i] = i >= 0x20 && i != 0x7f
	}
	for _, b := range "\t\n\v\f\r" {
		t[b] = true
	}
	return t
}()

// isText accepts the empty string.
func isText(s []byte) bool {
	for _, b := range s {
		if !textBytes[b] {
			return false
		}
	}
	return true
}

// isToken is isText for SASL data, where OAUTHBEARER separates by \x01 (RFC 7628).
func isToken(s []byte) bool {
	for _, b := range s {
		if !textBytes[b] && b != 1 {
			return false
		}
	}
	return true
}

// isIdentifier accepts what a quoted identifier can be.
func isIdentifier(s []byte) bool {
	return len(s) > 0 && len(s) <= maxIdentifier && isText(s)
}

// isParameterName accepts names of run-time parameters: identifiers, with dots
// in those of extensions.
func isParameterName(s []byte) bool {
	if len(s) == 0 || len(s) > 2*maxIdentifier || !isLetter(s[0]) && s[0] != '_' {
		return false
	}
	for _, b := range s {
		if !isLetter(b) && !isDigit(b) && b != '_' && b != '.' && b != '$' && b != '-' {
			return false
		}
	}
	return true
}

// isMechanism accepts the names of SASL mechanisms (RFC 4422, section 3.1).
func isMechanism(s []byte) bool {
	if len(s) == 0 || len(s) > 20 {
		return false
	}
	for _, b := range s {
		if !isUpper(b) && !isDigit(b) && b != '-' && b != '_' {
			return false
		}
	}
	return true
}

func isSQLState(s []byte) bool {
	if len(s) != 5 {
		return false
	}
	for _, b := range s {
		if !isUpper(b) && !isDigit(b) {
			return false
		}
	}
	return true
}

func isNumber(s []byte) bool {
	for _, b := range s {
		if !isDigit(b) {
			return false
		}
	}
	return len(s) > 0 && len(s) <= 10
}
