//go:build !unix

package screen

func alone() bool { return false }
