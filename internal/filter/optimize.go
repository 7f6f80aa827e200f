package filter

// The optimiser shortens a program's ways without changing what it accepts: a
// test whose outcome is certain on the way that leads to it is skipped, and
// tests of one value are brought together so that it is loaded once. The
// latter changes the order of loads, and so for a packet that ends within its
// headers the outcome; libpcap brings together the same tests in the same
// order, and programs are to agree on those packets too.

const (
	// maxRounds and maxWork bound the optimiser's time, the latter to about a
	// second. The program is right after any round, only longer.
	maxRounds = 1000
	maxWork   = 64 << 20
)

type optimizer struct {
	root   *block
	blocks []*block   // that root reached when the round began, ends first
	levels [][]*block // by level, the last found first
	walks  int
	work   int

	reached []*block // that root reaches after the round's shortcuts

	places  []*place         // of all blocks and edges, dominators first
	byTest  map[test][]*edge // the ways out of equal tests, by number
	changed bool
}

// optimize returns the graph's new root.
func optimize(root *block) *block {
	if root.isEnd() {
		return root
	}
	o := &optimizer{root: root, byTest: map[test][]*edge{}}
	for range maxRounds {
		o.prepare()
		o.changed = false
		o.settle()
		o.eachBlock(func(b *block) {
			o.shortcut(&b.edges[branchTrue])
			o.shortcut(&b.edges[branchFalse])
		})
		o.linkIn()
		o.countLiveEdges()
		o.eachBlock(func(b *block) {
			o.pullUp(b, branchFalse)
			o.pullUp(b, branchTrue)
		})
		if !o.changed || o.work > maxWork {
			break
		}
	}
	return o.finish()
}

// eachBlock visits the tests, those nearest to the ends first, until there was
// too much work.
func (o *optimizer) eachBlock(f func(b *block)) {
	for _, level := range o.levels[1:] {
		for _, b := range level {
			if o.work > maxWork {
				return
			}
			f(b)
		}
	}
}

// finish drops a root whose outcome does not matter, if there is nothing but
// an end behind it. Else it stays for its load, as it does with libpcap.
func (o *optimizer) finish() *block {
	r := o.root
	for !r.isEnd() && r.next[branchTrue] == r.next[branchFalse] {
		r = r.next[branchTrue]
	}
	if r.isEnd() {
		return r
	}
	return o.root
}

// settle gives tests that do not depend on the packet one outcome.
func (o *optimizer) settle() {
	for _, b := range o.blocks {
		if b.isEnd() {
			continue
		}
		if result, known := b.outcome(); known {
			to := b.next[branchFalse]
			if result {
				to = b.next[branchTrue]
			}
			b.next = [2]*block{to, to}
		}
	}
}

// prepare finds the levels, the dominators of blocks and those of edges.
func (o *optimizer) prepare() {
	o.walks++
	o.blocks = postorder(o.blocks[:0], o.root, o.walks)
	o.work += 30 * len(o.blocks) // about what a round costs before it finds anything
	o.levels = o.levels[:0]
	for _, b := range o.blocks {
		b.level = 0
		if !b.isEnd() {
			b.level = 1 + max(b.next[0].level, b.next[1].level)
		}
		for len(o.levels) <= b.level {
			o.levels = append(o.levels, nil)
		}
	}
	for i := len(o.blocks) - 1; i >= 0; i-- {
		b := o.blocks[i]
		o.levels[b.level] = append(o.levels[b.level], b)
	}
	o.linkIn()
	o.findDominators()
}

// linkIn lists the ways into each block, those from the lowest level first.
func (o *optimizer) linkIn() {
	for _, b := range o.blocks {
		b.in = b.in[:0]
	}
	for _, level := range o.levels[1:] {
		for i := len(level) - 1; i >= 0; i-- {
			b := level[i]
			for _, which := range [2]int{branchFalse, branchTrue} {
				to := b.next[which]
				to.in = append(to.in, &b.edges[which])
			}
		}
	}
}

// shortcut leads an edge past all tests whose outcome is certain on it.
func (o *optimizer) shortcut(e *edge) {
	to := e.to()
	if to.isEnd() {
		return
	}
	if to.next[branchTrue] == to.next[branchFalse] {
		to = to.next[branchTrue]
		o.lead(e, to)
	}
	for !to.isEnd() {
		next := o.outcome(e, to)
		if next == nil {
			return
		}
		to = next
		o.lead(e, to)
	}
}

// lead changes where an edge leads.
func (o *optimizer) lead(e *edge, to *block) {
	if e.from.live {
		e.to().degree--
		to.degree++
	}
	e.from.next[e.which] = to
	o.changed = true
}

// countLiveEdges counts the edges into each block, after shortcuts have made
// some blocks unreachable.
func (o *optimizer) countLiveEdges() {
	for _, b := range o.blocks {
		b.live, b.degree = false, 0
	}
	o.walks++
	o.reached = postorder(o.reached[:0], o.root, o.walks)
	for _, b := range o.reached {
		b.live = true
		if !b.isEnd() {
			b.next[branchTrue].degree++
			b.next[branchFalse].degree++
		}
	}
}

// pullUp looks at a chain of tests that all lead to one place when they end
// it, such as the operands of an "or" that accept. Where the tests before the
// chain or at its beginning load one value, then comes a test of another and
// later one of the first again, that one is moved up to its like. side is the
// branch that goes on along the chain: false for "or", true for "and".
//
// Moving a test is right only where the chain is entered at its beginning and
// all ways there are known; the levels and dominators are from before this
// round's shortcuts, so that is checked anew.
func (o *optimizer) pullUp(b *block, side int) {
	first, known := commonLeft(b)
	if !known {
		return
	}
	out := 1 - side
	inChain := func(c *block) bool {
		o.work++
		return !c.isEnd() && c.next[out] == b.next[out] &&
			b.place.dominates(&c.place) && (c == b || c.degree == 1)
	}
	// before is the edge to the first test of another value.
	before := b.in[0]
	for inChain(before.to()) && before.to().left == first {
		before = &before.to().edges[side]
	}
	if !inChain(before.to()) {
		return
	}
	// again is the edge to the next test of the first value.
	again := &before.to().edges[side]
	for inChain(again.to()) && again.to().left != first {
		again = &again.to().edges[side]
	}
	if !inChain(again.to()) {
		return
	}
	pulled, other := again.to(), before.to()
	o.lead(again, pulled.next[side])
	o.lead(&pulled.edges[side], other)
	if other != b {
		o.lead(before, pulled)
		return
	}
	for _, e := range b.in {
		if e.to() == b {
			o.lead(e, pulled)
		}
	}
}

// commonLeft returns the value that all tests before b load, if they do and
// no other edges lead to b by now.
func commonLeft(b *block) (v *value, ok bool) {
	if len(b.in) == 0 || b.in[0].to() != b {
		return nil, false
	}
	v = b.in[0].from.left
	live := 0
	for _, e := range b.in {
		if e.from.left != v {
			return nil, false
		}
		if e.from.live && e.to() == b {
			live++
		}
	}
	return v, live == b.degree
}
