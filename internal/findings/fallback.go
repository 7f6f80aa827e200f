package findings

const (
	// maxTLSFailures bounds the failed handshakes of a server that are remembered,
	// and the startup packets that may be their second try, for fallbackAfter each.
	maxTLSFailures = 64
	fallbackAfter  = second
	// slackTLS is how long before the end of the first the second may begin.
	slackTLS = 50 * millisecond
	afterTLS = "a TLS handshake of this client had failed shortly before, and the startup packet came in plain text"
)

// secondTries pairs TLS handshakes that came to nothing with the connections in plain
// text that the same client made instead. The end of the first may be seen after the
// beginning of the second.
type secondTries struct {
	failed []try
	plain  []try // without a request for TLS
	taken  bool  // the server has agreed to TLS
}

type try struct {
	host string
	at   Stamp
	c    *conn // of a startup packet; it may be over by now
}

// follows reports whether what began at a time may be the second try of a connection that
// ended at another.
func follows(began, ended int64) bool {
	return began >= ended-slackTLS && began-ended <= fallbackAfter
}

func remember(list []try, t try) []try {
	if len(list) >= maxTLSFailures {
		list = append(list[:0], list[1:]...)
	}
	return append(list, t)
}

// pick takes the first that fits out of a list.
func pick(list *[]try, host string, fits func(at int64) bool) (t try, ok bool) {
	for i, x := range *list {
		if x.host == host && fits(x.at.Time) {
			*list = append((*list)[:i], (*list)[i+1:]...)
			return x, true
		}
	}
	return t, false
}

// failedTLS takes a connection that ended in its TLS handshake.
func (e *Engine) failedTLS(c *conn, end *Ending) {
	if !c.start.sslTaken || c.start.ready.Time != 0 || end.Open || c.MidStream || !end.TLSFailed && !c.start.failed {
		return
	}
	s := &c.server.tries
	host, ended := hostOf(c.Client), end.At
	for _, at := range []int64{c.gone.client, c.gone.server} {
		if at != 0 && at < ended.Time {
			ended.Time = at // the other side's last word may come much later
		}
	}
	if t, ok := pick(&s.plain, host, func(began int64) bool { return follows(began, ended.Time) }); ok {
		e.fellBack(t.c, t.at, afterTLS)
		return
	}
	s.failed = remember(s.failed, try{host: host, at: ended})
}

// plainAfterTLS reports whether a startup packet is the second try of a client whose
// TLS handshake failed: it asks for no TLS any more. Each failure explains one.
func (s *server) plainAfterTLS(c *conn, at Stamp) bool {
	if !s.tries.taken || c.start.sslAsked || c.start.gssTaken {
		return false
	}
	host := hostOf(c.Client)
	if _, ok := pick(&s.tries.failed, host, func(ended int64) bool { return follows(at.Time, ended) }); ok {
		return true
	}
	c.filed = true
	s.tries.plain = remember(s.tries.plain, try{host: host, at: at, c: c})
	return false
}
