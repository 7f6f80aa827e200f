//go:build !unix

package app

// onAsked does nothing where there is no SIGUSR1.
func onAsked(func()) (stop func()) { return func() {} }
