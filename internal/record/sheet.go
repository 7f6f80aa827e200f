package record

// Sheet is implemented by records that pretty output shows as lines of their own,
// not as names and values.
type Sheet interface {
	Lines() []Line
}

// Line is one line of a Sheet, with how far it is indented. Where it is longer than
// the terminal is wide it goes on in the next one, Hang further in.
type Line struct {
	At           int64 // a time that it begins with, as the user wants times, in nanoseconds since the epoch; 0 for none
	Indent, Hang int
	Spans        []Span
}

// Span is a piece of a line. Its text may come from the capture and hold anything.
type Span struct {
	Text  string
	Style Style
}

// Style is how a piece of text is shown.
type Style uint8

// The styles.
const (
	Plain Style = iota
	Name
	Good
	Warn
	Bad
	Dim
	SQL
)
