package filter

// block is one test and where it leads, or one of the two ends.
type block struct {
	test
	next    [2]*block // [branchTrue], [branchFalse]; both nil at an end
	accepts bool      // of an end

	// What the optimiser knows of a block, renewed in each of its rounds.
	id     int // its place in the optimiser's list
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

// edge is one way out of a block. Both it and the sets that it is in are
// renewed in each round of the optimiser.
type edge struct {
	from  *block
	which int // branchTrue or branchFalse
	id    int
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

// postorder lists the blocks that root reaches, each behind all that it leads
// to and the ends first.
func postorder(root *block) []*block {
	var order []*block
	state := map[*block]int{} // how many of the ways out are done; 3: listed
	stack := []*block{root}
	for len(stack) > 0 {
		b := stack[len(stack)-1]
		s := state[b]
		switch {
		case s >= 3:
			stack = stack[:len(stack)-1]
		case b.isEnd() || s == 2:
			order = append(order, b)
			state[b] = 3
			stack = stack[:len(stack)-1]
		default:
			state[b] = s + 1
			if state[b.next[s]] == 0 {
				stack = append(stack, b.next[s])
			}
		}
	}
	return order
}
