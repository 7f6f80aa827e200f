package app

import (
	"fmt"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/units"
)

const (
	// progressAfter is how long a file may take before a bar is shown: most are
	// done by then.
	progressAfter = time.Second
	progressEvery = 200 * time.Millisecond
)

// showProgress shows on a terminal how far the files are read, until the
// function that it returns is called. It looks at the source from outside and
// costs the reading nothing.
func showProgress(env *Env, quiet bool, files *capture.Files) (stop func()) {
	if !env.ErrTerminal || quiet || env.Width() > 0 {
		return func() {} // the output itself is on the terminal: it is progress enough
	}
	_, _, ok := files.Progress()
	if !ok {
		return func() {} // nobody knows how much there is of a pipe
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		timer := time.NewTimer(progressAfter)
		defer timer.Stop()
		line := bar{w: env.Err, since: env.Now()} // the rate is that since now
		for {
			select {
			case <-quit:
				line.clear()
				return
			case <-timer.C:
			}
			timer.Reset(progressEvery)
			read, total, _ := files.Progress() // a file may grow
			line.show(read, total, env.Now())
		}
	}()
	return func() { close(quit); <-done }
}

// bar is one line of a terminal that is written over.
type bar struct {
	w     io.Writer
	since time.Time
	width int // of what stands there, in columns
}

const barWidth = 30

func (b *bar) show(read, total int64, now time.Time) {
	if total <= 0 {
		return
	}
	read = min(max(read, 0), total)
	done := int(float64(read) / float64(total) * barWidth)
	line := fmt.Sprintf("reading %3d%% |%s%s| %s of %s", int(float64(read)/float64(total)*100),
		strings.Repeat("█", done), strings.Repeat(" ", barWidth-done), units.Bytes(uint64(read)), units.Bytes(uint64(total)))
	if took := now.Sub(b.since); took > 0 && read > 0 {
		rate := float64(read) / took.Seconds()
		left := time.Duration(float64(total-read) / rate * float64(time.Second))
		line += fmt.Sprintf(", %s/s, %v left", units.Bytes(uint64(rate)), left.Round(time.Second))
	}
	width := utf8.RuneCountInString(line)
	fmt.Fprintf(b.w, "\r%s%s", line, strings.Repeat(" ", max(b.width-width, 0)))
	b.width = width
}

func (b *bar) clear() {
	if b.width > 0 {
		fmt.Fprintf(b.w, "\r%s\r", strings.Repeat(" ", b.width))
	}
}
