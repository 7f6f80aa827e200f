package pcapngw

import (
	"errors"
	"fmt"
	"math"
	"os"
	"slices"
	"time"
)

const (
	// bufferSize is how much is collected before it is written: large enough
	// that the system calls do not show, small enough to be lost.
	bufferSize = 256 << 10
	// maxPacket bounds one packet; no capture that works has such.
	maxPacket = 64 << 20
	// maxHeld bounds the packets that wait for secrets, in bytes.
	maxHeld = 16 << 20
	// maxSecrets bounds the secrets that are repeated in each further file.
	// Beyond it the oldest are forgotten.
	maxSecrets = 8 << 20
)

// BlockState is the type of the blocks of State: one of those that the format leaves to
// local use (section 4.8 of the draft), so that other programs pass them over.
const BlockState = 0x80706773

// maxState bounds the blocks of one file, in bytes.
const maxState = 32 << 20

// SecretsTLS is the kind of decryption secrets that an NSS key log is.
const SecretsTLS = 0x544c534b

// Options say where and how to write.
type Options struct {
	// Path is the file's name, or with any of the limits below the pattern for
	// the files' names; see the package's documentation.
	Path string
	// RotateSize is the size in bytes that no file exceeds, unless by its first
	// packet; 0 for no limit.
	RotateSize int64
	// RotateTime is the span of packet times that a file has, counted from its
	// first packet; 0 for no limit.
	RotateTime time.Duration
	// MaxFiles is how many files are kept, the oldest being removed; 0 for all.
	// It needs RotateSize or RotateTime.
	MaxFiles int
	// Refuse, if not nil, is asked before a file is created, or one that is there is
	// overwritten; its error is returned as it is.
	Refuse func(path string) error
	// Hold is how long packets wait for secrets that come a little later than they:
	// readers want secrets first. 0: not at all. Some 16 MB of packets wait at most.
	Hold time.Duration
	// State, if not nil, is asked at the beginning of each file but the first for
	// what a reader of this file alone has to know: blocks of the kind BlockState, in
	// room bytes, which is a quarter of RotateSize at most; what is more is not
	// written. Secrets are then not repeated by themselves: it returns those that are
	// still of use, too.
	State func(room int) State
	// App names the program that writes; "pgsniff" if empty.
	App string

	now func() time.Time
}

// State is what precedes the packets of a file that follows another.
type State struct {
	Blocks  [][]byte // written in this order
	Secrets []byte   // an NSS key log
}

// Interface describes what packets were captured on.
type Interface struct {
	Name        string // such as "eth0"; may be empty
	Description string
	LinkType    uint16 // LINKTYPE_ number
	SnapLen     int    // bytes kept of a packet; 0 for no limit
	Filter      string // the expression that chose the packets; may be empty
}

// Statistics are an interface's counts since the capture began.
type Statistics struct {
	Received         uint64 // packets that the interface received
	InterfaceDropped uint64 // packets that the interface lost
	KernelDropped    uint64 // packets that the operating system lost
}

type interfaceState struct {
	about       Interface
	stats       Statistics
	known       bool // stats was set
	first, last int64
	written     uint64 // packets in this file
}

// secrets is one block of decryption secrets, for the files to come.
type secrets struct {
	kind uint32
	data []byte
}

// Writer writes packets. Its methods return the first error of writing over
// and over; what was written before it is kept.
type Writer struct {
	opts       Options
	files      files
	file       *os.File
	buf        []byte
	flushed    int64 // bytes of this file that the operating system has
	held       int   // bytes at the beginning of buf that wait until marked is long ago
	marked     time.Time
	interfaces []interfaceState
	secrets    []secrets
	secretSize int
	packets    int64 // in this file
	start      int64 // time of this file's first packet
	err        error
}

// New creates the first file, so that a path that cannot be written is known
// at once.
func New(opts Options) (*Writer, error) {
	switch {
	case opts.Path == "":
		return nil, errors.New("cannot write packets: no file name")
	case opts.RotateSize < 0 || opts.RotateTime < 0 || opts.MaxFiles < 0:
		return nil, errors.New("cannot write packets: a limit is negative")
	case opts.MaxFiles > 0 && opts.RotateSize == 0 && opts.RotateTime == 0:
		return nil, errors.New("cannot write packets: a number of files needs a limit on their size or time")
	}
	if opts.App == "" {
		opts.App = "pgsniff"
	}
	if opts.now == nil {
		opts.now = time.Now
	}
	w := &Writer{
		opts: opts,
		buf:  make([]byte, 0, bufferSize),
		files: files{
			path: opts.Path, keep: opts.MaxFiles, now: opts.now, refuse: opts.Refuse,
			rotated: opts.RotateSize > 0 || opts.RotateTime > 0,
		},
	}
	if err := w.open(); err != nil {
		return nil, err
	}
	return w, nil
}

