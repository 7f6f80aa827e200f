package record

import "strings"

// SchemaName returns the first schema of the search path, without its quotes, "" where
// that is not known. Of "$user", which is first by default, it is not: the schema of the
// user's name is passed over where there is none.
func (w *Who) SchemaName() string {
	const space = " \t\n\r\f\v"
	path := strings.TrimLeft(w.SearchPath, space)
	name := path
	if quoted, ok := strings.CutPrefix(path, `"`); ok {
		end := endOfQuoted(quoted)
		if end < 0 {
			return ""
		}
		name = strings.ReplaceAll(quoted[:end], `""`, `"`)
	} else if end := strings.IndexAny(path, ","+space); end >= 0 {
		name = path[:end]
	}
	if name == "$user" || name == "<redacted>" {
		return ""
	}
	return name
}

// endOfQuoted returns where the quote is that ends a name; two stand for one within it.
func endOfQuoted(s string) int {
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] != '"':
		case i+1 < len(s) && s[i+1] == '"':
			i++
		default:
			return i
		}
	}
	return -1
}
