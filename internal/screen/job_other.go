//go:build !unix

package screen

import "os"

func jobSignals() []os.Signal   { return nil }
func isStop(os.Signal) bool     { return false }
func isContinue(os.Signal) bool { return false }
func stopGroup() bool           { return false }
func inBackground(uintptr) bool { return false }
func endAnywhere()              {}
func alone() bool               { return true }