// Name returns the name of the file that is being written.
func (w *Writer) Name() string { return w.file.Name() }

// AddInterface adds an interface and returns its number for Write. Interfaces
// can be added at any time.
func (w *Writer) AddInterface(i Interface) (int, error) {
	if w.err != nil {
		return 0, w.err
	}
	if i.SnapLen < 0 || i.SnapLen > math.MaxInt32 {
		i.SnapLen = 0
	}
	w.interfaces = append(w.interfaces, interfaceState{about: i})
	w.buf = appendInterface(w.buf, i)
	return len(w.interfaces) - 1, w.flushFull(0)
}

// Write adds a packet of an interface that AddInterface returned. ns is its
// time in nanoseconds since 1970, origLen its length on the wire, of which data
// is what was captured; data is not retained. Times before 1970 become 1970.
func (w *Writer) Write(iface int, ns int64, data []byte, origLen int) error {
	switch {
	case w.err != nil:
		return w.err
	case iface < 0 || iface >= len(w.interfaces):
		return fmt.Errorf("cannot write packets: there is no interface %d", iface)
	case len(data) > maxPacket:
		return fmt.Errorf("cannot write packets: one of %d bytes is too long", len(data))
	}
	size := packetSize(data)
	if w.full(size, ns) {
		if err := w.rotate(); err != nil {
			return err
		}
	}
	if err := w.flushFull(size); err != nil {
		return err
	}
	origLen = min(max(origLen, len(data)), math.MaxInt32)
	w.buf = appendPacket(w.buf, iface, ns, data, origLen)
	if w.packets == 0 {
		w.start = ns
	}
	w.packets++
	s := &w.interfaces[iface]
	if s.written == 0 || ns < s.first {
		s.first = ns
	}
	if s.written == 0 || ns > s.last {
		s.last = ns
	}
	s.written++
	return nil
}

// Secrets adds decryption secrets, such as lines of an NSS key log, for the
// packets after them. data is copied.
func (w *Writer) Secrets(kind uint32, data []byte) error {
	switch {
	case w.err != nil:
		return w.err
	case len(data) == 0:
		return nil
	case len(data) > maxSecrets:
		return fmt.Errorf("cannot write decryption secrets: %d bytes are too many", len(data))
	}
	if w.files.rotated && w.opts.State == nil {
		w.secrets = append(w.secrets, secrets{kind, append([]byte(nil), data...)})
		w.secretSize += len(data)
		for w.secretSize > maxSecrets {
			w.secretSize -= len(w.secrets[0].data)
			w.secrets[0].data = nil
			w.secrets = w.secrets[1:]
		}
	}
	if w.opts.Hold > 0 { // before all that waits
		b := appendSecrets(nil, kind, data)
		w.held += len(b)
		w.buf = slices.Insert(w.buf, 0, b...)
		return w.flushFull(0)
	}
	if err := w.flushFull(len(data)); err != nil {
		return err
	}
	w.buf = appendSecrets(w.buf, kind, data)
	return nil
}

// SetStatistics sets an interface's counts, which are written at the end of
// each file.
func (w *Writer) SetStatistics(iface int, s Statistics) {
	if iface >= 0 && iface < len(w.interfaces) {
		w.interfaces[iface].stats, w.interfaces[iface].known = s, true
	}
}

// Flush hands all that was written to the operating system, but for packets that wait
// for secrets.
func (w *Writer) Flush() error {
	if w.opts.Hold == 0 {
		return w.flush(len(w.buf))
	}
	now := w.opts.now()
	if since := now.Sub(w.marked); since >= 0 && since < w.opts.Hold {
		return w.err
	}
	err := w.flush(w.held)
	w.held, w.marked = len(w.buf), now
	return err
}

