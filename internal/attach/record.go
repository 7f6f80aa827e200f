package attach

import "encoding/binary"

// What the programs in the kernel write into the ring: a head and what the kind of
// the record brings, in the byte order of the machine.
const (
	headKind   = 0  // uint32
	headPID    = 4  // uint32, of the backend
	headBorn   = 8  // uint64, tells connections of one pid apart
	headTime   = 16 // uint64, ns of the monotonic clock
	headOffset = 24 // uint64, of the first byte in its direction
	headLength = 32 // uint32, bytes of data
	headFlags  = 36 // uint32
	headSize   = 40
)

// recordKind tells what a record says.
type recordKind uint32

const (
	recordOpen     recordKind = iota + 1 // a connection was seen for the first time
	recordFrontend                       // bytes that the server read
	recordBackend                        // bytes that the server wrote
	recordEOF                            // the client has closed
	recordExit                           // the backend is gone; the offsets are final
	recordTLS                            // the TLS handshake begins
	recordGSS                            // the GSSAPI handshake begins
	recordVersion                        // name of the TLS version
	recordCipher                         // name of the cipher suite
	recordTimes                          // what the server's work took; its offset is where its request ended
	recordSession                        // a session of OpenSSL has plaintext for the first time
	recordInput                          // bytes that it decrypted
	recordOutput                         // bytes that it encrypted
	recordFreed                          // it is over; the offsets are final, those of the input first
	recordGone                           // its process has ended
)

// Flags of a record.
const (
	flagFresh  = 1 // of recordOpen: the connection began under the programs' eyes
	flagKernel = 2 // of recordOpen: what comes from the kernel's memory is there
	flagOther  = 4 // of a state: its process is of a server that was not asked for
)

// Flags of a recordTimes.
const (
	workAnchored = 1 << iota // its offset is set
	workMixed                // not all began with the same bytes read
	workSummed               // there is something to tell
	workFailed               // an error ended some of it
	workTorn                 // nothing counts until the next read
)

// The body of recordOpen.
const (
	openPort    = headSize            // the beginning of the server's struct Port
	portSize    = 288                 // as far as the two addresses reach
	openParent  = openPort + portSize // uint32, pid
	openPeerPID = openParent + 4      // uint32
	openPeerUID = openPeerPID + 4     // uint32
	openSpare   = openPeerUID + 4
	openComm    = openSpare + 4 // of the peer
	commSize    = 16
	openSize    = openComm + commSize
)

// The body of recordExit and recordFreed beyond the head, whose offset is the frontend's.
const (
	exitBackend = headSize // uint64
	exitSize    = exitBackend + 8
)

// The body of recordSession: the address of the SSL, by which the kernel's side knows it,
// and both ends of its socket.
const (
	sessionSSL       = headSize           // uint64
	sessionFamily    = sessionSSL + 8     // uint16
	sessionRemote    = sessionFamily + 2  // uint16, port, most significant byte first
	sessionLocal     = sessionRemote + 2  // uint16, port
	sessionRemoteIP4 = sessionFamily + 8  // 4 bytes
	sessionLocalIP4  = sessionFamily + 12 // 4 bytes
	sessionRemoteIP6 = sessionFamily + 16 // 16 bytes
	sessionLocalIP6  = sessionFamily + 32 // 16 bytes
	sessionRecord    = sessionFamily + 48
)

// The body of recordVersion and recordCipher.
const (
	textSize   = 64
	textRecord = headSize + textSize
)

// The body of recordTimes: sums in ns, 0 for what did not happen, and what the longest
// wait was for.
const (
	timesParse   = headSize + 8*iota // uint64
	timesRewrite                     // uint64
	timesPlan                        // uint64
	timesExecute                     // uint64
	timesWait                        // uint64
	timesTag                         // as LockTag has it
	timesRecord  = timesTag + tagSize
)

// record is what is in the ring, borrowed.
type record []byte

func (r record) kind() recordKind  { return recordKind(binary.NativeEndian.Uint32(r[headKind:])) }
func (r record) pid() uint32       { return binary.NativeEndian.Uint32(r[headPID:]) }
func (r record) born() uint64      { return binary.NativeEndian.Uint64(r[headBorn:]) }
func (r record) time() int64       { return int64(binary.NativeEndian.Uint64(r[headTime:])) }
func (r record) offset() uint64    { return binary.NativeEndian.Uint64(r[headOffset:]) }
func (r record) flags() uint32     { return binary.NativeEndian.Uint32(r[headFlags:]) }
func (r record) u32(at int) uint32 { return binary.NativeEndian.Uint32(r[at:]) }
func (r record) u64(at int) uint64 { return binary.NativeEndian.Uint64(r[at:]) }

// after reports whether a record tells of what was later than a time of the monotonic clock.
func (r record) after(time int64) bool { return len(r) >= headSize && r.time() > time }

// data returns the bytes of a record that carries some.
func (r record) data() []byte {
	n := binary.NativeEndian.Uint32(r[headLength:])
	return r[headSize:][:min(int(n), len(r)-headSize)]
}

// text returns the name in a recordVersion or recordCipher.
func (r record) text() string {
	b := r[headSize:min(len(r), headSize+textSize)]
	for i, c := range b {
		if c == 0 {
			return string(b[:i])
		}
		if c < ' ' || c > '~' {
			return ""
		}
	}
	return ""
}

// whole reports whether a record is as long as its kind demands.
func (r record) whole() bool {
	if len(r) < headSize {
		return false
	}
	switch r.kind() {
	case recordOpen:
		return len(r) >= openSize
	case recordExit, recordFreed:
		return len(r) >= exitSize
	case recordSession:
		return len(r) >= sessionRecord
	case recordTimes:
		return len(r) >= timesRecord
	}
	return true
}

// work is what a recordTimes says.
func (r record) work() *Work {
	marks := r.flags()
	return &Work{
		After: r.offset(), Mixed: marks&workMixed != 0, Failed: marks&workFailed != 0,
		Parse: int64(r.u64(timesParse)), Rewrite: int64(r.u64(timesRewrite)), Plan: int64(r.u64(timesPlan)),
		Execute: int64(r.u64(timesExecute)), LockWait: int64(r.u64(timesWait)),
		Lock: LockTag(r[timesTag:][:tagSize]),
	}
}
