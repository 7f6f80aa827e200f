package conversation

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// Packet is a line of a script.
type Packet struct {
	Direction messages.Direction
	Bytes     []byte // as on the wire
	Gap       int64  // bytes that are missing instead, < 0 for an unknown number; 0: none
	Time      int64  // nanoseconds since the Unix epoch
	Frame     uint64 // 1 for the first line
}

// Start is the time of a script's first packet: 2024-05-01 12:00:00 UTC.
const Start = 1714564800_000000000

// Step is the time between two packets, where the script does not say more.
const Step = int64(time.Millisecond)

// Packets reads scripts that follow each other. It panics where one is wrong:
// scripts are part of the tests.
func Packets(scripts ...string) (packets []Packet) {
	now := int64(Start) - Step
	for line := range strings.Lines(strings.Join(scripts, "\n")) {
		line = strings.TrimSpace(line)
		switch {
		case line == "" || line[0] == '#':
			continue
		case line[0] == '+':
			d, err := time.ParseDuration(line[1:])
			check(err == nil, line)
			now += int64(d)
			continue
		}
		now += Step
		p := packet(line)
		p.Time, p.Frame = now, uint64(len(packets)+1)
		packets = append(packets, p)
	}
	return packets
}

func packet(line string) (p Packet) {
	side, rest, ok := strings.Cut(line, ":")
	check(ok && (side == "F" || side == "B"), line)
	if side == "B" {
		p.Direction = messages.Backend
	}
	for _, words := range split(rest) {
		if words[0].text == "gap" {
			n, err := strconv.ParseInt(words[1].text, 10, 64)
			check(err == nil && n != 0, line)
			p.Gap = n
			return p
		}
		p.Bytes = append(p.Bytes, encode(words)...)
	}
	return p
}

// word is a word of a script; a quoted one is never a keyword such as NULL.
type word struct {
	text   string
	quoted bool
}

// split returns the words of each message.
func split(s string) (list [][]word) {
	var words []word
	for s = strings.TrimLeft(s, " "); s != ""; s = strings.TrimLeft(s, " ") {
		var w word
		if s[0] == '"' || s[0] == '`' {
			q, err := strconv.QuotedPrefix(s)
			check(err == nil, s)
			w.text, _ = strconv.Unquote(q)
			w.quoted, s = true, s[len(q):]
		} else {
			w.text, s, _ = strings.Cut(s, " ")
		}
		if w.text == ";" && !w.quoted {
			list, words = append(list, words), nil
			continue
		}
		words = append(words, w)
	}
	return append(list, words)
}

func check(ok bool, what any) {
	if !ok {
		panic(fmt.Sprintf("conversation: %v", what))
	}
}

// arguments are the words after a message's name.
type arguments struct {
	words []word
	of    string
}

// bytes returns the next word.
func (a *arguments) bytes() []byte {
	check(len(a.words) > 0, "an argument of "+a.of+" is missing")
	w := a.words[0]
	a.words = a.words[1:]
	return []byte(w.text)
}

func (a *arguments) int() int64 {
	s := string(a.bytes())
	n, err := strconv.ParseInt(s, 0, 64)
	check(err == nil, s)
	return n
}

// values returns the remaining words as values: NULL is NULL, 0x… are bytes.
func (a *arguments) values() (v messages.Values) {
	for _, w := range a.words {
		switch {
		case w.quoted:
			v.Add([]byte(w.text))
		case w.text == "NULL":
			v.Add(nil)
		case strings.HasPrefix(w.text, "0x"):
			v.Add(unhex(w.text[2:]))
		default:
			v.Add([]byte(w.text))
		}
	}
	a.words = nil
	return v
}

func unhex(s string) []byte {
	b := make([]byte, len(s)/2)
	for i := range b {
		n, err := strconv.ParseUint(s[2*i:2*i+2], 16, 8)
		check(err == nil, s)
		b[i] = byte(n)
	}
	return b
}

// option takes a word such as "rf=1,0" from the front.
func (a *arguments) option(name string) (v string, ok bool) {
	if len(a.words) == 0 || a.words[0].quoted {
		return "", false
	}
	if v, ok = strings.CutPrefix(a.words[0].text, name+"="); ok {
		a.words = a.words[1:]
	}
	return v, ok
}

// formats takes an option that lists format codes.
func (a *arguments) formats(name string) (list []int16) {
	v, ok := a.option(name)
	if !ok {
		return nil
	}
	for f := range strings.SplitSeq(v, ",") {
		n, err := strconv.ParseInt(f, 10, 16)
		check(err == nil, v)
		list = append(list, int16(n))
	}
	return list
}

func (a *arguments) oids() (list []uint32) {
	for len(a.words) > 0 {
		list = append(list, uint32(a.int()))
	}
	return list
}
