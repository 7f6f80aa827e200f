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
