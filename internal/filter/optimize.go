package filter

// The optimiser shortens a program's ways without changing what it accepts: a
// test whose outcome is certain on the way that leads to it is skipped, and
// tests of one value are brought together so that it is loaded once. The
// latter changes the order of loads, and so for a packet that ends within its
// headers the outcome; libpcap brings together the same tests in the same
// order, and programs are to agree on those packets too.

const (
	// maxOptimized bounds the blocks of a program that is optimised: sets of
	// dominators take the square of it.
	maxOptimized = 3000
	// maxRounds and maxWork bound the optimiser's time. The program is right
	// after any round, only longer.
	maxRounds = 1000
	maxWork   = 100 << 20
)

type optimizer struct {
	root   *block
	blocks []*block   // that root reaches, ends first
	levels [][]*block // by level, the last found first
	work   int

	dominators []bits // of each block: the blocks on all ways to it
	certain    []bits // of each edge: the edges on all ways over it
	byLeft     map[*value][]*edge
	changed    bool
}

// optimize returns the graph's new root.
func optimize(root *block) *block {
	if root.isEnd() {
		return root
	}
	o := &optimizer{root: root}
	if len(postorder(root)) > maxOptimized {
		return root
	}
	for range maxRounds {
		o.prepare()
		o.changed = false
		o.settle()
		for _, level := range o.levels[1:] {
			for _, b := range level {
				o.shortcut(&b.edges[branchTrue])
				o.shortcut(&b.edges[branchFalse])
			}
		}
		o.linkIn()
		o.countLiveEdges()
		for _, level := range o.levels[1:] {
			for _, b := range level {
				o.pullUp(b, branchFalse)
				o.pullUp(b, branchTrue)
			}
		}
		if !o.changed || o.work > maxWork {
			break
		}
	}
	return o.finish()
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

// simplify replaces all values by their simple form, drops tests that have
// only one outcome, and makes one block of all that test the same and lead to
// the same.
func (vs *values) simplify(root *block) *block {
	type identity struct {
		test
		next [2]*block
	}
	known := map[identity]*block{}
	same := map[*block]*block{}
	for _, b := range postorder(root) {
		if b.isEnd() {
			same[b] = b
			continue
		}
		t, negated := vs.simple(b.test)
		next := [2]*block{same[b.next[0]], same[b.next[1]]}
		if negated {
			next[0], next[1] = next[1], next[0]
		}
		if result, certain := t.outcome(); certain {
			if same[b] = next[branchFalse]; result {
				same[b] = next[branchTrue]
			}
			continue
		}
		id := identity{t, next}
		if known[id] == nil {
			known[id] = newBlock(t, next[branchTrue], next[branchFalse])
		}
		same[b] = known[id]
	}
	return same[root]
}

// prepare finds the levels, the dominators of blocks and those of edges.
func (o *optimizer) prepare() {
	o.blocks = postorder(o.root)
	o.levels = o.levels[:0]
	for id, b := range o.blocks {
		b.id, b.level, b.in = id, 0, nil
		if !b.isEnd() {
			b.level = 1 + max(b.next[0].level, b.next[1].level)
			b.edges[branchTrue].id = 2 * id
			b.edges[branchFalse].id = 2*id + 1
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

// findDominators goes from the root down: what is on all ways to a block is
// what is on the ways over each edge into it.
func (o *optimizer) findDominators() {
	n := len(o.blocks)
	o.dominators = make([]bits, n)
	o.certain = make([]bits, 2*n)
	o.byLeft = map[*value][]*edge{}
	for i := len(o.levels) - 1; i >= 0; i-- {
		for _, b := range o.levels[i] {
			dom, known := newBits(n), newBits(2*n)
			for j, e := range b.in {
				if j == 0 {
					dom.copy(o.dominators[e.from.id])
					known.copy(o.certain[e.id])
				} else {
					dom.intersect(o.dominators[e.from.id])
					known.intersect(o.certain[e.id])
				}
			}
			o.work += len(dom) * (3 + 3*len(b.in))
			dom.set(b.id)
			o.dominators[b.id] = dom
			if b.isEnd() {
				continue
			}
			for which := range b.edges {
				e := &b.edges[which]
				set := newBits(2 * n)
				set.copy(known)
				set.set(e.id)
				o.certain[e.id] = set
				o.byLeft[b.left] = append(o.byLeft[b.left], e)
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
	for _, b := range postorder(o.root) {
		b.live = true
		if !b.isEnd() {
			b.next[branchTrue].degree++
			b.next[branchFalse].degree++
		}
	}
}

// outcome returns where a test leads on an edge, nil if that is not certain.
func (o *optimizer) outcome(e *edge, to *block) *block {
	known := o.certain[e.id]
	for _, c := range o.byLeft[to.left] {
		o.work++
		if !known.has(c.id) || c.from.rel != to.rel {
			continue
		}
		switch {
		case c.from.right == to.right:
			return to.next[c.which]
		case c.which == branchTrue && to.rel == relEqual && c.from.right.op == opConst && to.right.op == opConst:
			return to.next[branchFalse] // it equals another number
		}
	}
	return nil
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
			o.dominators[c.id].has(b.id) && (c == b || c.degree == 1)
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

// bits is a set of small numbers.
type bits []uint64

func newBits(n int) bits { return make(bits, (n+63)/64) }

func (s bits) has(i int) bool { return s[i/64]>>(i%64)&1 != 0 }
func (s bits) set(i int)      { s[i/64] |= 1 << (i % 64) }
func (s bits) copy(t bits)    { copy(s, t) }
func (s bits) intersect(t bits) {
	for i := range s {
		s[i] &= t[i]
	}
}
