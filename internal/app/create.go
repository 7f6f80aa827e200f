package app

import (
	"errors"
	"fmt"
	"io"
	"os"
)

// create opens what an output is written to. What is shown of other people's
// traffic is nobody else's business.
func (r *run) create(out *outlet) (io.WriteCloser, error) {
	if out.spec.to == "" {
		return stdout{r.env.Out}, nil
	}
	if err := r.inputs.refuse("--to", out.spec.to); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(out.spec.to, os.O_WRONLY|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := private(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("cannot write for nobody else to read: %w", err)
	}
	out.file = &anew{File: f}
	return out.file, nil
}

// anew is a file that is written anew. What was in it stays until there is something
// to write, or the run has ended: a run whose input cannot be read leaves it as it was.
type anew struct {
	*os.File
	empty bool
}

func (a *anew) clear() error {
	if a.empty {
		return nil
	}
	a.empty = true
	info, err := a.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return err
	}
	return a.Truncate(0)
}

func (a *anew) Write(b []byte) (int, error) {
	if err := a.clear(); err != nil {
		return 0, err
	}
	return a.File.Write(b)
}

func (a *anew) Close() error {
	return errors.Join(a.clear(), a.File.Close())
}

// private makes a file that was there before its owner's alone. What is no file, a pipe
// or a device, has no mode of its own.
func private(f *os.File) error {
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() || info.Mode().Perm() == 0o600 {
		return err
	}
	return f.Chmod(0o600)
}

// stdout is standard output as something that outputs close.
type stdout struct{ io.Writer }

func (stdout) Close() error { return nil }
