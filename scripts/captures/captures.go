// Package captures makes the large captures that pgsniff is timed with.
package captures

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// Kinds are the sorts of traffic that scripts/benchcap knows.
var Kinds = []string{"prepared", "simple", "wide", "copyout", "short"}

// Make makes the captures that are missing in a directory, of about so many
// megabytes each, and returns the paths of all, in the order of Kinds.
func Make(dir string, megabytes int) (files []string, err error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	tool := filepath.Join(dir, "benchcap")
	for _, kind := range Kinds {
		name := filepath.Join(dir, fmt.Sprintf("%s-%dMB.pcap", kind, megabytes))
		files = append(files, name)
		if _, err := os.Stat(name); err == nil {
			continue
		}
		if err := Build(tool, "./scripts/benchcap"); err != nil {
			return nil, err
		}
		if err := write(name, tool, kind, fmt.Sprint(megabytes)); err != nil {
			return nil, fmt.Errorf("making %s: %w", name, err)
		}
	}
	return files, nil
}

// write runs a command with its output in a file, which is there only if it went
// well.
func write(name, tool string, args ...string) error {
	out, err := os.Create(name + ".part")
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(tool, args...)
	cmd.Stdout, cmd.Stderr = out, os.Stderr
	if err := cmd.Run(); err != nil {
		return err
	}
	return os.Rename(name+".part", name)
}

// Build builds a program of the module, static.
func Build(path, pkg string) error {
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	cmd.Stderr = os.Stderr
	return cmd.Run()
}