// flush hands the first n bytes to the operating system.
func (w *Writer) flush(n int) error {
	if w.err != nil || n == 0 {
		return w.err
	}
	n, err := w.file.Write(w.buf[:n])
	if err != nil {
		// The half of a block would make readers give up the file as damaged.
		// What cannot be cut, such as a pipe, stays as it is.
		_ = w.file.Truncate(w.flushed)
		w.err = fmt.Errorf("cannot write packets: %w", err)
		return w.err
	}
	w.flushed += int64(n)
	w.buf = w.buf[:copy(w.buf, w.buf[n:])]
	if len(w.buf) == 0 && cap(w.buf) > 4*bufferSize {
		w.buf = make([]byte, 0, bufferSize) // a huge packet's memory is not kept
	}
	return nil
}

// Close writes the statistics and closes the file. The writer cannot be used
// afterwards.
func (w *Writer) Close() error {
	if errors.Is(w.err, os.ErrClosed) {
		return nil
	}
	err := w.closeFile()
	w.err = fmt.Errorf("cannot write packets: %w", os.ErrClosed)
	return err
}

// flushFull makes room for a block of the given size.
func (w *Writer) flushFull(size int) error {
	switch {
	case w.opts.Hold > 0 && len(w.buf)+size > maxHeld:
		w.held = 0
		return w.flush(len(w.buf))
	case w.opts.Hold == 0 && len(w.buf)+size > bufferSize:
		return w.flush(len(w.buf))
	}
	return nil
}

// full tells that a packet belongs into the next file.
func (w *Writer) full(size int, ns int64) bool {
	if w.packets == 0 {
		return false
	}
	size += len(w.buf) + len(w.interfaces)*statisticsSize
	return w.opts.RotateSize > 0 && w.flushed+int64(size) > w.opts.RotateSize ||
		w.opts.RotateTime > 0 && ns-w.start >= int64(w.opts.RotateTime)
}

// Next begins the next file if a packet, described as to Write, does not belong into
// this one. Write does so by itself; who calls Next before the packet is looked at has
// State asked for what precedes it.
func (w *Writer) Next(ns int64, data []byte) error {
	if w.err != nil || !w.full(packetSize(data), ns) {
		return w.err
	}
	return w.rotate()
}

// rotate goes on to the next file.
func (w *Writer) rotate() error {
	err := w.closeFile()
	if err == nil {
		err = w.open()
	}
	if err == nil {
		err = w.writeState()
	}
	w.err = err
	return err
}

// open begins a file with all that its packets need.
func (w *Writer) open() error {
	file, err := w.files.next()
	if err != nil {
		return err
	}
	w.file, w.flushed, w.packets, w.held = file, 0, 0, 0
	w.buf = appendSection(w.buf[:0], w.opts.App)
	for i := range w.interfaces {
		s := &w.interfaces[i]
		s.first, s.last, s.written = 0, 0, 0
		w.buf = appendInterface(w.buf, s.about)
	}
	for _, s := range w.secrets {
		w.buf = appendSecrets(w.buf, s.kind, s.data)
	}
	return w.flush(len(w.buf))
}

// writeState writes what a reader of the new file has to know, as far as it fits.
func (w *Writer) writeState() error {
	if w.opts.State == nil {
		return nil
	}
	room := maxState
	if w.opts.RotateSize > 0 {
		room = int(min(int64(room), w.opts.RotateSize/4))
	}
	s := w.opts.State(room)
	if len(s.Secrets) > 0 && len(s.Secrets) <= maxSecrets {
		w.buf = appendSecrets(w.buf, SecretsTLS, s.Secrets)
	}
	for _, b := range s.Blocks {
		if room -= len(b); room < 0 {
			break
		}
		w.buf = appendBlock(w.buf, BlockState, b)
	}
	return w.flush(len(w.buf))
}

// closeFile ends a file with the interfaces' statistics.
func (w *Writer) closeFile() error {
	if w.err == nil {
		for i := range w.interfaces {
			s := &w.interfaces[i]
			if s.written == 0 {
				s.last = w.opts.now().UnixNano()
			}
			w.buf = appendStatistics(w.buf, i, s)
		}
	}
	err := w.flush(len(w.buf))
	if closeErr := w.file.Close(); err == nil && closeErr != nil {
		err = fmt.Errorf("cannot write packets: %w", closeErr)
	}
	return err
}
