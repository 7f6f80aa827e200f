package app

import (
	"time"

	"github.com/schollz/progressbar/v3"

	"github.com/pgsniff/pgsniff/internal/capture"
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
	_, total, ok := files.Progress()
	if !ok {
		return func() {} // nobody knows how much there is of a pipe
	}
	quit, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		timer := time.NewTimer(progressAfter)
		defer timer.Stop()
		bar, shown := newBar(env, total), false
		bar.StartWithoutRender() // the rate is that since now
		for {
			select {
			case <-quit:
				if shown {
					_ = bar.Clear()
				}
				return
			case <-timer.C:
			}
			timer.Reset(progressEvery)
			read, total, _ := files.Progress()
			if total != bar.GetMax64() { // a file may grow
				bar.ChangeMax64(total)
			}
			_ = bar.Set64(read)
			shown = true
		}
	}()
	return func() { close(quit); <-done }
}

func newBar(env *Env, total int64) *progressbar.ProgressBar {
	return progressbar.NewOptions64(total,
		progressbar.OptionSetWriter(env.Err),
		progressbar.OptionSetDescription("reading"),
		progressbar.OptionShowBytes(true),
		progressbar.OptionSetPredictTime(true),
		progressbar.OptionSetWidth(30),
		progressbar.OptionThrottle(progressEvery/2),
		progressbar.OptionClearOnFinish(),
	)
}
