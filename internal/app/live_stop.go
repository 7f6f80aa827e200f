package app

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/pgsniff/pgsniff/internal/capture"
)

// stopSignals stops a capture when the user or the system wants it: on SIGINT,
// SIGTERM and SIGHUP, after a duration if that is not 0, and when the reader of
// the output has gone. A second SIGINT or SIGTERM ends the program at once. The
// function that it returns ends all that.
func stopSignals(l capture.Live, out io.Writer, d time.Duration) func() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	// A write to a closed pipe shall fail instead of ending the program.
	pipe := make(chan os.Signal, 1)
	signal.Notify(pipe, syscall.SIGPIPE)
	done := make(chan struct{})
	var timer *time.Timer
	if d > 0 {
		timer = time.AfterFunc(d, l.Stop)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-signals:
				signal.Stop(signals)
				l.Stop()
			case <-pipe:
				l.Stop()
			case <-done:
				return
			}
		}
	})
	wait.Go(func() { watchReader(out, l.Stop, done) })
	return func() {
		close(done)
		signal.Stop(signals)
		if timer != nil {
			timer.Stop()
		}
		wait.Wait()
	}
}
