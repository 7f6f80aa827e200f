package capture

import (
	"fmt"
	"io"
	"sync"
	"time"
)

const (
	// blockSize is how much is asked of the system at once. Larger reads were
	// not faster; three such blocks fit a processor's second-level cache.
	blockSize = 256 << 10
	// blocksAhead is one block being decoded, one waiting, one being read.
	blocksAhead = 3
)

// blockSource hands out a byte stream piece by piece.
type blockSource interface {
	// next returns the next piece, never empty, borrowed until the call after
	// it; or an error, io.EOF at the end.
	next() ([]byte, error)
	// stop ends the source and releases the reader; if a read is under way,
	// then when that returns.
	stop()
}

// directBlocks reads when asked.
type directBlocks struct {
	r     io.Reader
	buf   []byte
	close func()
}

func newDirectBlocks(r io.Reader, closeReader func()) *directBlocks {
	return &directBlocks{r: r, buf: make([]byte, blockSize), close: closeReader}
}

func (d *directBlocks) next() ([]byte, error) { return readBlock(d.r, d.buf) }

func (d *directBlocks) stop() { d.close() }

// aheadBlocks reads in a goroutine of its own, so that the system's copying,
// and above all decompression, runs beside the decoding.
type aheadBlocks struct {
	full   chan block
	free   chan []byte
	done   chan struct{}
	closed chan struct{}
	once   sync.Once
	held   []byte
	err    error
	onWait func()          // nil: nobody wants to know
	halt   <-chan struct{} // closed when there is nothing more to wait for
}

type block struct {
	data []byte // the filled part
	buf  []byte // all of it, to be given back
	err  error
}

func newAheadBlocks(r io.Reader, closeReader, onWait func(), halt <-chan struct{}) *aheadBlocks {
	a := &aheadBlocks{
		full:   make(chan block, blocksAhead),
		free:   make(chan []byte, blocksAhead),
		done:   make(chan struct{}),
		closed: make(chan struct{}),
		onWait: onWait,
		halt:   halt,
	}
	go a.run(r, closeReader)
	return a
}

// run closes the reader itself: nobody else can know when its last Read ended.
func (a *aheadBlocks) run(r io.Reader, closeReader func()) {
	defer close(a.closed)
	defer closeReader()
	made := 0
	for {
		var buf []byte
		select {
		case buf = <-a.free:
		default:
			if made < blocksAhead {
				buf = make([]byte, blockSize)
				made++
				break
			}
			select {
			case buf = <-a.free:
			case <-a.done:
				return
			}
		}
		data, err := readBlock(r, buf)
		select {
		case a.full <- block{data, buf, err}:
		case <-a.done:
			return
		}
		if err != nil {
			return
		}
	}
}

func (a *aheadBlocks) next() ([]byte, error) {
	if a.held != nil {
		a.free <- a.held // never blocks: there are as many places as blocks
		a.held = nil
	}
	if a.err != nil {
		return nil, a.err
	}
	b, err := a.take()
	if err != nil {
		return nil, err
	}
	if b.err != nil {
		a.err = b.err
		return nil, a.err
	}
	a.held = b.buf
	return b.data, nil
}

// take waits for the next block.
func (a *aheadBlocks) take() (block, error) {
	select {
	case b := <-a.full:
		return b, nil
	default:
	}
	var again <-chan time.Time
	if a.onWait != nil {
		tick := time.NewTicker(WaitTime)
		defer tick.Stop()
		again = tick.C
		a.onWait()
	}
	for {
		select {
		case b := <-a.full:
			return b, nil
		case <-a.halt:
			return block{}, io.EOF
		case <-again:
			a.onWait()
		}
	}
}

func (a *aheadBlocks) stop() {
	a.once.Do(func() { close(a.done) })
	if a.err != nil {
		<-a.closed // after its last read: what it held can be used again
	}
}

// readBlock reads once, as much as there is, so that a live pipe is not held
// up. A panic of a decompressor on hostile input becomes an error.
func readBlock(r io.Reader, buf []byte) (data []byte, err error) {
	defer func() {
		if p := recover(); p != nil {
			data, err = nil, fmt.Errorf("decompressor: %v", p)
		}
	}()
	const tries = 100 // as bufio: a reader may return nothing, but not for ever
	for range tries {
		n, err := r.Read(buf)
		if n > 0 {
			return buf[:n], nil // a lasting error comes again with the next Read
		}
		if err != nil {
			return nil, err
		}
	}
	return nil, io.ErrNoProgress
}
