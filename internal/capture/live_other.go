//go:build !linux && !darwin && !dragonfly && !freebsd && !netbsd && !openbsd

package capture

import (
	"fmt"
	"runtime"
)

func openLive(LiveOptions) (Live, error) {
	return nil, fmt.Errorf("capturing is not supported on %s: capture with another program, and read its file with pgsniff read", runtime.GOOS)
}
