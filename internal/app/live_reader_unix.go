//go:build unix

package app

import (
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// watchReader calls gone when out is a pipe whose reader has closed it, which
// otherwise only the next write would find out.
func watchReader(out io.Writer, gone func(), done <-chan struct{}) {
	f, ok := out.(*os.File)
	if !ok {
		return
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&(os.ModeNamedPipe|os.ModeSocket) == 0 {
		return
	}
	const interval = 200 * time.Millisecond
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		fds := []unix.PollFd{{Fd: int32(f.Fd())}}
		if _, err := unix.Poll(fds, 0); err == nil && fds[0].Revents&(unix.POLLERR|unix.POLLNVAL) != 0 {
			gone()
			return
		}
		select {
		case <-done:
			return
		case <-tick.C:
		}
	}
}
