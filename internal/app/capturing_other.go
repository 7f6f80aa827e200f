//go:build !linux

package app

// becomeCapturing does nothing: only packages for Linux have a copy of the program
// that may capture.
func becomeCapturing(bool) {}
