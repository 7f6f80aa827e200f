package session

import (
	"bytes"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// searchPathOf returns the search_path that a startup packet asks for. A parameter of
// that name goes before one among the options, as the server has it.
func (s *Session) searchPathOf(m *messages.StartupMessage) string {
	v := m.Parameter("search_path")
	if len(v) == 0 {
		v = optionOf(m.Parameter("options"), "search_path")
	}
	if len(v) == 0 {
		return ""
	}
	return s.setting("search_path", v)
}

// maxOptions bounds the options that are looked into.
const maxOptions = 1 << 10

// optionOf returns the value that the options of a startup packet, arguments of the
// server's command line, give a setting last; nil where they do not.
func optionOf(options []byte, setting string) (value []byte) {
	options = options[:min(len(options), maxOptions)]
	wants := false // the argument before was -c
	for len(options) > 0 {
		var arg []byte
		arg, options = cutArgument(options)
		switch {
		case wants:
			wants = false
		case string(arg) == "-c":
			wants = true
			continue
		case bytes.HasPrefix(arg, []byte("-c")), bytes.HasPrefix(arg, []byte("--")):
			arg = arg[2:]
		default:
			continue
		}
		name, v, ok := bytes.Cut(arg, []byte("="))
		if ok && bytes.EqualFold(bytes.ReplaceAll(name, []byte("-"), []byte("_")), []byte(setting)) {
			value = v
		}
	}
	return value
}

// cutArgument returns the first of the arguments, which white space divides unless a
// backslash is before it, and the rest.
func cutArgument(options []byte) (arg, rest []byte) {
	options = bytes.TrimLeft(options, " \t\n\v\f\r")
	for i := 0; i < len(options); i++ {
		switch c := options[i]; {
		case c == '\\' && i+1 < len(options):
			i++
			arg = append(arg, options[i])
		case c == ' ' || c >= '\t' && c <= '\r':
			return arg, options[i:]
		default:
			arg = append(arg, c)
		}
	}
	return arg, nil
}
