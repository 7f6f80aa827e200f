package capture

import (
	"bytes"
	"io"
	"unicode/utf8"
)

// knownFiles are what people hand over by mistake, by their first bytes.
var knownFiles = []struct {
	at           int
	magic        string
	what, remedy string
}{
	{0, "PK\x03\x04", "a zip archive", "unpack it first"},
	{0, "BZh", "bzip2 data", "decompress it first: bzcat FILE | pgsniff read -"},
	{0, "\x1f\x9d", "compress (.Z) data", "decompress it first: zcat FILE | pgsniff read -"},
	{257, "ustar", "a tar archive", "unpack it first"},
	{0, "snoop\x00\x00\x00", "a Solaris snoop capture", "convert it first: editcap -F pcap FILE out.pcap"},
	{0, "GMBU", "a Network Monitor capture", "convert it first: editcap -F pcap FILE out.pcap"},
	{0, "RTSS", "a Network Monitor capture", "convert it first: editcap -F pcap FILE out.pcap"},
	{0, "TRSNIFF data", "a Sniffer capture", "convert it first: editcap -F pcap FILE out.pcap"},
	{0, "\x7fELF", "a program", ""},
}

const readable = "pgsniff reads pcap and pcapng, plain or compressed with gzip, zstd, lz4 or xz"

// notCapture says what the file seems to be instead.
func notCapture(w *window, c compression) error {
	const enough = 512
	h, _ := w.peek(enough)
	if w.err != nil && w.err != io.EOF {
		if len(h) == 0 {
			return cutError(w, h, enough, "the file")
		}
	}
	e := &FileError{Kind: ErrNotCapture, Offset: -1, Hint: readable}
	what, remedy := recognise(h)
	if remedy != "" {
		e.Hint = remedy
	}
	switch {
	case c == plain && what != "":
		e.Detail = "it looks like " + what
	case c != plain && what != "":
		e.Detail = "it is " + c.String() + " data with " + what + " inside"
	case c != plain:
		e.Detail = "it is " + c.String() + " data, but no capture is inside"
	}
	return e
}

func recognise(h []byte) (what, remedy string) {
	for _, k := range knownFiles {
		if len(h) > k.at && bytes.HasPrefix(h[k.at:], []byte(k.magic)) {
			return k.what, k.remedy
		}
	}
	if c := sniffCompression(h); c != plain {
		return "further " + c.String() + " data", "decompress it first"
	}
	if isText(h) {
		return "text", ""
	}
	return "", ""
}

// isText allows for a character cut off at the end of h.
func isText(h []byte) bool {
	for len(h) > 0 {
		c, n := utf8.DecodeRune(h)
		if c == utf8.RuneError && n == 1 {
			return len(h) < utf8.UTFMax && !utf8.FullRune(h)
		}
		if c < ' ' && c != '\n' && c != '\r' && c != '\t' && c != '\f' && c != '\x1b' {
			return false
		}
		h = h[n:]
	}
	return true
}
