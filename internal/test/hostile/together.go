package hostile

import (
	"bytes"
	"encoding/binary"
	"io"
)

// together fills several bounds one after the other and empties none: each part is
// of connections of its own, which stay open. n is the percentage of the sizes.
func together(n int) io.Reader {
	parts := []struct {
		n    int
		make func(n int) io.Reader
	}{
		{3_000, largeStatements},
		{2_000, halfMessages},
		{5_000, tlsHalfRecords},
		{300_000, tinyOnMany},
		{60_000, openedWithStartup},
	}
	list := []io.Reader{bytes.NewReader(FileHeader())}
	for i, p := range parts {
		list = append(list, &elsewhere{r: p.make(max(p.n*n/100, 100)), host: byte(2 + i)})
	}
	return io.MultiReader(list...)
}

// All is all scenarios one after the other, each with a server of its own, at so much
// of the size that is enough for each, in percent, and what there is to keep besides.
func All(percent int) io.Reader {
	list := []io.Reader{bytes.NewReader(FileHeader())}
	for i, s := range Scenarios {
		if s.Name != "several bounds at once, percent" {
			list = append(list, &elsewhere{r: s.Make(max(s.Enough*percent/100, 100)), host: byte(2 + i)})
		}
	}
	list = append(list, &elsewhere{r: Products(2, 1_000_000, nil), host: byte(2 + len(Scenarios))})
	return io.MultiReader(list...)
}

// elsewhere is the packets of a Stream, without the file's header, with another host
// as their server.
type elsewhere struct {
	r      io.Reader
	host   byte // the last byte of its address
	begun  bool
	packet []byte
	left   []byte // of the packet, to be read
}

func (e *elsewhere) Read(b []byte) (int, error) {
	if !e.begun {
		e.begun = true
		if _, err := io.ReadFull(e.r, make([]byte, len(FileHeader()))); err != nil {
			return 0, err
		}
	}
	if len(e.left) == 0 {
		if err := e.next(); err != nil {
			return 0, err
		}
	}
	n := copy(b, e.left)
	e.left = e.left[n:]
	return n, nil
}

// next reads a record and moves it to the host.
func (e *elsewhere) next() error {
	const recordHeader, source, destination = 16, 12, 16
	e.packet = append(e.packet[:0], make([]byte, recordHeader)...)
	if _, err := io.ReadFull(e.r, e.packet); err != nil {
		return err
	}
	size := int(binary.LittleEndian.Uint32(e.packet[8:]))
	e.packet = append(e.packet, make([]byte, size)...)
	if _, err := io.ReadFull(e.r, e.packet[recordHeader:]); err != nil {
		return err
	}
	for _, at := range []int{source, destination} {
		if a := e.packet[recordHeader+at:][:4]; binary.BigEndian.Uint32(a) == serverAddress {
			a[3] = e.host
		}
	}
	e.left = e.packet
	return nil
}
