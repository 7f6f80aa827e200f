package capture

import (
	"errors"
	"fmt"
	"io"
)

// recordReader reads one file's packets. Its errors are io.EOF or a *FileError
// to which Files adds the path and the packet's number.
type recordReader interface {
	next(p *Packet) error
	// interfaces is how many interfaces have been met so far.
	interfaces() int
}

// newRecordReader recognises the format by its magic number.
func newRecordReader(w *window, compressed compression, opt *FileOptions) (recordReader, error) {
	h, ok := w.peek(4)
	if !ok {
		if w.ended(h) {
			return nil, &FileError{Kind: ErrEmpty, Offset: -1, Detail: emptyDetail(compressed)}
		}
		if w.err != io.EOF {
			return nil, cutError(w, h, 4, "the file header")
		}
		return nil, notCapture(w, compressed)
	}
	if isPcapng(h) {
		r := &pcapngReader{w: w, onSecrets: opt.OnSecrets, onLocal: opt.OnLocal}
		// Without a byte order this is not pcapng, rather than a corrupt one.
		if h, ok = w.peek(minBlock); ok && !r.setByteOrder(h) {
			return nil, notCapture(w, compressed)
		}
		return r, nil
	}
	if r, ok := pcapMagic(h); ok {
		return newPcapReader(w, r)
	}
	return nil, notCapture(w, compressed)
}

func emptyDetail(c compression) string {
	if c == plain {
		return ""
	}
	return c.String() + " data with nothing inside"
}

// cutError says why less than want bytes are there: rest is what is.
func cutError(w *window, rest []byte, want int, what string) error {
	if w.ended(rest) {
		return io.EOF
	}
	e := &FileError{Kind: ErrTruncated, Offset: w.off}
	var f *FileError
	switch {
	case errors.As(w.err, &f): // the input has said what is wrong
		e.Kind, e.Detail, e.Cause = f.Kind, f.Detail, f.Cause
	case w.err != io.EOF:
		e.Kind, e.Cause = ErrUnreadable, w.err
	default:
		e.Detail = fmt.Sprintf("%s needs %d bytes, %d are there", what, want, len(rest))
	}
	return e
}
