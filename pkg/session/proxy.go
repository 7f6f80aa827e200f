package session

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"strconv"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Proxies tell a server whom they connect for in a header before all else: HAProxy's
// PROXY protocol, version 1 in text or 2 in binary. CockroachDB, Neon's proxy and
// poolers read it.

// proxySignature begins a header of version 2, "PROXY " one of version 1.
var (
	proxySignature = []byte("\r\n\r\n\x00\r\nQUIT\n")
	proxyText      = []byte("PROXY ")
)

// maxProxyText is the longest header of version 1, with its end.
const maxProxyText = 107

// proxyHeader returns the length of the header that b begins with, 0 if there is
// none, and the client that it names, "" if it names none. partial tells that b may
// be the beginning of one.
func proxyHeader(b []byte) (n int, client string, partial bool) {
	switch {
	case bytes.HasPrefix(b, proxyText):
		line, _, ok := bytes.Cut(b[:min(len(b), maxProxyText)], []byte("\r\n"))
		if !ok {
			return 0, "", len(b) < maxProxyText
		}
		return len(line) + 2, proxyLine(line), false
	case bytes.HasPrefix(b, proxySignature):
		return proxyBinary(b)
	}
	return 0, "", len(b) > 0 && (bytes.HasPrefix(proxyText, b) || bytes.HasPrefix(proxySignature, b))
}

// proxyLine returns the client of "PROXY TCP4 client server port port".
func proxyLine(line []byte) string {
	f := bytes.Fields(line)
	if len(f) != 6 {
		return ""
	}
	a, err := netip.ParseAddr(string(f[2]))
	port, perr := strconv.ParseUint(string(f[4]), 10, 16)
	if err != nil || perr != nil {
		return ""
	}
	return netip.AddrPortFrom(a, uint16(port)).String()
}

func proxyBinary(b []byte) (n int, client string, partial bool) {
	const (
		head          = 16
		version2      = 2
		commandProxy  = 1
		familyIPv4    = 1
		familyIPv6    = 2
		maxProxyBytes = 4096 // with all that proxies add to the addresses
	)
	if len(b) < head {
		return 0, "", true
	}
	size := head + int(binary.BigEndian.Uint16(b[14:]))
	if b[12]>>4 != version2 || size > maxProxyBytes {
		return 0, "", false
	}
	if len(b) < size {
		return 0, "", true
	}
	addresses := b[head:size]
	length := 0
	switch b[13] >> 4 {
	case familyIPv4:
		length = 4
	case familyIPv6:
		length = 16
	}
	if b[12]&15 != commandProxy || length == 0 || len(addresses) < 2*length+4 {
		return size, "", false
	}
	a, _ := netip.AddrFromSlice(addresses[:length])
	return size, netip.AddrPortFrom(a, binary.BigEndian.Uint16(addresses[2*length:])).String(), false
}

// stepOverProxy takes a header away from what the frontend said, once it is whole.
func (s *Session) stepOverProxy() {
	h := s.held
	said := h.said[messages.Frontend]
	n, client, _ := proxyHeader(said)
	if n == 0 || s.info.Proxied != "" || s.proxied {
		return
	}
	s.proxied = true
	s.info.Proxied = client
	h.said[messages.Frontend] = said[n:]
	kept := h.chunks[:0]
	for _, c := range h.chunks {
		if c.direction == messages.Frontend {
			cut := min(n, c.bytes)
			c.bytes, n = c.bytes-cut, n-cut
		}
		if c.bytes > 0 {
			kept = append(kept, c)
		}
	}
	h.chunks = kept
}
