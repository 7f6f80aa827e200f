package filter

// arithmeticOps gives each operator how strongly it binds. The bitwise
// exclusive or and the modulus have no strength in the grammar of
// pcap-filter(7): whatever follows them is read before they are applied.
var arithmeticOps = map[string]struct {
	op       valueOp
	strength int
}{
	"|": {opOr, 1}, "&": {opAnd, 2},
	"<<": {opLsh, 3}, ">>": {opRsh, 3},
	"+": {opAdd, 4}, "-": {opSub, 4},
	"*": {opMul, 5}, "/": {opDiv, 5},
	"^": {opXor, 0}, "%": {opMod, 0},
}

const strengthOfMinus = 6

// arithmeticFollows tells whether the next token goes on with arithmetic or a
// comparison.
func (p *parser) arithmeticFollows() bool {
	if p.tok.kind != tokOp {
		return false
	}
	_, ok := arithmeticOps[p.tok.text]
	return ok || p.comparisonFollows()
}

func (p *parser) comparisonFollows() bool {
	if p.tok.kind != tokOp {
		return false
	}
	switch p.tok.text {
	case "=", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}

// comparison goes on behind the first operand of a comparison's left side.
func (p *parser) comparison(left parsed) (parsed, error) {
	x, err := p.arithmeticFrom(left.operand)
	if err != nil {
		return parsed{}, err
	}
	if !p.comparisonFollows() {
		return parsed{}, p.unexpected("a comparison")
	}
	rel, err := p.advance()
	if err != nil {
		return parsed{}, err
	}
	y, err := p.arithmetic()
	if err != nil {
		return parsed{}, err
	}
	return parsed{kind: gotTerm, pred: p.relation(rel.text, x, y)}, nil
}

// arithmetic reads an arithmetic expression.
func (p *parser) arithmetic() (operand, error) {
	s := arithmeticStack{p: p}
	if err := s.push(); err != nil {
		return operand{}, err
	}
	return s.run()
}

// arithmeticFrom reads on behind a first operand.
func (p *parser) arithmeticFrom(first operand) (operand, error) {
	s := arithmeticStack{p: p, operands: []operand{first}}
	return s.run()
}

// arithmeticStack is an operator-precedence parser, one level of brackets
// deep.
type arithmeticStack struct {
	p        *parser
	operands []operand
	ops      []token // a unary minus has kind tokEOF
}

// run alternates between operators and operands.
func (s *arithmeticStack) run() (operand, error) {
	for {
		next, ok := arithmeticOps[s.p.tok.text]
		if s.p.tok.kind != tokOp || !ok {
			break
		}
		for len(s.ops) > 0 && bindsFirst(s.strength(), next.strength) {
			if err := s.reduce(); err != nil {
				return operand{}, err
			}
		}
		op, err := s.p.advance()
		if err != nil {
			return operand{}, err
		}
		s.ops = append(s.ops, op)
		if err := s.push(); err != nil {
			return operand{}, err
		}
	}
	for len(s.ops) > 0 {
		if err := s.reduce(); err != nil {
			return operand{}, err
		}
	}
	return s.operands[0], nil
}

func bindsFirst(left, right int) bool { return left != 0 && right != 0 && left >= right }

func (s *arithmeticStack) strength() int {
	top := s.ops[len(s.ops)-1]
	if top.kind == tokEOF {
		return strengthOfMinus
	}
	return arithmeticOps[top.text].strength
}

// reduce applies the operator on top of the stack.
func (s *arithmeticStack) reduce() error {
	op := s.ops[len(s.ops)-1]
	s.ops = s.ops[:len(s.ops)-1]
	n := len(s.operands)
	if op.kind == tokEOF {
		x := &s.operands[n-1]
		x.value = s.p.vs.negate(x.value)
		return nil
	}
	s.p.at = op
	v, err := s.p.binary(arithmeticOps[op.text].op, s.operands[n-2], s.operands[n-1])
	s.operands = append(s.operands[:n-2], v)
	return err
}

// push reads one operand, with the minus signs before it.
func (s *arithmeticStack) push() error {
	p := s.p
	for p.tok.is("-") {
		minus, err := p.advance()
		if err != nil {
			return err
		}
		minus.kind = tokEOF
		s.ops = append(s.ops, minus)
	}
	o, err := p.factor()
	s.operands = append(s.operands, o)
	return err
}

// factor reads a number, len, proto[index:size] or an expression in brackets.
func (p *parser) factor() (operand, error) {
	switch {
	case p.tok.kind == tokNum:
		n, err := p.advance()
		return operand{value: p.vs.constant(n.num)}, err
	case p.tok.is("len"):
		_, err := p.advance()
		return operand{value: p.vs.length()}, err
	case p.tok.is("("):
		if err := p.enter(); err != nil {
			return operand{}, err
		}
		defer func() { p.depth-- }()
		if _, err := p.advance(); err != nil {
			return operand{}, err
		}
		o, err := p.arithmetic()
		if err != nil {
			return operand{}, err
		}
		return o, p.expect(")")
	case p.tok.kind == tokWord && isProtocol(p.tok.text):
		proto, err := p.advance()
		if err != nil {
			return operand{}, err
		}
		if !p.tok.is("[") {
			return operand{}, p.unexpected("'['")
		}
		return p.accessFrom(proto.text)
	}
	return operand{}, p.unexpected("a number")
}

// accessFrom reads "[index:size]" behind a protocol's name.
func (p *parser) accessFrom(proto string) (operand, error) {
	if err := p.enter(); err != nil {
		return operand{}, err
	}
	defer func() { p.depth-- }()
	at := p.tok
	if err := p.expect("["); err != nil {
		return operand{}, err
	}
	index, err := p.arithmetic()
	if err != nil {
		return operand{}, err
	}
	size := uint32(1)
	if ok, err := p.accept(":"); err != nil {
		return operand{}, err
	} else if ok {
		if p.tok.kind != tokNum {
			return operand{}, p.unexpected("a number of bytes")
		}
		at = p.tok
		size = p.tok.num
		if _, err := p.advance(); err != nil {
			return operand{}, err
		}
	}
	if err := p.expect("]"); err != nil {
		return operand{}, err
	}
	p.at = at
	return p.access(proto, index, size)
}
