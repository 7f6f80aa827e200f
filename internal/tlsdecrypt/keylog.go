package tlsdecrypt

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"sync/atomic"
)

// label says what a secret is for.
type label uint8

const (
	labelMaster          label = iota // CLIENT_RANDOM: master secret, up to TLS 1.2
	labelClientHandshake              // TLS 1.3
	labelServerHandshake
	labelClientTraffic
	labelServerTraffic
	numLabels
)

// labelNames are the labels of RFC 9850 that carry something needed here.
// Later traffic secrets (…_1 and on) follow from the first, RFC 8446 section
// 7.2, and are therefore treated like the labels that are not needed.
var labelNames = [numLabels]string{
	labelMaster:          "CLIENT_RANDOM",
	labelClientHandshake: "CLIENT_HANDSHAKE_TRAFFIC_SECRET",
	labelServerHandshake: "SERVER_HANDSHAKE_TRAFFIC_SECRET",
	labelClientTraffic:   "CLIENT_TRAFFIC_SECRET_0",
	labelServerTraffic:   "SERVER_TRAFFIC_SECRET_0",
}

const (
	randomLen = 32
	masterLen = 48

	// maxSecretConns is the number of TLS connections whose secrets are kept;
	// the oldest are forgotten. Full, with five secrets each, they take 40 MB.
	maxSecretConns = 1 << 16
	// maxSessions is the number of resumable TLS 1.2 sessions remembered.
	maxSessions = 1 << 13
)

type clientRandom [randomLen]byte

// Origin tells where a secret came from.
type Origin uint8

// The origins of secrets. Where several have the same one, it is the first's.
const (
	FromKeyLog  Origin = iota + 1 // a key log beside the capture
	FromCapture                   // a decryption secrets block of the capture itself
)

var originNames = [...]string{"", FromKeyLog: "keylog", FromCapture: "capture"}

func (o Origin) String() string { return originNames[o] }

// connSecrets are the secrets logged under one client random.
type connSecrets struct {
	value [numLabels][]byte
	from  [numLabels]Origin
	used  bool
}

// Warning reports a line of a key log that could not be read.
type Warning struct {
	File string // as given to OpenFile; empty for Load
	Line int    // from 1
	Text string // what is wrong with it; never holds a secret
}

func (w Warning) String() string {
	if w.File == "" {
		return fmt.Sprintf("key log line %d: %s", w.Line, w.Text)
	}
	return fmt.Sprintf("%s:%d: %s", w.File, w.Line, w.Text)
}

// KeyLog holds TLS secrets by client random and label, as an NSS key log
// (SSLKEYLOGFILE, RFC 9850) or a pcapng decryption secrets block gives them.
// It is safe for concurrent use by any number of Conns and readers. Secrets of
// the last 65,536 connections are kept, older ones forgotten.
type KeyLog struct {
	warn func(Warning)

	mu       sync.RWMutex
	conns    fifoMap[clientRandom, *connSecrets]
	sessions fifoMap[sessionKey, session]
	// Of the connections whose secrets had to go: how many, and which, as far as
	// there is room.
	forgotten uint64
	gone      map[uint64]struct{}

	// generation grows with every secret, so that a Conn that waits for one
	// sees cheaply that a look may be worth it.
	generation atomic.Uint64
	// held is the ciphertext that all Conns of this key log hold, in bytes.
	held atomic.Int64

	// taking tells that somebody calls TakeUsed, freshUsed what it has to
	// return next, fresh how much that is.
	taking    atomic.Bool
	fresh     atomic.Int32
	freshUsed []clientRandom

	filesMu sync.Mutex
	files   []*followedFile
	// grows tells that more secrets are expected, see Grow.
	grows atomic.Bool
}

// NewKeyLog returns an empty key log. warn, if not nil, is called for every
// malformed line, from the goroutine that reads it.
func NewKeyLog(warn func(Warning)) *KeyLog {
	return &KeyLog{
		warn:     warn,
		conns:    newFIFOMap[clientRandom, *connSecrets](maxSecretConns),
		sessions: newFIFOMap[sessionKey, session](maxSessions),
	}
}

// Grow tells that more secrets may come: a program is writing to one of the files,
// or a capture brings its secrets beside its packets. It is then worth waiting for them.
func (k *KeyLog) Grow() { k.grows.Store(true) }

// Growing reports whether Grow was called.
func (k *KeyLog) Growing() bool { return k.grows.Load() }

// The ways in which a line can be malformed. None of them quotes the line.
var (
	errFields = errors.New("not of the form LABEL CLIENT_RANDOM SECRET")
	errRandom = errors.New("the client random is not 64 hexadecimal digits")
	errMaster = errors.New("the master secret is not 96 hexadecimal digits")
	errSecret = errors.New("the secret is not 64 or 96 hexadecimal digits")
	errLong   = errors.New("line too long")
)

// Add reads one line of an NSS key log, without or with its line end. Empty
// lines, comments and labels that are not needed for decryption are ignored; a
// line that says something else is an error. A secret that was there already
// is replaced. line is not kept.
func (k *KeyLog) Add(line []byte) error { return k.add(line, FromKeyLog) }

