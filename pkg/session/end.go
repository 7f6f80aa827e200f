package session

import "github.com/pgsniff/pgsniff/pkg/messages"

// End tells that the connection is over. Nothing may follow. Where keys may still
// come, its record waits for them for a while.
func (s *Session) End(why Reason, at Stamp, traffic Traffic) {
	if s.ended || s.lingers {
		return
	}
	if s.roles.turned {
		traffic = traffic.turned()
	}
	if s.keyless > 0 {
		s.tls.Retry((*tlsSink)(s))
		s.tlsProgress(at)
		if s.keyless > 0 && s.tls.Facts().MayCome {
			s.shared.linger(lingering{s, why, at, traffic})
			return
		}
	}
	s.end(why, at, traffic)
}

// end is End once nothing more is waited for.
func (s *Session) end(why Reason, at Stamp, traffic Traffic) {
	s.ended, s.lingers = true, false
	if s.auditing && !s.over {
		s.auditEnds(at)
	}
	s.endTLS(at)
	if !s.over && (!s.encrypted || s.decrypting) {
		for _, d := range []messages.Direction{messages.Frontend, messages.Backend} {
			s.endStream(d, why, at)
		}
	}
	if !s.over {
		s.endTroubles()
	}
	if s.cfg.Exchanges {
		s.log.End()
	}
	i := &s.info
	if i.GivenUp = why == EndGivenUp; i.GivenUp && !s.candidate && !s.over {
		s.notice(&Notice{
			Code: NoticeGivenUp, At: at,
			Text: "more connections are open than are followed at once; this one, silent for longest, is given up until it goes on",
		})
	}
	i.Ended, i.Traffic = at, traffic
	i.Unreadable = (s.encrypted || i.Encryption == EncryptionGSS) && !s.decrypting
	if i.State == StateOpen {
		switch why {
		case EndFIN, EndReplaced:
			i.State = StateClosed
		case EndRST:
			i.State = StateReset
			if i.Unreadable && (i.ClientClosed != (Stamp{}) || i.TLS.ClientCloses) {
				// What a server sends after the client's last word, to say the same,
				// meets a port that is closed: it had ended in good order.
				i.State = StateClosed
			}
		}
	}
	if why == EndFIN || why == EndRST {
		i.ClientClosed = Stamp{} // so has the server
	}
	s.shared.ended(s)
}

// lingering is a connection that is over and whose ciphertext waits for keys.
type lingering struct {
	session *Session
	why     Reason
	at      Stamp
	traffic Traffic
}

// maxLingering bounds them: those of two seconds of a busy server. Their ciphertext is
// bounded by the TLS layer.
const maxLingering = 4096

// linger keeps a connection that is over until its keys come, for keyPatience at most.
func (sh *Shared) linger(l lingering) {
	for len(sh.lingering) > 0 && (len(sh.lingering) == maxLingering || l.at.Time-sh.lingering[0].at.Time > keyPatience) {
		sh.partFirst()
	}
	l.session.lingers = true
	sh.lingering = append(sh.lingering, l)
}

// part ends those whose keys have come, and those that have waited for too long. now
// is the capture's time in nanoseconds since the epoch.
func (sh *Shared) part(now int64) {
	kept := sh.lingering[:0]
	for _, l := range sh.lingering {
		if l.session.keyless > 0 && now-l.at.Time <= keyPatience {
			kept = append(kept, l)
			continue
		}
		l.session.end(l.why, l.at, l.traffic)
	}
	clear(sh.lingering[len(kept):])
	sh.lingering = kept
}

func (sh *Shared) partFirst() {
	l := sh.lingering[0]
	sh.lingering[0] = lingering{}
	sh.lingering = sh.lingering[1:]
	l.session.end(l.why, l.at, l.traffic)
}
