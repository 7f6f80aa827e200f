package flow

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/pgsniff/pgsniff/internal/capture"
	"github.com/pgsniff/pgsniff/internal/packet"
	"github.com/pgsniff/pgsniff/internal/pcapngw"
	"github.com/pgsniff/pgsniff/pkg/reassembly"
)

// Place says which connection is meant, and where in it.
type Place struct {
	Conn           uint64 // its number in the capture
	Client, Server string // address:port
	From           uint64 // number of its first packet; 0: not known
	Focus          uint64 // number of the packet that is looked for; 0: the first
}

// Match finds the packets between the ends of a connection.
type Match struct {
	place   Place
	a, b    reassembly.Endpoint
	known   bool // a and b are set
	decoder *packet.Decoder
	segment reassembly.Segment
	label   []byte
}

// NewMatch returns a Match for a connection.
func NewMatch(p Place) *Match {
	return &Match{place: p, decoder: packet.NewDecoder(packet.Options{})}
}

// Packet reports whether a packet belongs to the connection. All packets are to be
// shown to it. Fragments of IP packets count as such: whose they are is known with the
// last one only.
func (m *Match) Packet(p *capture.Packet) bool {
	switch m.decoder.Decode(p, &m.segment) {
	case packet.TCP:
	case packet.Fragment:
		return p.Frame >= m.place.From
	default:
		return false
	}
	if p.Frame < m.place.From {
		return false
	}
	s := &m.segment
	if m.known {
		return s.Src == m.a && s.Dst == m.b || s.Src == m.b && s.Dst == m.a
	}
	src, dst := s.Src, s.Dst
	if m.is(src, m.place.Client) && m.is(dst, m.place.Server) || m.is(src, m.place.Server) && m.is(dst, m.place.Client) {
		m.a, m.b, m.known = src, dst, true
		return true
	}
	return false
}

func (m *Match) is(e reassembly.Endpoint, name string) bool {
	m.label = e.AppendTo(m.label[:0])
	return string(m.label) == name
}

// refuseExisting keeps files that are there.
func refuseExisting(path string) error {
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("%s: %w", path, fs.ErrExist)
	}
	return nil
}

// Save writes the packets of a connection to a file that is not there yet, and returns
// how many there are. names are the interfaces of a live capture.
func Save(src capture.Source, place Place, path, app string, names []capture.LiveInterface) (n int, err error) {
	out, err := pcapngw.New(pcapngw.Options{Path: path, App: app, Refuse: refuseExisting})
	if err != nil {
		return 0, err
	}
	defer func() {
		if e := out.Close(); err == nil {
			err = e
		}
	}()
	type iface struct {
		number int
		link   uint16
	}
	m, numbers := NewMatch(place), make(map[iface]int)
	var p capture.Packet
	for {
		switch err := src.Next(&p); {
		case errors.Is(err, io.EOF):
			return n, nil
		case err != nil:
			return n, err
		}
		if !m.Packet(&p) {
			continue
		}
		key := iface{p.Interface, p.LinkType}
		number, ok := numbers[key]
		if !ok {
			about := pcapngw.Interface{LinkType: p.LinkType}
			if p.Interface < len(names) {
				about.Name = names[p.Interface].Name
			}
			if number, err = out.AddInterface(about); err != nil {
				return n, err
			}
			numbers[key] = number
		}
		if err := out.Write(number, p.Time, p.Data, p.OrigLen); err != nil {
			return n, err
		}
		n++
	}
}
