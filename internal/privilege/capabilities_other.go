//go:build !linux

package privilege

// DropCapabilities does nothing: the system has none.
func DropCapabilities() error { return nil }
