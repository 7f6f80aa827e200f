//go:build !unix

package app

import "io"

// watchReader leaves it to the next write to find out that the reader has gone.
func watchReader(io.Writer, func(), <-chan struct{}) {}
