package app

import (
	"io"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"
)

// stopSignals calls stop, which ends a run in good order, when the user or the system wants it: on SIGINT,
// SIGTERM and, if hangup is set, SIGHUP, after a duration if that is not 0, and when the reader of
// out, if that is not nil, has gone. SIGPIPE does not tell that: it may be about packets, or about
// a collector. A second SIGINT or SIGTERM ends the program at once. The
// function that it returns ends all that.
func stopSignals(stop func(), out io.Writer, d time.Duration, hangup bool) func() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	if hangup && !signal.Ignored(syscall.SIGHUP) { // as nohup has it
		signal.Notify(signals, syscall.SIGHUP)
	}
	done := make(chan struct{})
	var timer *time.Timer
	if d > 0 {
		timer = time.AfterFunc(d, stop)
	}
	var wait sync.WaitGroup
	wait.Go(func() {
		for {
			select {
			case <-signals:
				signal.Stop(signals)
				stop()
			case <-done:
				return
			}
		}
	})
	wait.Go(func() { watchReader(out, stop, done) })
	return func() {
		close(done)
		signal.Stop(signals)
		if timer != nil {
			timer.Stop()
		}
		wait.Wait()
	}
}
