package filter

// relation is how a test compares, in the machine's terms; the others follow
// by swapping the branches.
type relation uint8

const (
	relEqual          relation = iota // left == right
	relGreater                        // left > right, unsigned
	relGreaterOrEqual                 // left >= right, unsigned
	relSet                            // left & right != 0
)

// test compares two values.
type test struct {
	rel         relation
	left, right *value
}

// predicate is a boolean expression over tests. It is a tree: no part of it is
// used twice.
type predicate struct {
	kind predicateKind
	test test
	a, b *predicate
}

type predicateKind uint8

const (
	predTest predicateKind = iota
	predAnd
	predOr
	predNot
)

// and evaluates a first and b only where a holds: with packets that end
// before a header's end the order shows, since a load past the end refuses
// the packet.
func and(a, b *predicate) *predicate { return &predicate{kind: predAnd, a: a, b: b} }

// or evaluates a first and b only where a does not hold.
func or(a, b *predicate) *predicate { return &predicate{kind: predOr, a: a, b: b} }

func not(a *predicate) *predicate { return &predicate{kind: predNot, a: a} }

// always and never are tests, too: libpcap's optimiser sees them as such.
func (vs *values) always() *predicate { return vs.equal(vs.constant(1), 1) }

func (vs *values) never() *predicate { return vs.equal(vs.constant(1), 0) }

func (vs *values) constantly(b bool) *predicate {
	if b {
		return vs.always()
	}
	return vs.never()
}

// compare makes a predicate of a test.
func (vs *values) compare(rel relation, left, right *value) *predicate {
	t, negated := vs.reduce(test{rel, left, right}, opMask)
	if negated {
		return not(&predicate{test: t})
	}
	return &predicate{test: t}
}

// equal tests left against a number.
func (vs *values) equal(left *value, k uint32) *predicate {
	return vs.compare(relEqual, left, vs.constant(k))
}

// masked tests the bits of mask in left against k.
func (vs *values) masked(left *value, k, mask uint32) *predicate {
	if mask == 0xffffffff {
		return vs.equal(left, k)
	}
	return vs.equal(vs.mask(left, mask), k)
}

// reduce rewrites a test into what the machine does in one instruction. A
// result of the operation and that is compared with zero becomes a test of
// bits, whose outcome is the opposite.
func (vs *values) reduce(t test, and valueOp) (reduced test, negated bool) {
	for t.rel == relEqual && t.right.op == opConst {
		l := t.left
		switch {
		case l.op == opSub && l.y.op == opConst:
			t = test{relEqual, l.x, vs.constant(t.right.k + l.y.k)}
			continue
		case t.right.k != 0:
		case l.op == opSub:
			return test{relEqual, l.x, l.y}, false
		case l.op == opMask && and == opMask:
			return test{relSet, l.x, vs.constant(l.k)}, true
		case l.op == opAnd && and == opAnd && l.y.op == opConst:
			return test{relSet, l.x, l.y}, true
		}
		break
	}
	return t, false
}

// simple returns the test with simple values.
func (vs *values) simple(t test) (simple test, negated bool) {
	return vs.reduce(test{t.rel, t.left.simple, t.right.simple}, opAnd)
}

// outcome returns the result of a test that does not depend on the packet.
func (t test) outcome() (result, known bool) {
	switch {
	case t.right.op != opConst:
		return false, false
	case t.rel == relSet && t.right.k == 0:
		return false, true
	case t.left.op != opConst:
		return false, false
	}
	switch left, right := t.left.k, t.right.k; t.rel {
	case relEqual:
		return left == right, true
	case relGreater:
		return left > right, true
	case relGreaterOrEqual:
		return left >= right, true
	default:
		return left&right != 0, true
	}
}
