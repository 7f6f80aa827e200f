package capture

import (
	"bufio"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// FileOptions are what OpenFiles needs beside the names. The zero value is
// usable, but for reading standard input.
type FileOptions struct {
	// Stdin is what the name "-" means.
	Stdin io.Reader
	// OnSecrets is called by Next for each Decryption Secrets Block of a
	// pcapng file as it is met, with the block's secrets type (0x544c534b is a
	// TLS key log). data is borrowed until OnSecrets returns.
	OnSecrets func(kind uint32, data []byte)
	// OnLocal is called by Next for each block of a pcapng file whose type the format
	// leaves to local use. data is borrowed until OnLocal returns.
	OnLocal func(kind uint32, data []byte)
	// OnWarning is called by OpenFiles and Next with a *FileError that does not stop the
	// reading: a file that ends inside a record (ErrTruncated), or garbage
	// after compressed data (ErrTrailing). Without it, Next returns an
	// ErrTruncated as its error.
	OnWarning func(error)
	// NoReadAhead reads in Next itself also where reading ahead of it in a
	// goroutine helps: compressed files, and pipes, whose writer must not be
	// held up.
	NoReadAhead bool
	// OnWait is called by OpenFiles and Next when they would wait, because a pipe has nothing more
	// for the moment: at once, and then every WaitTime until something comes. It is not
	// called with NoReadAhead.
	OnWait func()
}

// WaitTime is how often FileOptions.OnWait is called.
const WaitTime = 100 * time.Millisecond

// Files is a Source of several capture files, read one after the other.
type Files struct {
	opt   FileOptions
	paths []string // those not yet opened
	cur   *openFile
	frame uint64
	base  int // interfaces of the files before
	dec   decompressors

	halt chan struct{} // closed by Stop
	// halted is set with it: asking a channel for each packet costs more than reading one.
	halted atomic.Bool
	once   sync.Once
	read   atomic.Int64
	total  int64     // bytes of all files, -1 if one has no length
	_      [104]byte // see TestLines
}

// openFile is the file being read.
type openFile struct {
	path    string
	blocks  blockSource
	records recordReader
	packets uint64

	mu       sync.Mutex
	trailing error    // a warning found by the reading goroutine
	_        [48]byte // see TestLines
}

// OpenFiles opens capture files to be read in the given order. All names are
// checked and the first file is opened at once; what the others are is found
// out when their turn comes. The error is a *FileError.
func OpenFiles(paths []string, opt FileOptions) (*Files, error) {
	f := &Files{opt: opt, paths: paths, dec: newDecompressors(), halt: make(chan struct{})}
	stdin := false
	for _, p := range paths {
		if p == "-" {
			if opt.Stdin == nil {
				return nil, &FileError{Path: p, Kind: ErrUnreadable, Offset: -1, Detail: "there is none"}
			}
			if stdin {
				return nil, &FileError{Path: p, Kind: ErrUnreadable, Offset: -1, Detail: "it can be named only once"}
			}
			stdin = true
			f.total = -1
			continue
		}
		if err := f.check(p); err != nil {
			return nil, err
		}
	}
	if err := f.openNext(); err != nil && err != io.EOF {
		return nil, err
	}
	return f, nil
}

// check finds names that cannot work, and adds up the lengths.
func (f *Files) check(path string) error {
	st, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return &FileError{Path: path, Kind: ErrNotFound, Offset: -1}
	case err != nil:
		return &FileError{Path: path, Kind: ErrUnreadable, Offset: -1, Cause: err}
	case st.IsDir():
		return &FileError{Path: path, Kind: ErrDirectory, Offset: -1, Hint: "name the capture files in it"}
	case !st.Mode().IsRegular():
		f.total = -1
	case f.total >= 0:
		f.total += st.Size()
	}
	return nil
}

// Next implements Source. After a *FileError, a further Next goes on with the
// next file; io.EOF comes when all have been read.
func (f *Files) Next(p *Packet) error {
	for {
		if f.halted.Load() {
			return io.EOF
		}
		if f.cur == nil {
			if err := f.openNext(); err != nil {
				return err
			}
		}
		err := f.cur.records.next(p)
		if err == nil {
			f.frame++
			f.cur.packets++
			p.Frame = f.frame
			p.Interface += f.base
			return nil
		}
		if f.halted.Load() {
			return io.EOF // what is cut off is cut off by that
		}
		if err = f.finish(err); err != nil {
			return err
		}
	}
}

