package filter

// block is one test and where it leads, or one of the two ends.
type block struct {
	test
	next    [2]*block // [branchTrue], [branchFalse]; both nil at an end
	accepts bool      // of an end

	// inherits tells that all blocks before this one leave its value in the
	// accumulator.
	inherits bool
	mark     int // the last walk that came by

	// What the optimiser knows of a block, renewed in each of its rounds.
	place
	level  int // the longest way to an end
	in     []*edge
	edges  [2]edge
	live   bool // the root still reaches it
	degree int  // how many edges of live blocks lead to it
}

const (
	branchTrue  = 0
	branchFalse = 1
)

// edge is one way out of a block.
type edge struct {
	place
	from  *block
	which int   // branchTrue or branchFalse
	outer *edge // the nearest of an equal test that dominates this one
}

func (e *edge) to() *block { return e.from.next[e.which] }

func (b *block) isEnd() bool { return b.next[branchTrue] == nil }

// graph turns a predicate into blocks: evaluation stops as soon as the
// outcome is certain. Each test becomes one block.
func graph(p *predicate, onTrue, onFalse *block) *block {
	for {
		switch p.kind {
		case predNot:
			p, onTrue, onFalse = p.a, onFalse, onTrue
		case predAnd:
			onTrue = graph(p.b, onTrue, onFalse)
			p = p.a
		case predOr:
			onFalse = graph(p.b, onTrue, onFalse)
			p = p.a
		default:
			return newBlock(p.test, onTrue, onFalse)
		}
	}
}

func newBlock(t test, onTrue, onFalse *block) *block {
	b := &block{test: t, next: [2]*block{onTrue, onFalse}}
	b.edges = [2]edge{{from: b, which: branchTrue}, {from: b, which: branchFalse}}
	return b
}

// postorder appends to order the blocks that root reaches, each behind all that
// it leads to and the ends first. mark must be new for each call on a graph.
func postorder(order []*block, root *block, mark int) []*block {
	type step struct {
		at   *block
		next int // which way out is to be looked at
	}
	root.mark = mark
	stack := []step{{at: root}}
	for len(stack) > 0 {
		s := &stack[len(stack)-1]
		if s.at.isEnd() || s.next == len(s.at.next) {
			order = append(order, s.at)
			stack = stack[:len(stack)-1]
			continue
		}
		to := s.at.next[s.next]
		s.next++
		if to.mark != mark {
			to.mark = mark
			stack = append(stack, step{at: to})
		}
	}
	return order
}
