package filter

import "golang.org/x/net/bpf"

// maxJump is as far as a conditional jump reaches.
const maxJump = 255

// link fills in the jumps. Where a target is too far for a conditional jump,
// an unconditional one behind it goes there.
func (e *emitter) link() []bpf.RawInstruction {
	far := make([][2]bool, len(e.branches))
	for {
		positions, total := e.place(far)
		if e.extend(far, positions) {
			continue
		}
		return e.write(far, positions, total)
	}
}

// place returns where each instruction comes to stand with the extra jumps.
func (e *emitter) place(far [][2]bool) (positions []int, total int) {
	positions = make([]int, len(e.code)+1)
	next := 0
	for i := range e.code {
		positions[i] = total
		total++
		if next < len(e.branches) && e.branches[next].at == i {
			for _, f := range far[next] {
				if f {
					total++
				}
			}
			next++
		}
	}
	positions[len(e.code)] = total
	return positions, total
}

// extend marks the branches that do not reach; it reports whether there are
// new ones.
func (e *emitter) extend(far [][2]bool, positions []int) (more bool) {
	for i, br := range e.branches {
		if e.code[br.at].Op == codeJump|jumpAlways {
			continue
		}
		for which, to := range br.next {
			distance := positions[e.starts[to]] - positions[br.at] - 1
			if !far[i][which] && distance > maxJump {
				far[i][which] = true
				more = true
			}
		}
	}
	return more
}

func (e *emitter) write(far [][2]bool, positions []int, total int) []bpf.RawInstruction {
	out := make([]bpf.RawInstruction, 0, total)
	next := 0
	for i, in := range e.code {
		if next == len(e.branches) || e.branches[next].at != i {
			out = append(out, in)
			continue
		}
		br := e.branches[next]
		distance := func(which, from int) uint32 {
			return uint32(positions[e.starts[br.next[which]]] - from - 1)
		}
		at := positions[i]
		if in.Op == codeJump|jumpAlways {
			in.K = distance(branchTrue, at)
			out = append(out, in)
			next++
			continue
		}
		var extra []bpf.RawInstruction
		reach := [2]uint8{}
		for which := range br.next {
			if far[next][which] {
				reach[which] = uint8(len(extra))
				from := at + 1 + len(extra)
				extra = append(extra, bpf.RawInstruction{Op: codeJump | jumpAlways, K: distance(which, from)})
			} else {
				reach[which] = uint8(distance(which, at))
			}
		}
		in.Jt, in.Jf = reach[branchTrue], reach[branchFalse]
		out = append(append(out, in), extra...)
		next++
	}
	return out
}
