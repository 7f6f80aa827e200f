package attach

import "fmt"

// Error tells why attaching is not possible, and what to do about it.
type Error struct {
	What  string // what is not possible
	Help  string // what to do; may be several lines
	Cause error  // may be nil
}

func (e *Error) Unwrap() error { return e.Cause }

func (e *Error) Error() string {
	s := e.What
	if e.Cause != nil {
		s += fmt.Sprintf(" (%v)", e.Cause)
	}
	if e.Help != "" {
		s += ": " + e.Help
	}
	return s
}

// Lined tells that the text may have several lines.
func (e *Error) Lined() {}
