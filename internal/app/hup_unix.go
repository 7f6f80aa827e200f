//go:build unix

package app

import (
	"os"
	"os/signal"
	"syscall"
)

// onHangup has the configuration read again on each SIGHUP, until the function that it
// returns is called. Without a configuration SIGHUP ends the run.
func (r *run) onHangup() (stop func()) {
	if !r.agent.reloads {
		return func() {}
	}
	r.agent.running, _ = r.env.again() // it was read a moment ago; else all has changed
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGHUP)
	go func() {
		for {
			select {
			case <-signals:
				r.agent.hup.Store(true)
			case <-done:
				return
			}
		}
	}()
	return func() {
		signal.Stop(signals)
		close(done)
	}
}
