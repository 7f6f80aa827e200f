package capture

import (
	"bufio"
	"errors"
	"io"

	"github.com/klauspost/compress/gzip"
)

// gzipMembers reads the members of a gzip file one after the other. Unlike the
// library's multistream mode it knows what follows the last one: nothing, the
// beginning of a member that was cut, or something else, which gzip itself
// ignores with a warning.
type gzipMembers struct {
	br   *bufio.Reader // gzip reads no further than a member through it
	zr   *gzip.Reader
	warn func(error)
	open bool
}

func (g *gzipMembers) Read(p []byte) (int, error) {
	for {
		if !g.open {
			if err := g.member(); err != nil {
				return 0, err
			}
		}
		n, err := g.zr.Read(p)
		if err == io.EOF {
			g.open, err = false, nil
		}
		if n > 0 || err != nil {
			return n, err
		}
	}
}

// member goes to the next member; io.EOF where there is none.
func (g *gzipMembers) member() error {
	first := g.zr == nil
	if !first {
		h, err := g.br.Peek(2)
		if len(h) == 0 {
			return err
		}
		if h[0] != 0x1f || len(h) == 2 && h[1] != 0x8b {
			g.warn(&FileError{
				Kind: ErrTrailing, Offset: -1,
				Detail: "what follows the gzip data was ignored",
			})
			return io.EOF
		}
	}
	var err error
	if first {
		g.zr, err = gzip.NewReader(g.br)
	} else {
		err = g.zr.Reset(g.br)
	}
	if err != nil {
		if errors.Is(err, io.EOF) { // in the middle of a header
			err = io.ErrUnexpectedEOF
		}
		return err
	}
	g.zr.Multistream(false)
	g.open = true
	return nil
}
