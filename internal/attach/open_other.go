//go:build !linux || !(amd64 || arm64)

package attach

import "runtime"

// Who says who may look into servers on this host.
func Who() string { return "nobody may" }

// Open tells that this system cannot.
func Open(Options) (Source, error) {
	return nil, &Error{
		What: "attaching to a server is not possible on " + runtime.GOOS + "/" + runtime.GOARCH,
		Help: "it takes Linux on amd64 or arm64; run pgsniff on the server's host, or capture packets and use --keylog",
	}
}
