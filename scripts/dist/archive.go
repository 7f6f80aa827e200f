package main

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is one of an archive.
type file struct {
	path string // where it is
	name string // in the archive
	mode fs.FileMode
}

// archives packs each target: files in order of their names, all with the time of the
// commit, belonging to root.
func (d *dist) archives() error {
	for _, t := range d.targets {
		name := t.name(d.version)
		files, err := listFiles(t.dir, name)
		if err != nil {
			return err
		}
		write, ending := writeTar, ".tar.gz"
		if t.os == "windows" {
			write, ending = writeZip, ".zip"
		}
		out, err := os.Create(filepath.Join(d.out, name+ending))
		if err != nil {
			return err
		}
		if err := write(out, files, d.at); err != nil {
			return err
		}
		if err := out.Close(); err != nil {
			return err
		}
	}
	return nil
}

func listFiles(dir, under string) (list []file, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		mode := fs.FileMode(0o644)
		if strings.HasPrefix(e.Name(), "pgsniff") && !strings.Contains(rel, string(filepath.Separator)) {
			mode = 0o755
		}
		list = append(list, file{path, under + "/" + filepath.ToSlash(rel), mode})
		return nil
	})
	slices.SortFunc(list, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return list, err
}

func writeTar(w io.Writer, files []file, at time.Time) error {
	z, err := gzip.NewWriterLevel(w, gzip.BestCompression)
	if err != nil {
		return err
	}
	t := tar.NewWriter(z)
	for _, f := range files {
		b, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		if err := t.WriteHeader(&tar.Header{
			Typeflag: tar.TypeReg, Name: f.name, Size: int64(len(b)), Mode: int64(f.mode), ModTime: at,
			Uname: "root", Gname: "root", Format: tar.FormatUSTAR,
		}); err != nil {
			return err
		}
		if _, err := t.Write(b); err != nil {
			return err
		}
	}
	if err := t.Close(); err != nil {
		return err
	}
	return z.Close()
}

func writeZip(w io.Writer, files []file, at time.Time) error {
	z := zip.NewWriter(w)
	for _, f := range files {
		b, err := os.ReadFile(f.path)
		if err != nil {
			return err
		}
		h := &zip.FileHeader{Name: f.name, Method: zip.Deflate, Modified: at}
		h.SetMode(f.mode)
		to, err := z.CreateHeader(h)
		if err != nil {
			return err
		}
		if _, err := to.Write(b); err != nil {
			return err
		}
	}
	return z.Close()
}

// published lists the files that users fetch, in order of their names.
func (d *dist) published() (names []string, err error) {
	for _, ending := range []string{"*.tar.gz", "*.zip", "*.deb", "*.rpm", "*.cdx.json"} {
		found, err := filepath.Glob(filepath.Join(d.out, ending))
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			names = append(names, filepath.Base(path))
		}
	}
	slices.Sort(names)
	return names, nil
}

// checksums writes SHA256SUMS, as sha256sum -c reads it.
func (d *dist) checksums() error {
	names, err := d.published()
	if err != nil {
		return err
	}
	var text strings.Builder
	for _, name := range names {
		sum, err := d.sum(name)
		if err != nil {
			return err
		}
		fmt.Fprintf(&text, "%s  %s\n", sum, name)
	}
	return os.WriteFile(filepath.Join(d.out, "SHA256SUMS"), []byte(text.String()), 0o644)
}

func (d *dist) sum(name string) (string, error) {
	b, err := os.ReadFile(filepath.Join(d.out, name))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:]), nil
}
