//go:build unix

package app

import (
	"os"
	"os/signal"
	"syscall"
)

// onAsked calls f for each SIGUSR1, until the function that it returns is called.
func onAsked(f func()) (stop func()) {
	signals, done := make(chan os.Signal, 1), make(chan struct{})
	signal.Notify(signals, syscall.SIGUSR1)
	go func() {
		for {
			select {
			case <-signals:
				f()
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
