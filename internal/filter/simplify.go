package filter

// The walks after the optimiser's own have marks that it does not use.
const (
	markSimplify = -1 - iota
	markShare
	markEmit
)

// certainly follows the tests that have only one outcome from the root on.
func (vs *values) certainly(b *block) *block {
	for !b.isEnd() {
		t, negated := vs.simple(b.test)
		result, known := t.outcome()
		switch {
		case b.next[branchTrue] == b.next[branchFalse], known && result != negated:
			b = b.next[branchTrue]
		case known:
			b = b.next[branchFalse]
		default:
			return b
		}
	}
	return b
}

// identity is what blocks have in common that can be one.
type identity struct {
	test
	next [2]*block
}

// simplify replaces all values by their simple form, drops tests that have
// only one outcome, and makes one block of all that test the same and lead to
// the same.
func (vs *values) simplify(root *block) *block {
	known := map[identity]*block{}
	same := map[*block]*block{}
	for _, b := range postorder(nil, root, markSimplify) {
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
	return share(same[root])
}

// share marks the blocks that find their value in the accumulator, since all
// before them tested the same one, and makes one of those that are equal but
// for that value.
func share(root *block) *block {
	order := postorder(nil, root, markShare)
	entered := map[*block]*value{} // what all blocks before one test
	for i := len(order) - 1; i >= 0; i-- {
		b := order[i]
		if b.isEnd() {
			continue
		}
		b.inherits = b != root && entered[b] == b.left
		for _, to := range b.next {
			if before, seen := entered[to]; seen && before != b.left {
				entered[to] = nil
			} else {
				entered[to] = b.left
			}
		}
	}
	known := map[identity]*block{}
	same := map[*block]*block{}
	for _, b := range order {
		same[b] = b
		if b.isEnd() {
			continue
		}
		b.next = [2]*block{same[b.next[0]], same[b.next[1]]}
		if !b.inherits || b.right.op != opConst {
			continue
		}
		id := identity{test{b.rel, nil, b.right}, b.next}
		if known[id] == nil {
			known[id] = b
		}
		same[b] = known[id]
	}
	return same[root]
}
