// Command benchcap writes large captures of PostgreSQL traffic without a server,
// for benchmarks: the messages are those that pgbench, psql, standbys and subscriptions
// exchange with PostgreSQL, in the segments that loopback carries.
//
// Usage: benchcap KIND MEGABYTES > FILE.pcap
//
// KIND is prepared, simple, wide, copyout, short, wal or logical.
package main

import (
	"bufio"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "benchcap:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) != 2 {
		return fmt.Errorf("usage: benchcap prepared|simple|wide|copyout|short|wal|logical MEGABYTES")
	}
	megabytes, err := strconv.Atoi(args[1])
	if err != nil || megabytes < 1 {
		return fmt.Errorf("%q: the size must be a number of megabytes", args[1])
	}
	kinds := map[string]func(*capture){
		"prepared": prepared, "simple": simple, "wide": wide, "copyout": copyOut, "short": short,
		"wal": wal, "logical": logical,
	}
	write := kinds[args[0]]
	if write == nil {
		return fmt.Errorf("%q: unknown kind", args[0])
	}
	out := bufio.NewWriterSize(os.Stdout, 1<<20)
	c := newCapture(out, int64(megabytes)<<20)
	write(c)
	if c.err != nil {
		return c.err
	}
	return out.Flush()
}

// capture writes packets until it has reached its size.
type capture struct {
	out   *bufio.Writer
	left  int64
	now   int64 // microseconds
	frame []byte
	err   error
}

func newCapture(out *bufio.Writer, size int64) *capture {
	c := &capture{out: out, left: size, now: 1_800_000_000_000_000}
	var h [24]byte
	binary.LittleEndian.PutUint32(h[0:], 0xa1b2c3d4)
	binary.LittleEndian.PutUint16(h[4:], 2)
	binary.LittleEndian.PutUint16(h[6:], 4)
	binary.LittleEndian.PutUint32(h[16:], 262144)
	binary.LittleEndian.PutUint32(h[20:], 1) // Ethernet
	_, c.err = out.Write(h[:])
	return c
}

func (c *capture) full() bool { return c.left <= 0 || c.err != nil }

// conn is one TCP connection on loopback.
type conn struct {
	c        *capture
	port     uint16
	seq, ack uint32 // of the client
}

const (
	flagFIN = 1
	flagSYN = 2
	flagPSH = 8
	flagACK = 16
)

func (c *capture) connect(port uint16) *conn {
	k := &conn{c: c, port: port, seq: 1000 * uint32(port), ack: 77 * uint32(port)}
	k.send(true, flagSYN, nil)
	k.seq++
	k.send(false, flagSYN|flagACK, nil)
	k.ack++
	k.send(true, flagACK, nil)
	return k
}

func (k *conn) client(b []byte) {
	k.send(true, flagPSH|flagACK, b)
	k.seq += uint32(len(b))
}

// server sends in segments as large as loopback's.
func (k *conn) server(b []byte) {
	const segment = 65483
	for len(b) > 0 {
		n := min(len(b), segment)
		k.send(false, flagPSH|flagACK, b[:n])
		k.ack += uint32(n)
		b = b[n:]
	}
}

func (k *conn) close() {
	k.send(true, flagFIN|flagACK, nil)
	k.seq++
	k.send(false, flagFIN|flagACK, nil)
	k.ack++
	k.send(true, flagACK, nil)
}

// send writes one packet: record header, Ethernet, IPv4, TCP with timestamps.
func (k *conn) send(client bool, flags byte, payload []byte) {
	c := k.c
	c.now += 12
	const headers = 14 + 20 + 32
	n := headers + len(payload)
	f := append(c.frame[:0], make([]byte, 16+headers)...)
	binary.LittleEndian.PutUint32(f[0:], uint32(c.now/1e6))
	binary.LittleEndian.PutUint32(f[4:], uint32(c.now%1e6))
	binary.LittleEndian.PutUint32(f[8:], uint32(n))
	binary.LittleEndian.PutUint32(f[12:], uint32(n))
	p := f[16:]
	p[12], p[13] = 8, 0
	ip := p[14:]
	ip[0], ip[8], ip[9] = 0x45, 64, 6
	binary.BigEndian.PutUint16(ip[2:], uint16(n-14))
	copy(ip[12:], []byte{127, 0, 0, 1, 127, 0, 0, 1})
	tcp := ip[20:]
	src, dst, seq, ack := k.port, uint16(5432), k.seq, k.ack
	if !client {
		src, dst, seq, ack = dst, src, ack, seq
	}
	binary.BigEndian.PutUint16(tcp[0:], src)
	binary.BigEndian.PutUint16(tcp[2:], dst)
	binary.BigEndian.PutUint32(tcp[4:], seq)
	if flags&flagACK != 0 {
		binary.BigEndian.PutUint32(tcp[8:], ack)
	}
	tcp[12], tcp[13] = 8<<4, flags
	binary.BigEndian.PutUint16(tcp[14:], 512)
	copy(tcp[20:], []byte{1, 1, 8, 10})
	f = append(f, payload...)
	c.frame = f
	c.left -= int64(len(f))
	if c.err == nil {
		_, c.err = c.out.Write(f)
	}
}
