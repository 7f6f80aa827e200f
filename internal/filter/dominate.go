package filter

import (
	"slices"
	"sort"
)

// place is where a block or an edge stands in the tree of dominators: its
// ancestors are what all ways to it lead over. Common ancestors are found in
// logarithmic time by jumps of growing length (Myers, An applicative
// random-access stack, 1983).
type place struct {
	parent, jump *place
	depth        int
	// truth is the nearest edge at or above this place that a test for a
	// number took because it was equal, nil if there is none.
	truth *edge
	// The places at and below this one are numbered from first on; there are
	// size of them. given counts those that have their numbers.
	first, size, given int
}

// below puts p under its parent in the tree, nil for the root.
func (p *place) below(parent *place) {
	*p = place{parent: parent}
	if parent == nil {
		p.jump = p
		return
	}
	p.depth = parent.depth + 1
	p.truth = parent.truth
	p.jump = parent
	if j := parent.jump; parent.depth-j.depth == j.depth-j.jump.depth {
		p.jump = j.jump
	}
}

// above returns p's ancestor of the given depth.
func (p *place) above(depth int) *place {
	for p.depth > depth {
		if p.jump.depth >= depth {
			p = p.jump
		} else {
			p = p.parent
		}
	}
	return p
}

// dominates tells that all ways to q lead over p; p dominates itself.
func (p *place) dominates(q *place) bool {
	return p.first <= q.first && q.first < p.first+p.size
}

// meet returns the nearest common ancestor of two places.
func meet(p, q *place) *place {
	p, q = p.above(q.depth), q.above(p.depth)
	for p != q {
		if p.jump != q.jump {
			p, q = p.jump, q.jump
		} else {
			p, q = p.parent, q.parent
		}
	}
	return p
}

// findDominators goes from the root down: what all ways to a block lead over
// is what all edges into it have in common.
func (o *optimizer) findDominators() {
	o.places = o.places[:0]
	clear(o.byTest)
	for i := len(o.levels) - 1; i >= 0; i-- {
		for _, b := range o.levels[i] {
			var parent *place
			for j, e := range b.in {
				if j == 0 {
					parent = &e.place
				} else {
					parent = meet(parent, &e.place)
				}
			}
			b.place.below(parent)
			o.places = append(o.places, &b.place)
			if b.isEnd() {
				continue
			}
			for which := range b.edges {
				e := &b.edges[which]
				e.place.below(&b.place)
				if which == branchTrue && b.rel == relEqual && b.right.op == opConst {
					e.truth = e
				}
				o.places = append(o.places, &e.place)
				o.byTest[b.test] = append(o.byTest[b.test], e)
			}
		}
	}
	o.number()
	for _, equal := range o.byTest {
		nest(equal)
	}
}

// number gives the places their numbers: a place before those below it.
func (o *optimizer) number() {
	for _, p := range o.places {
		p.size, p.given = 1, 1
	}
	for i := len(o.places) - 1; i > 0; i-- {
		p := o.places[i]
		p.parent.size += p.size
	}
	o.places[0].first = 0
	for _, p := range o.places[1:] {
		p.first = p.parent.first + p.parent.given
		p.parent.given += p.size
	}
}

// nest sorts edges by number and links each to the nearest that dominates it.
func nest(edges []*edge) {
	slices.SortFunc(edges, func(a, b *edge) int { return a.first - b.first })
	var last *edge
	for _, e := range edges {
		for last != nil && !last.dominates(&e.place) {
			last = last.outer
		}
		e.outer = last
		last = e
	}
}

// outcome returns where a test leads on an edge, nil if that is not certain:
// it is where all ways to the edge lead over an outcome of the same test, or
// over one that found another number in its place.
func (o *optimizer) outcome(e *edge, to *block) *block {
	o.work++
	equal := o.byTest[to.test]
	i := sort.Search(len(equal), func(i int) bool { return equal[i].first > e.first })
	if i > 0 {
		for known := equal[i-1]; known != nil; known = known.outer {
			o.work++
			if known.dominates(&e.place) {
				return to.next[known.which]
			}
		}
	}
	if to.rel != relEqual || to.right.op != opConst {
		return nil
	}
	for t := e.truth; t != nil; t = t.parent.truth {
		o.work++
		if t.from.left == to.left {
			return to.next[branchFalse]
		}
	}
	return nil
}
