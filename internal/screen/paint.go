package screen

import (
	"bytes"
	"io"
	"strconv"
	"sync"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"
)

// painter writes the lines of the screen, as far as they are not on it already: pieces
// where the others of a line stand where they stood, else the line. Bubble Tea's renderer
// would make cells of all that is shown for each frame, to find the same; on a busy server
// that takes more than all else that is drawn.
//
// It is the output of that renderer, which is left with a screen without content: with
// modes, the title, and what is written where the screen begins, ends, or has another
// size. Whenever it has written something the painter paints all.
type painter struct {
	mu    sync.Mutex
	out   io.Writer
	on    bool // the alternate screen is shown
	whole bool // the terminal wants to be told of where an update begins and ends
	w     int
	lines []textLine // as they are to be
	shown []textLine // as they are; nil: nobody knows
	at    place      // the cursor
	buf   []byte
}

// place is a place on the screen.
type place struct{ x, y int }

// noCursor is where the cursor is that is not shown.
var noCursor = place{-1, -1}

// set shows lines of at most w columns, and the cursor.
func (p *painter) set(w int, lines []textLine, cursor place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if w != p.w {
		p.shown = nil
	}
	p.w, p.lines, p.at = w, lines, cursor
	if !p.on || p.out == nil {
		return
	}
	p.buf = p.buf[:0]
	p.paint()
	if len(p.buf) > 0 {
		_, _ = p.out.Write(p.buf) // where it fails, reading the keys does
	}
}

// showing reports whether the screen is shown.
func (p *painter) showing() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.on
}

// synchronize has updates appear at once.
func (p *painter) synchronize() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.whole = true
}

// Write writes what the renderer has to write, and paints all where the screen is shown.
func (p *painter) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	on, off := bytes.LastIndex(b, []byte(ansi.SetModeAltScreenSaveCursor)), bytes.LastIndex(b, []byte(ansi.ResetModeAltScreenSaveCursor))
	if on != off {
		p.on = on > off
	}
	p.buf = append(p.buf[:0], b...)
	if p.on {
		p.shown = nil
		p.paint()
	}
	if _, err := p.out.Write(p.buf); err != nil {
		return 0, err
	}
	return len(b), nil
}

// paint appends what makes the screen that of the lines.
func (p *painter) paint() {
	began := len(p.buf)
	if p.whole {
		p.buf = append(p.buf, ansi.SetModeSynchronizedOutput...)
	}
	// What terminals think to be wider than it was thought here is cut off at the margin.
	p.buf = append(p.buf, ansi.ResetModeTextCursorEnable+ansi.ResetModeAutoWrap...)
	wrote := len(p.buf)
	for y := range p.lines {
		p.line(y)
	}
	changed := len(p.buf) > wrote || p.shown == nil || p.at != noCursor
	if !changed {
		p.buf = p.buf[:began]
		return
	}
	p.shown = append(p.shown[:0], p.lines...)
	p.buf = append(p.buf, ansi.SetModeAutoWrap...)
	if p.at != noCursor {
		p.moveTo(p.at.x, p.at.y)
		p.buf = append(p.buf, ansi.SetModeTextCursorEnable...)
	}
	if p.whole {
		p.buf = append(p.buf, ansi.ResetModeSynchronizedOutput...)
	}
}

// line appends what makes a line that which it is to be.
func (p *painter) line(y int) {
	l := &p.lines[y]
	if y >= len(p.shown) {
		p.wholeLine(l, y)
		return
	}
	old := &p.shown[y]
	if old.text == l.text {
		return
	}
	if old.odd || l.odd || !sameColumns(old.cuts, l.cuts) {
		p.wholeLine(l, y)
		return
	}
	next := -1 // the piece at which the cursor is
	for i := range l.cuts {
		piece := l.piece(i)
		if piece == old.piece(i) {
			continue
		}
		if next != i {
			p.moveTo(int(l.cuts[i].col), y)
		}
		p.buf = append(p.buf, piece...)
		if next = i + 1; next == len(l.cuts) && l.end < p.w {
			p.buf = append(p.buf, ansi.EraseLineRight...)
		}
	}
}

// wholeLine appends a line. It begins with a clear one where it may be narrower than
// thought, and each of its pieces goes to its place.
func (p *painter) wholeLine(l *textLine, y int) {
	p.moveTo(0, y)
	if l.odd {
		p.buf = append(p.buf, ansi.EraseLineRight...)
		for i := range l.cuts {
			if i > 0 {
				p.moveTo(int(l.cuts[i].col), y)
			}
			p.buf = append(p.buf, l.piece(i)...)
		}
		return
	}
	p.buf = append(p.buf, l.text...)
	if l.end < p.w {
		p.buf = append(p.buf, ansi.EraseLineRight...)
	}
}

// piece returns the i-th piece, with its styles.
func (l *textLine) piece(i int) string {
	from, to := int(l.cuts[i].at), len(l.text)
	if i+1 < len(l.cuts) {
		to = int(l.cuts[i+1].at)
	}
	return l.text[from:to]
}

func sameColumns(a, b []cut) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i].col != b[i].col {
			return false
		}
	}
	return true
}

func (p *painter) moveTo(x, y int) {
	p.buf = strconv.AppendInt(append(p.buf, "\x1b["...), int64(y+1), 10)
	p.buf = append(strconv.AppendInt(append(p.buf, ';'), int64(x+1), 10), 'H')
}

// file is a painter whose output is a terminal that can be asked for its size.
type file struct {
	*painter
	io.Reader
	io.Closer
	fd uintptr
}

// Fd returns the number of the file.
func (f *file) Fd() uintptr { return f.fd }

// output returns the painter as the output of Bubble Tea.
func (p *painter) output() io.Writer {
	type terminal interface {
		io.ReadWriteCloser
		Fd() uintptr
	}
	if t, ok := p.out.(terminal); ok && term.IsTerminal(int(t.Fd())) {
		return &file{p, t, t, t.Fd()}
	}
	return p
}
