package tlsdecrypt

import (
	"errors"
	"io"
	"os"
)

// followedFile is a key log that another program may be writing to.
type followedFile struct {
	path   string
	info   os.FileInfo // as of the last read; nil before the first
	offset int64       // bytes read
	lines  lineSplitter
}

// OpenFile reads a key log file and keeps its name for Refresh. A pipe is read
// to its end, once. On an error what was read stays, and Refresh tries again:
// a file that is not there yet may be followed all the same.
func (k *KeyLog) OpenFile(path string) error {
	f := &followedFile{path: path}
	k.filesMu.Lock()
	defer k.filesMu.Unlock()
	info, err := os.Stat(path)
	if err == nil && !info.Mode().IsRegular() {
		return k.readPipe(path)
	}
	k.files = append(k.files, f)
	return k.refreshFile(f)
}

func (k *KeyLog) readPipe(path string) error {
	r, err := os.Open(path)
	if err != nil {
		return err
	}
	defer r.Close()
	f := followedFile{path: path}
	err = k.read(r, &f.lines, path, FromKeyLog)
	if line, number, ok := f.lines.rest(); ok {
		k.addLine(line, number, path, FromKeyLog)
	}
	return err
}

// Refresh reads what was appended to the files since. It costs a stat for each
// file that has not changed. A file that became shorter, or was replaced by
// another of the name, is read from its beginning; one rewritten in place to
// its old size or more is not told from one that grew. Errors of several files
// are joined.
func (k *KeyLog) Refresh() error {
	k.filesMu.Lock()
	defer k.filesMu.Unlock()
	var errs []error
	for _, f := range k.files {
		errs = append(errs, k.refreshFile(f))
	}
	return errors.Join(errs...)
}

func (k *KeyLog) refreshFile(f *followedFile) error {
	info, err := os.Stat(f.path)
	if err != nil {
		return err
	}
	if f.info != nil && os.SameFile(f.info, info) && info.Size() == f.offset && info.ModTime().Equal(f.info.ModTime()) {
		return nil
	}
	if !info.Mode().IsRegular() {
		return &os.PathError{Op: "follow", Path: f.path, Err: errors.New("not a regular file")}
	}
	return k.readAppended(f)
}

// readAppended reads from where the last read ended. The unterminated last line
// is tried without a warning: it may be a whole one that only lacks its end, or
// half of one that is just being written, which then is read again.
func (k *KeyLog) readAppended(f *followedFile) error {
	r, err := os.Open(f.path)
	if err != nil {
		return err
	}
	defer r.Close()
	info, err := r.Stat()
	if err != nil {
		return err
	}
	if f.info != nil && (!os.SameFile(f.info, info) || info.Size() < f.offset) {
		f.offset, f.lines = 0, lineSplitter{}
	}
	f.info = info
	if _, err = r.Seek(f.offset, io.SeekStart); err != nil {
		return err
	}
	counted := &countingReader{r: r}
	err = k.read(counted, &f.lines, f.path, FromKeyLog)
	f.offset += counted.n
	if line, _, ok := f.lines.rest(); ok && line != nil {
		_ = k.Add(line)
	}
	return err
}

// countingReader counts the bytes read through it.
type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}
