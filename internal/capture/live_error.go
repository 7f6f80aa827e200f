package capture

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
)

// packagedGroup is there where a package lets the members of a group capture, with
// the program that it has installed (packaging/postinstall.sh).
const (
	packagedGroup   = "/usr/libexec/pgsniff"
	packagedProgram = "/usr/bin/pgsniff"
)

// PermissionError tells that the system does not let this process capture.
type PermissionError struct {
	Interface string
	Cause     error
}

func (e *PermissionError) Unwrap() error { return e.Cause }

// Error names what is missing and the ways to grant it.
func (e *PermissionError) Error() string {
	if runtime.GOOS != "linux" {
		return fmt.Sprintf("no permission to capture on %s (%v): run pgsniff with sudo, or make /dev/bpf* readable to your user",
			e.Interface, e.Cause)
	}
	program, err := os.Executable()
	if err != nil {
		program = "/path/to/pgsniff"
	}
	good := "sudo setcap cap_net_raw+ep " + program
	if _, err := os.Stat(packagedGroup); err == nil && program == packagedProgram {
		good = "sudo usermod -aG pgsniff $USER, and log in anew"
	}
	return fmt.Sprintf(`no permission to capture on %s: the capability CAP_NET_RAW is missing (%v)
  once:          sudo pgsniff live …
  for good:      %s
  in Kubernetes: securityContext: {runAsUser: 0, capabilities: {add: ["NET_RAW"]}}`, e.Interface, e.Cause, good)
}

// Lined tells that the text has several lines.
func (e *PermissionError) Lined() {}

// InterfaceError tells that there is no interface of a name.
type InterfaceError struct {
	Interface string
	Others    []string // those that there are
}

func (e *InterfaceError) Error() string {
	if len(e.Others) == 0 {
		return fmt.Sprintf("there is no interface %s, nor any other", e.Interface)
	}
	return fmt.Sprintf("there is no interface %s; there are: %s", e.Interface, strings.Join(e.Others, ", "))
}

// interfaceByName finds an interface; its error names those there are.
func interfaceByName(name string) (*net.Interface, error) {
	all, err := net.Interfaces()
	if err != nil {
		return nil, fmt.Errorf("cannot list the interfaces: %w", err)
	}
	e := &InterfaceError{Interface: name}
	for i := range all {
		if all[i].Name == name {
			return &all[i], nil
		}
		e.Others = append(e.Others, all[i].Name)
	}
	if runtime.GOOS == "linux" {
		e.Others = append(e.Others, AnyInterface)
	}
	return nil, e
}
