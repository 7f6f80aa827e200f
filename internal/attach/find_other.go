//go:build !linux

package attach

import "errors"

// Find finds nothing: only Linux tells.
func Find() ([]Server, error) { return nil, nil }

// IsServer tells that it is not known.
func IsServer(string) (bool, error) { return false, errors.ErrUnsupported }

// Exists is false: no process is looked into here.
func Exists(int) bool { return false }

// Running finds none.
func Running(string) ([]int, error) { return nil, nil }

// ProgramName does not know it.
func ProgramName(int) string { return "" }
