//go:build !unix

package app

// onHangup does nothing: there is no such signal.
func (r *run) onHangup() (stop func()) { return func() {} }
