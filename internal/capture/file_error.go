package capture

import (
	"errors"
	"fmt"
	"strings"
)

// What can be wrong with a capture file. A *FileError matches one of them with
// errors.Is.
var (
	ErrNotFound   = errors.New("no such file")
	ErrDirectory  = errors.New("a directory, not a file")
	ErrUnreadable = errors.New("cannot be read")
	ErrEmpty      = errors.New("empty file")
	ErrNotCapture = errors.New("not a capture file")
	// ErrTruncated is a file that ends inside a record, as every file does
	// that is still being written. All packets before it were delivered.
	ErrTruncated = errors.New("cut off")
	// ErrCorrupt is a record that cannot be right. All packets before it were
	// delivered; those after it cannot be found.
	ErrCorrupt = errors.New("corrupt")
	// ErrTrailing is the warning that a compressed file goes on with
	// something that is not compressed data, which was left unread.
	ErrTrailing = errors.New("trailing garbage")
)

// FileError is what went wrong with one capture file.
type FileError struct {
	// Path is the file as the user named it; "-" is standard input.
	Path string
	// Kind is one of this package's Err values.
	Kind error
	// Packet is the number of the last good packet within this file.
	Packet uint64
	// Offset is where in the uncompressed file the trouble begins, in bytes;
	// -1 if the trouble is with the file as a whole.
	Offset int64
	// Detail says more about what was found; Hint what can be done.
	Detail, Hint string
	// Cause is the error of the system or of a decompressor, if there is one.
	Cause error
}

// Error is one line: the file, what is wrong, where, and what can be done.
func (e *FileError) Error() string {
	var b strings.Builder
	name := e.Path
	if name == "-" {
		name = "standard input"
	}
	fmt.Fprintf(&b, "%s: %v", name, e.Kind)
	if e.Offset >= 0 {
		fmt.Fprintf(&b, " after packet %d (byte %d)", e.Packet, e.Offset)
	}
	for _, s := range []string{e.Detail, causeText(e.Cause)} {
		if s != "" {
			b.WriteString(": ")
			b.WriteString(s)
		}
	}
	if e.Hint != "" {
		b.WriteString("; ")
		b.WriteString(e.Hint)
	}
	return b.String()
}

// Unwrap makes both the kind and the cause visible to errors.Is and errors.As.
func (e *FileError) Unwrap() []error {
	if e.Cause == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Cause}
}

// causeText leaves out the operation and path that the os package repeats.
func causeText(err error) string {
	if err == nil {
		return ""
	}
	for {
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
