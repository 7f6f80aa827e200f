package pcapngw

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// files opens one file after the other and removes the oldest.
type files struct {
	path    string
	rotated bool // names carry a number and the time
	keep    int  // 0: all
	now     func() time.Time
	refuse  func(path string) error
	number  int
	names   []string // those that keep may remove, oldest first
}

// next creates the next file.
func (f *files) next() (*os.File, error) {
	f.number++
	name := f.name()
	if f.refuse != nil {
		if err := f.refuse(name); err != nil {
			return nil, err
		}
	}
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return nil, fmt.Errorf("cannot write packets: %w", err)
	}
	// One that was there keeps its mode otherwise. What is no file has none of its own.
	if info, err := file.Stat(); err == nil && info.Mode().IsRegular() && info.Mode().Perm() != 0o600 {
		if err := file.Chmod(0o600); err != nil {
			file.Close()
			return nil, fmt.Errorf("cannot write packets for nobody else to read: %w", err)
		}
	}
	if f.keep > 0 {
		f.names = append(f.names, name)
		if err := f.removeOldest(); err != nil {
			file.Close()
			return nil, err
		}
	}
	return file, nil
}

// name is the path itself or, with the number and time before its extension,
// a name as dumpcap makes it.
func (f *files) name() string {
	if !f.rotated {
		return f.path
	}
	ext := filepath.Ext(f.path)
	return fmt.Sprintf("%s_%05d_%s%s",
		strings.TrimSuffix(f.path, ext), f.number, f.now().Format("20060102150405"), ext)
}

// removeOldest removes what is more than keep. A file that somebody else
// removed or moved away is no error.
func (f *files) removeOldest() error {
	for len(f.names) > f.keep {
		if err := os.Remove(f.names[0]); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot keep the number of files: %w", err)
		}
		f.names = append(f.names[:0], f.names[1:]...)
	}
	return nil
}
