package codec

import (
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// NextFrame returns the next message without decoding its body, which is borrowed
// until the next call of Next, NextFrame, Feed, Unread or Clear. The errors are
// those of Next but for *DecodingError.
func (d *Decoder) NextFrame() (Frame, error) {
	k, body, err := d.next()
	if err != nil {
		return Frame{}, err
	}
	f := Frame{Kind: k, Len: len(d.wire), Body: body}
	if len(d.wire)-len(body) == standardHead || k == messages.KindErrorResponseV2 {
		f.Tag = d.wire[0]
	}
	return f, nil
}

// next returns kind and body of the next message, and sets d.wire to all of it.
func (d *Decoder) next() (messages.Kind, []byte, error) {
	b := d.in.rest
	if d.err != nil || len(d.in.held) != 0 || len(b) < standardHead || !typed[d.dir][d.phase&phaseMask] {
		return d.nextSlow()
	}
	info := &fastTypes[d.dir][b[0]]
	body := length(b[1:]) - 4
	if body < info.min || body > info.max || body > d.limit-4 || int(body) > len(b)-standardHead || d.limited() {
		return d.nextSlow()
	}
	size := int(body) + standardHead
	d.in.rest = b[size:]
	d.wire = b[:size:size]
	d.offset += int64(size)
	return info.kind, b[standardHead:size:size], nil
}

// nextSlow is next without its fast path.
func (d *Decoder) nextSlow() (messages.Kind, []byte, error) {
	d.in.release()
	d.wire = nil
	switch {
	case d.err != nil:
		return 0, nil, d.err
	case d.in.available() == 0:
		return 0, nil, ErrNeedMore
	}
	switch f := framings[d.dir][d.phase&phaseMask]; f {
	case framingOpaque:
		return 0, nil, ErrEncrypted
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

func (d *Decoder) standardFrame() (messages.Kind, []byte, error) {
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
	return d.take(messages.KindOf(d.dir, d.phase, tag, m[standardHead:]), m, standardHead)
}

func (d *Decoder) startupFrame() (messages.Kind, []byte, error) {
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
	return d.take(messages.StartupKindOf(m[startupHead:]), m, startupHead)
}

// byteFrame frames the answer to SSLRequest or GSSENCRequest. Any other byte than
// the two that the protocol has comes from somebody who does not speak it.
func (d *Decoder) byteFrame(f framing) (messages.Kind, []byte, error) {
	kind, yes := messages.KindSSLResponse, byte('S')
	if f == framingGSSByte {
		kind, yes = messages.KindGSSENCResponse, 'G'
	}
	m := d.in.contiguous(1)
	if m[0] != yes && m[0] != 'N' {
		return d.fail(m[0], 0, reasonAnswer)
	}
	return d.take(kind, m, 0)
}

// errorV2Frame frames an error of version 2, which announces no length.
func (d *Decoder) errorV2Frame() (messages.Kind, []byte, error) {
	size := d.in.indexNUL(&d.nul)
	switch {
	case size > maxErrorV2 || size < 0 && d.in.available() > maxErrorV2:
		return d.fail(messages.KindErrorResponseV2.Tag(), 0, reasonNoNUL)
	case size < 0:
		return d.needMore(0)
	}
	m := d.in.contiguous(size + 1)
	return d.take(messages.KindErrorResponseV2, m, 1)
}

// take takes a message out of the unread bytes, of which head bytes are not body.
func (d *Decoder) take(k messages.Kind, m []byte, head int) (messages.Kind, []byte, error) {
	d.in.advance(len(m))
	d.offset += int64(len(m))
	d.wire = m[:len(m):len(m)]
	return k, d.wire[head:], nil
}

// needMore keeps the beginning of a message of that size, 0 if it is not known.
func (d *Decoder) needMore(size int) (messages.Kind, []byte, error) {
	d.in.hold(size)
	return 0, nil, ErrNeedMore
}

func (d *Decoder) fail(tag byte, n uint32, reason string) (messages.Kind, []byte, error) {
	d.err = &FramingError{Offset: d.offset, Tag: tag, Length: n, Reason: reason}
	return 0, nil, d.err
}
