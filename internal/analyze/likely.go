package analyze

import (
	"encoding/binary"
	"sort"
	"strings"
)

// port counts a connection to a port.
func (c *Counts) port(p uint16) {
	if len(c.Ports) < maxPorts || c.Ports[p] > 0 {
		c.Ports[p]++
	}
}

// likely counts a connection that was joined in the middle, on ports that nobody
// named, and that looks like PostgreSQL.
func (c *Counts) likely(ports ...uint16) {
	if c.Likely == nil {
		c.Likely = make(map[uint16]uint64)
	}
	for _, p := range ports {
		if len(c.Likely) < maxPorts || c.Likely[p] > 0 {
			c.Likely[p]++
		}
	}
}

// LikelyPorts returns the ports on which connections that were joined in the middle
// look like PostgreSQL: those that most of them share. With one connection alone
// nothing tells which of its ports is the server's; it is taken for the lower one.
func (c *Counts) LikelyPorts() []uint16 {
	ports := make([]uint16, 0, len(c.Likely))
	most := uint64(0)
	for p, n := range c.Likely {
		ports, most = append(ports, p), max(most, n)
	}
	shared := ports[:0]
	for _, p := range ports {
		if c.Likely[p] == most {
			shared = append(shared, p)
		}
	}
	sort.Slice(shared, func(i, j int) bool { return shared[i] < shared[j] })
	if most == 1 && len(shared) > 1 {
		shared = shared[:1]
	}
	return shared[:min(len(shared), 5)]
}

// types are the type bytes of protocol 3's messages, both directions' (manual:
// "Message Formats").
const types = "QPBEDSCHXdcfFpTZRKNAIGWVvst123n"

// talks reports whether b, the first bytes seen of a direction, is a chain of whole
// messages, with a last one that may go on: three of them, or fewer that end where b
// does. Bytes of something else hardly ever are.
func talks(b []byte) bool {
	const header, longest = 5, 1 << 24
	n := 0
	for len(b) >= header {
		size := 1 + int(binary.BigEndian.Uint32(b[1:]))
		if strings.IndexByte(types, b[0]) < 0 || size < header || size > longest {
			return false
		}
		if size > len(b) {
			return n >= 3
		}
		b = b[size:]
		n++
	}
	return n > 0 && len(b) == 0 || n >= 3
}
