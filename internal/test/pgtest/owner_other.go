//go:build !unix

package pgtest

import "os/exec"

// owner is always the test's own user where there is no root to give up.
type owner struct{}

func serverOwner() owner           { return owner{} }
func (owner) String() string       { return "current" }
func (owner) apply(*exec.Cmd)      {}
func (owner) chown(_ string) error { return nil }