func (k *KeyLog) add(line []byte, from Origin) error {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] == '#' {
		return nil
	}
	name, rest, _ := bytes.Cut(line, []byte(" "))
	random, secret, ok := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	l := label(slices.Index(labelNames[:], string(name)))
	if l >= numLabels {
		if !isLabel(name) || len(rest) == 0 {
			return errFields
		}
		return nil
	}
	if !ok {
		return errFields
	}
	var r clientRandom
	if len(random) != hex.EncodedLen(randomLen) {
		return errRandom
	}
	if _, err := hex.Decode(r[:], random); err != nil {
		return errRandom
	}
	value, err := parseSecret(l, bytes.TrimLeft(secret, " "))
	if err != nil {
		return err
	}
	k.put(l, r, value, from)
	return nil
}

func parseSecret(l label, digits []byte) ([]byte, error) {
	bad := errSecret
	if l == labelMaster {
		bad = errMaster
	}
	n := len(digits) / 2
	if len(digits)%2 != 0 || n != masterLen && (n != sha256.Size || l == labelMaster) {
		return nil, bad
	}
	value := make([]byte, n)
	if _, err := hex.Decode(value, digits); err != nil {
		return nil, bad
	}
	return value, nil
}

// isLabel reports whether name could be a label of a kind not known here.
func isLabel(name []byte) bool {
	for _, c := range name {
		if (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' {
			return false
		}
	}
	return true
}

func (k *KeyLog) put(l label, r clientRandom, value []byte, from Origin) {
	k.mu.Lock()
	defer k.mu.Unlock()
	s, ok := k.conns.get(r)
	if !ok {
		s = new(connSecrets)
		if gone, went := k.conns.put(r, s); went {
			k.forget(gone)
		}
		delete(k.gone, goneKey(r)) // it came again
	}
	if bytes.Equal(s.value[l], value) {
		return
	}
	s.value[l], s.from[l] = value, from
	if s.used {
		k.secretsOfUsed(r)
	}
	k.generation.Add(1)
}

// Load reads a whole key log. A last line without a line end counts. Malformed
// lines are warned about and passed over; the error is r's.
func (k *KeyLog) Load(r io.Reader) error { return k.load(r, FromKeyLog) }

// Embedded does what Load does, with the text of a decryption secrets block.
func (k *KeyLog) Embedded(text []byte) {
	_ = k.load(bytes.NewReader(text), FromCapture) // reading memory does not fail
}

func (k *KeyLog) load(r io.Reader, from Origin) error {
	var s lineSplitter
	err := k.read(r, &s, "", from)
	if line, number, ok := s.rest(); ok {
		k.addLine(line, number, "", from)
	}
	return err
}

// read feeds r through s to its end.
func (k *KeyLog) read(r io.Reader, s *lineSplitter, file string, from Origin) error {
	buf := make([]byte, 32<<10)
	for {
		n, err := r.Read(buf)
		s.feed(buf[:n], func(line []byte, number int) { k.addLine(line, number, file, from) })
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// addLine adds a line; nil stands for one that was too long.
func (k *KeyLog) addLine(line []byte, number int, file string, from Origin) {
	err := errLong
	if line != nil {
		err = k.add(line, from)
	}
	if err != nil && k.warn != nil {
		k.warn(Warning{File: file, Line: number, Text: err.Error()})
	}
}

// maxGone bounds the connections that are known to have lost their secrets, at some
// 20 bytes each.
const maxGone = 1 << 18

// goneKey is enough of a client random, which is random, to know it by.
func goneKey(r clientRandom) uint64 { return binary.LittleEndian.Uint64(r[randomLen-8:]) }

// forget notes that the secrets of a connection had to go.
func (k *KeyLog) forget(r clientRandom) {
	if k.gone == nil {
		k.gone = make(map[uint64]struct{})
	}
	if len(k.gone) < maxGone {
		k.gone[goneKey(r)] = struct{}{}
	}
	k.forgotten++
}

// Forgotten returns how many connections' secrets had to go, since those of the
// latest MaxConnections are kept.
func (k *KeyLog) Forgotten() uint64 {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.forgotten
}

// MaxConnections is how many connections' secrets a KeyLog keeps.
const MaxConnections = maxSecretConns

// hadSecrets tells whether the secrets of a connection had to go.
func (k *KeyLog) hadSecrets(r clientRandom) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	_, ok := k.gone[goneKey(r)]
	return ok || k.forgotten > maxGone
}

// Len returns the number of TLS connections that there are secrets for.
func (k *KeyLog) Len() int {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return len(k.conns.m)
}

// secret returns a secret of the given length in bytes, or nil. It is shared
// and never written to.
func (k *KeyLog) secret(l label, r clientRandom, length int) []byte {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.conns.get(r)
	if !ok || len(s.value[l]) != length {
		return nil
	}
	return s.value[l]
}

// origin tells where a secret came from; 0 where it is not there.
func (k *KeyLog) origin(l label, r clientRandom) Origin {
	k.mu.RLock()
	defer k.mu.RUnlock()
	s, ok := k.conns.get(r)
	if !ok {
		return 0
	}
	return s.from[l]
}

// markUsed notes that the secrets under r have decrypted something.
func (k *KeyLog) markUsed(r clientRandom) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if s, ok := k.conns.get(r); ok && !s.used {
		s.used = true
		k.secretsOfUsed(r)
	}
}

// recent returns up to n client randoms, the youngest first, that there are
// TLS 1.3 traffic secrets for.
func (k *KeyLog) recent(n int) []clientRandom {
	k.mu.RLock()
	defer k.mu.RUnlock()
	var out []clientRandom
	k.conns.newest(func(r clientRandom) bool {
		s := k.conns.m[r]
		if s.value[labelClientTraffic] != nil && s.value[labelServerTraffic] != nil {
			out = append(out, r)
		}
		return len(out) < n
	})
	return out
}
