package report

import (
	"cmp"
	"slices"
)

// Of many connections those are drawn that tell most. Each of these is how much one
// tells in its way, 0 where it does not; the ways take turns.
var tellings = [...]func(*connection) int64{
	func(c *connection) int64 { return int64(c.Findings) },
	func(c *connection) int64 { return int64(c.Errors) + badly(c.State) },
	func(c *connection) int64 { return c.IdleTime },
	func(c *connection) int64 { return c.End - max(c.Start, 0) },
	func(c *connection) int64 { return int64(c.Queries) },
}

// badly weighs an end that nobody wanted as an error.
func badly(state string) int64 {
	switch state {
	case "failed", "reset", "refused", "no_answer":
		return 1
	}
	return 0
}

// telling returns the most telling connections, so many at most, in the order that they
// have.
func telling(list []*connection, most int) []*connection {
	if len(list) <= most {
		return list
	}
	chosen := make(map[*connection]bool, most)
	turns := make([][]*connection, 0, len(tellings)+1)
	for _, much := range tellings {
		turns = append(turns, ranked(list, much))
	}
	for tells := true; tells && len(chosen) < most; {
		tells = false
		for i := range turns {
			for len(turns[i]) > 0 && chosen[turns[i][0]] {
				turns[i] = turns[i][1:]
			}
			if len(turns[i]) > 0 && len(chosen) < most {
				chosen[turns[i][0]], tells = true, true
			}
		}
	}
	for i := 0; len(chosen) < most; i++ { // of which there is nothing to tell
		chosen[list[i]] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(c *connection) bool { return !chosen[c] })
}

// ranked returns the connections that tell something, those that tell most first.
func ranked(list []*connection, much func(*connection) int64) []*connection {
	out := slices.DeleteFunc(slices.Clone(list), func(c *connection) bool { return much(c) <= 0 })
	slices.SortFunc(out, func(a, b *connection) int { return cmp.Or(cmp.Compare(much(b), much(a)), cmp.Compare(a.ID, b.ID)) })
	return out
}

// forget lets connections go that are over, until half of what may be kept is left. What
// findings there are is known at the end alone, and has no say in it.
func (o *output) forget() {
	var over, open []*connection
	for _, c := range o.conns {
		if c.over && !c.goesOn {
			over = append(over, c)
		} else {
			open = append(open, c)
		}
	}
	o.conns = append(open, telling(over, maxKept/2)...)
	o.left = len(o.conns)
}

// shownConns returns the connections on the page, in order of time.
func (o *output) shownConns() []*connection {
	for _, c := range o.conns {
		c.Findings = o.named[c.ID]
	}
	list := telling(o.conns, maxConns)
	slices.SortFunc(list, func(a, b *connection) int { return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(a.ID, b.ID)) })
	return list
}
