package pcapngw

import (
	"os"
	"runtime"
	"strings"
)

func hardware() string { return runtime.GOARCH }

// operatingSystem names the system and, where it is easily had, its release.
func operatingSystem() string {
	if release, err := os.ReadFile("/proc/sys/kernel/osrelease"); err == nil {
		return runtime.GOOS + " " + strings.TrimSpace(string(release))
	}
	return runtime.GOOS
}
