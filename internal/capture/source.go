package capture

// Packet is one captured frame. The caller owns the Packet and passes the same
// one to every Next, which overwrites all of its fields.
type Packet struct {
	// Data is the captured part of the frame, from its link-layer header on.
	// It is borrowed until the next call of Next or Close.
	Data []byte
	// Time is when the frame was seen, in nanoseconds since 1970-01-01 UTC.
	// It is 0 where the format has no time (pcapng's Simple Packet Block) or
	// an impossible one.
	Time int64
	// OrigLen is the length of the frame on the wire in bytes. It is never
	// less than len(Data); it is more where a snap length cut the frame.
	OrigLen int
	// LinkType is the LINKTYPE_ value of the tcpdump group's registry.
	LinkType uint16
	// FCSLen is how many bytes of frame check sequence the source says end
	// each frame; 0 if it says nothing. Such a claim is often wrong: use it
	// only where nothing else tells the end of the payload.
	FCSLen uint8
	// Interface numbers the interface, 0 = first of the source. It counts on
	// over the sections of a file and over several files.
	Interface int
	// Frame numbers the frames of the source, 1 = first. It counts on over
	// several files.
	Frame uint64
}

// Source delivers packets one after the other. A Source is used by one
// goroutine at a time.
type Source interface {
	// Next fills p with the next packet and returns nil, or returns io.EOF at
	// the end. What p.Data reaches is borrowed until the next call.
	Next(p *Packet) error
	// Close releases what the source holds. Packets are invalid after it.
	Close() error
}