// Stop lets Next return io.EOF from now on, also if it is waiting. It may be called
// by any goroutine, and more than once.
func (f *Files) Stop() {
	f.once.Do(func() {
		f.halted.Store(true)
		close(f.halt)
	})
}

// finish closes the current file for the reason err, and returns what the
// caller has to know of it.
func (f *Files) finish(err error) error {
	c := f.cur
	f.cur = nil
	if c.records != nil {
		f.base += c.records.interfaces()
	}
	c.blocks.stop()
	c.mu.Lock()
	trailing := c.trailing
	c.mu.Unlock()
	if trailing != nil && f.opt.OnWarning != nil {
		f.opt.OnWarning(located(trailing, c))
	}
	if err == io.EOF {
		return nil
	}
	err = located(err, c)
	if errors.Is(err, ErrTruncated) && f.opt.OnWarning != nil {
		f.opt.OnWarning(err)
		return nil
	}
	return err
}

// located adds to an error which file it is about and how far it was read.
func located(err error, c *openFile) error {
	var e *FileError
	if !errors.As(err, &e) {
		e = &FileError{Kind: ErrUnreadable, Offset: -1, Cause: err}
	}
	e.Path, e.Packet = c.path, c.packets
	return e
}

// openNext opens files until one has a readable beginning; io.EOF if there is
// no further one.
func (f *Files) openNext() error {
	for len(f.paths) > 0 {
		path := f.paths[0]
		f.paths = f.paths[1:]
		r, closeFile, err := f.open(path)
		if err != nil {
			return err
		}
		c, comp := f.layer(path, r, closeFile)
		f.cur = c
		c.records, err = newRecordReader(&window{src: c.blocks}, comp, &f.opt)
		if err == nil {
			return nil
		}
		if err = f.finish(err); err != nil {
			return err
		}
	}
	return io.EOF
}

func (f *Files) open(path string) (io.Reader, func(), error) {
	if path == "-" {
		return f.opt.Stdin, func() {}, nil
	}
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, &FileError{Path: path, Kind: ErrNotFound, Offset: -1}
	}
	if err != nil {
		return nil, nil, &FileError{Path: path, Kind: ErrUnreadable, Offset: -1, Cause: err}
	}
	return file, func() { _ = file.Close() }, nil
}

// layer puts what reads a file together: counting, decompression, reading
// ahead. It waits for the file's first bytes.
func (f *Files) layer(path string, r io.Reader, closeFile func()) (*openFile, compression) {
	const rawBuffer = 64 << 10 // decompressors read through it, plain data past it
	c := &openFile{path: path}
	in := &input{r: r, counted: func(n int) { f.read.Add(int64(n)) }}
	br := bufio.NewReaderSize(in, rawBuffer)
	head, _ := br.Peek(sniffLen) // an error comes again with the first Read
	comp := sniffCompression(head)
	dr, release := f.dec.reader(comp, br, c.warn)
	layered := io.Reader(&explained{r: dr, c: comp, in: in})
	closeAll := func() { release(); closeFile() }
	// The system has read a plain file ahead already; another processor's cache
	// would be a detour.
	if f.opt.NoReadAhead || comp == plain && isRegular(r) {
		c.blocks = newDirectBlocks(layered, closeAll)
	} else {
		c.blocks = newAheadBlocks(layered, closeAll, f.opt.OnWait, f.halt)
	}
	return c, comp
}

func isRegular(r io.Reader) bool {
	f, ok := r.(*os.File)
	if !ok {
		return false
	}
	st, err := f.Stat()
	return err == nil && st.Mode().IsRegular()
}

// warn is called by the goroutine that reads.
func (c *openFile) warn(err error) {
	c.mu.Lock()
	c.trailing = err
	c.mu.Unlock()
}

// Progress returns how many bytes of the files have been read (as they are
// stored, ahead of the packets by up to a megabyte) and of how many. ok is
// false where the total cannot be known, as with pipes. It may be called by
// any goroutine.
func (f *Files) Progress() (read, total int64, ok bool) {
	read, total = f.read.Load(), f.total
	if total < 0 {
		return read, 0, false
	}
	return read, max(total, read), true // a file may have grown meanwhile
}

// Close implements Source.
func (f *Files) Close() error {
	f.paths = nil
	if f.cur != nil {
		f.cur.blocks.stop()
		f.cur = nil
	}
	return nil
}
