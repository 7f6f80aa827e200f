//go:build !linux

package screen

func discard(uintptr) bool { return false }
