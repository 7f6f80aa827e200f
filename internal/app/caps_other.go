//go:build !unix

package app

import "time"

// cpuTime is not known here: --max-cpu never holds.
func cpuTime() time.Duration { return 0 }
