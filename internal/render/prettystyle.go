package render

import "github.com/pgsniff/pgsniff/pkg/messages"

// style says how pretty output shows a field.
type style uint8

const (
	named  style = iota // name=value
	bare                // value alone
	sql                 // value alone, as SQL
	noted               // name=value, unless the value is empty or zero
	hidden              // only in JSON
)

// styleOf is the one place that knows which fields matter to a reader. A field
// that is not listed is shown with its name, so a new one cannot get lost.
func styleOf(k messages.Kind, name string) style {
	switch name {
	case "query":
		return sql
	case "accepted", "command_tag", "status", "mechanisms", "fields", "values", "parameter_formats", "parameters":
		if name == "parameter_formats" {
			return hidden
		}
		return bare
	case "portal", "statement", "max_rows", "parameter_oids":
		return noted
	case "result_formats", "argument_formats", "file", "line", "routine", "severity_localized":
		return hidden
	case "protocol_version", "mechanism", "severity", "sqlstate", "message", "kind", "data", "channel", "password":
		return bare
	case "name", "value", "format", "column_formats":
		return bare
	}
	return named
}
