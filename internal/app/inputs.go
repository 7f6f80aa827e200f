package app

import (
	"io"
	"io/fs"
	"os"
)

// inputs are the files that a run reads. No output may be one of them, under
// whatever name: it would be emptied before it was read, or grow while it is.
type inputs []input

type input struct {
	name string
	info fs.FileInfo
}

// newInputs takes the files that are there; what cannot be read is told of by who
// opens it.
func newInputs(stdin io.Reader, paths ...string) (list inputs) {
	for _, path := range paths {
		switch {
		case path == "":
		case path == "-":
			if f, ok := stdin.(*os.File); ok {
				list = list.add("the input standard input", f)
			}
		default:
			if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
				list = append(list, input{"the input " + path, info})
			}
		}
	}
	return list
}

func (l inputs) add(name string, f *os.File) inputs {
	if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
		l = append(l, input{name, info})
	}
	return l
}

// refuse returns an error if an output is one of the inputs. The flag is what names
// the output on the command line.
func (l inputs) refuse(flag, path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return nil // it is not there yet
	}
	return l.refuseFile(flag+" "+path, info)
}

func (l inputs) refuseFile(output string, info fs.FileInfo) error {
	for _, in := range l {
		if os.SameFile(in.info, info) {
			return usageError("%s: is %s as well; name another file", output, in.name)
		}
	}
	return nil
}

// refuseStream is refuse for standard output, which a shell may have led to a file.
func (l inputs) refuseStream(out io.Writer) error {
	f, ok := out.(*os.File)
	if !ok {
		return nil
	}
	info, err := f.Stat()
	if err != nil || !info.Mode().IsRegular() {
		return nil
	}
	return l.refuseFile("standard output", info)
}
