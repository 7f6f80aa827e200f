package codec

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// NextFrame returns the next message without decoding its body, which is borrowed
// until the next call of Next, NextFrame, Feed, Unread or Clear. The errors are
// those of Next but for *DecodingError.
func (d *Decoder) NextFrame() (Frame, error) {
	b := d.in.rest
	if d.err != nil || len(d.in.held) != 0 || len(b) < standardHead || !typed[d.dir][d.phase&phaseMask] {
		return d.nextFrame()
	}
	info := &fastTypes[d.dir][b[0]]
	body := length(b[1:]) - 4
	if body < info.min || body > info.max || body > d.limit-4 || int(body) > len(b)-standardHead || d.limited() {
		return d.nextFrame()
	}
	size := int(body) + standardHead
	d.in.rest = b[size:]
	d.began, d.offset = d.offset, d.offset+int64(size)
	return Frame{Kind: info.kind, Tag: b[0], Len: size, Body: b[standardHead:size:size]}, nil
}

// nextFrame is NextFrame without its fast path.
func (d *Decoder) nextFrame() (Frame, error) {
	d.in.release()
	switch {
	case d.err != nil:
		return Frame{}, d.err
	case d.in.available() == 0:
		return Frame{}, ErrNeedMore
	}
	switch f := framings[d.dir][d.phase&phaseMask]; f {
	case framingOpaque:
		return Frame{}, ErrEncrypted
	case framingStartup:
		return d.startupFrame()
	case framingEither:
		if d.in.byteAt(0) == 0 {
			return d.startupFrame()
		}
	case framingSSLByte, framingGSSByte:
		if d.in.byteAt(0) != messages.KindErrorResponse.Tag() {
			return d.byteFrame(f)
		}
	}
	return d.standardFrame()
}

// limited reports whether the server would accept only small messages now.
func (d *Decoder) limited() bool {
	if d.dir != messages.Frontend {
		return false
	}
	switch d.phase {
	case messages.PhaseAuthenticating, messages.PhaseAuthenticatingGSS, messages.PhaseSASLInitial, messages.PhaseSASLContinue:
		return true
	}
	return false
}

func (d *Decoder) standardFrame() (Frame, error) {
	b := d.in.contiguous(standardHead)
	if b == nil {
		return d.needMore(0)
	}
	tag, n, limit := b[0], length(b[1:]), d.limit
	if d.limited() {
		limit = min(limit, maxAuthentication)
	}
	switch {
	case d.dir == messages.Backend && tag == messages.KindErrorResponseV2.Tag() && isText(n):
		return d.errorV2Frame()
	case n < 4:
		return d.fail(tag, n, reasonBelow)
	case n > limit:
		return d.fail(tag, n, reasonOver)
	}
	size := int(n) + 1
	m := d.in.contiguous(size)
	if m == nil {
		return d.needMore(size)
	}
	kind := messages.KindOf(d.dir, d.phase, tag, m[standardHead:])
	return d.frame(Frame{Kind: kind, Tag: tag, Len: size, Body: m[standardHead:]})
}

func (d *Decoder) startupFrame() (Frame, error) {
	b := d.in.contiguous(startupHead)
	if b == nil {
		return d.needMore(0)
	}
	n := length(b)
	switch {
	case n < minStartup:
		return d.fail(0, n, reasonShort)
	case n > min(d.limit, maxStartup):
		return d.fail(0, n, reasonOver)
	}
	m := d.in.contiguous(int(n))
	if m == nil {
		return d.needMore(int(n))
	}
	return d.frame(Frame{Kind: messages.StartupKindOf(m[startupHead:]), Len: int(n), Body: m[startupHead:]})
}

// byteFrame frames the answer to SSLRequest or GSSENCRequest, whatever it is.
func (d *Decoder) byteFrame(f framing) (Frame, error) {
	kind := messages.KindSSLResponse
	if f == framingGSSByte {
		kind = messages.KindGSSENCResponse
	}
	return d.frame(Frame{Kind: kind, Len: 1, Body: d.in.contiguous(1)})
}

// errorV2Frame frames an error of version 2, which announces no length.
func (d *Decoder) errorV2Frame() (Frame, error) {
	size := d.in.indexNUL(&d.nul)
	switch {
	case size > maxErrorV2 || size < 0 && d.in.available() > maxErrorV2:
		return d.fail(messages.KindErrorResponseV2.Tag(), 0, reasonNoNUL)
	case size < 0:
		return d.needMore(0)
	}
	m := d.in.contiguous(size + 1)
	return d.frame(Frame{Kind: messages.KindErrorResponseV2, Tag: m[0], Len: size + 1, Body: m[1:]})
}

// frame takes the message f out of the unread bytes.
func (d *Decoder) frame(f Frame) (Frame, error) {
	d.in.advance(f.Len)
	d.began, d.offset = d.offset, d.offset+int64(f.Len)
	f.Body = f.Body[:len(f.Body):len(f.Body)]
	return f, nil
}

// needMore keeps the beginning of a message of that size, 0 if it is not known.
func (d *Decoder) needMore(size int) (Frame, error) {
	d.in.hold(size)
	return Frame{}, ErrNeedMore
}

func (d *Decoder) fail(tag byte, n uint32, reason string) (Frame, error) {
	d.err = &FramingError{Offset: d.offset, Tag: tag, Length: n, Reason: reason}
	return Frame{}, d.err
}
