// Package privilege gives up what a process was allowed to do beyond an ordinary
// user, once it no longer needs it.
//
// Target says who to go on as; User.Become does it for all threads of the process
// and makes sure that there is no way back. DropCapabilities is for those who are
// not root but were given capabilities, as by setcap(8). Files that are open stay usable.
// What is opened later has to be open to that user: User.Own hands over a file
// that was made before.
//
// It does not confine the process any further: no chroot, no seccomp.
package privilege

import "errors"

// ErrKept tells that a process which is not root's goes on with its capabilities.
var ErrKept = errors.New("goes on with its capabilities, which a program built with cgo cannot give up: build it with CGO_ENABLED=0, as those that are released")
