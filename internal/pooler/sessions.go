package pooler

import "github.com/pgsniff/pgsniff/pkg/session"

// sessions are those of one server that are open.
type sessions struct {
	list []*session.Session
	at   map[*session.Session]int
}

func (o *sessions) add(s *session.Session) {
	if _, there := o.at[s]; !there {
		o.at[s] = len(o.list)
		o.list = append(o.list, s)
	}
}

// remove reports whether none is left.
func (o *sessions) remove(s *session.Session) bool {
	if i, there := o.at[s]; there {
		last := len(o.list) - 1
		o.list[i] = o.list[last]
		o.at[o.list[i]] = i
		o.list[last] = nil
		o.list = o.list[:last]
		delete(o.at, s)
	}
	return len(o.list) == 0
}
