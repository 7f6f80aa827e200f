package filter

// Limits that no filter written by hand comes near. They bound the compiler's
// stack and time.
const (
	maxExpression = 1 << 16 // bytes
	maxNesting    = 500     // of parentheses and nots
)

// addressType is the qualifier that says what an identifier names.
type addressType uint8

const (
	typeUndefined addressType = iota // no identifier may stand here
	typeNone                         // only a protocol or direction was given
	typeHost
	typeNet
	typePort
	typePortRange
	typeProto
)

// qualifier is what stands before an identifier. An identifier without one
// takes that of the identifier before it: "port 80 or 443".
type qualifier struct {
	proto string // keyword, "" if none
	dir   direction
	typ   addressType
}

// parser is a recursive-descent parser of pcap-filter(7)'s grammar. It compiles
// while it reads, because vlan, mpls and pppoes change what follows them.
type parser struct {
	*generator
	lex   lexer
	tok   token // the next one, not yet taken
	depth int
}

// parsed is an operand whose kind only its inside can tell: "(80)" is a
// number, "(80 or 443)" identifiers, "(80 = 443)" a term.
type parsed struct {
	kind    parsedKind
	pred    *predicate // of gotTerm and gotID
	q       qualifier  // of gotTerm and gotID: what the next identifier takes over
	operand operand    // of gotNumber and gotArithmetic
}

type parsedKind uint8

const (
	gotTerm       parsedKind = iota
	gotID                    // identifiers, and-ed and or-ed
	gotNumber                // a number, in parentheses or not
	gotArithmetic            // any other arithmetic expression
)

func (p *parser) advance() (token, error) {
	taken := p.tok
	next, err := p.lex.next()
	p.tok = next
	return taken, err
}

// accept takes the next token if it is the word or operator given.
func (p *parser) accept(text string) (bool, error) {
	if !p.tok.is(text) {
		return false, nil
	}
	_, err := p.advance()
	return true, err
}

// expect takes the next token, which must be the word or operator given.
func (p *parser) expect(text string) error {
	if !p.tok.is(text) {
		return p.unexpected("'" + text + "'")
	}
	_, err := p.advance()
	return err
}

// unexpected refuses the next token.
func (p *parser) unexpected(wanted string) error {
	p.at = p.tok
	switch p.tok.kind {
	case tokEOF:
		return p.errorf("the expression ends where %s should follow", wanted)
	case tokForeign:
		return p.unsupported("'%s' is not supported here", p.tok.text)
	}
	return p.errorf("'%s' stands where %s should", p.tok.raw, wanted)
}

func (p *parser) enter() error {
	if p.depth++; p.depth > maxNesting {
		p.at = p.tok
		return p.errorf("nested more than %d deep", maxNesting)
	}
	return nil
}

// parse compiles the whole expression. The empty one accepts everything.
func (p *parser) parse() (*predicate, error) {
	if _, err := p.advance(); err != nil {
		return nil, err
	}
	if p.tok.kind == tokEOF {
		return p.vs.always(), nil
	}
	first, err := p.term()
	if err != nil {
		return nil, err
	}
	all, err := p.chain(first)
	if err != nil {
		return nil, err
	}
	if p.tok.kind != tokEOF {
		return nil, p.unexpected("'and' or 'or'")
	}
	return all.pred, nil
}

// term reads what an expression begins with: a bare identifier is none.
func (p *parser) term() (parsed, error) {
	t, err := p.operandOf(qualifier{})
	if err != nil {
		return parsed{}, err
	}
	return p.asTerm(t)
}

// asTerm makes a term of an operand: arithmetic must go on to a comparison,
// and a number can stand for an identifier.
func (p *parser) asTerm(t parsed) (parsed, error) {
	switch t.kind {
	case gotNumber, gotArithmetic:
		return p.comparison(t)
	default:
		return t, nil
	}
}

// chain reads "and" and "or" with their right operands. Both bind equally and
// to the left.
func (p *parser) chain(left parsed) (parsed, error) {
	for p.tok.is("and") || p.tok.is("or") {
		op, err := p.advance()
		if err != nil {
			return parsed{}, err
		}
		right, err := p.operandOf(left.q)
		if err != nil {
			return parsed{}, err
		}
		if right.kind == gotNumber && !p.arithmeticFollows() {
			right, err = p.number(right, left.q)
		} else {
			right, err = p.asTerm(right)
		}
		if err != nil {
			return parsed{}, err
		}
		if op.text == "and" {
			right.pred = and(left.pred, right.pred)
		} else {
			right.pred = or(left.pred, right.pred)
		}
		if left.kind == gotTerm {
			right.kind = gotTerm
		}
		left = right
	}
	return left, nil
}

// operandOf reads one operand of and, or and not; q qualifies it if it is an
// identifier.
func (p *parser) operandOf(q qualifier) (parsed, error) {
	switch {
	case p.tok.is("not"):
		return p.negation(q)
	case p.tok.is("("):
		return p.parenthesis(q)
	case p.tok.kind == tokNum:
		n, err := p.advance()
		return parsed{kind: gotNumber, operand: operand{value: p.vs.constant(n.num)}}, err
	case p.tok.is("-") || p.tok.is("len"):
		o, err := p.arithmetic()
		return parsed{kind: gotArithmetic, operand: o}, err
	case p.isIdentifier():
		if q.typ == typeUndefined {
			return parsed{}, p.unexpected("'host', 'port' or another keyword")
		}
		return p.identifier(q)
	}
	return p.primitive()
}

func (p *parser) isIdentifier() bool {
	switch p.tok.kind {
	case tokID, tokIPv4, tokIPv6, tokMAC:
		return true
	}
	return false
}

func (p *parser) negation(q qualifier) (parsed, error) {
	if err := p.enter(); err != nil {
		return parsed{}, err
	}
	defer func() { p.depth-- }()
	if _, err := p.advance(); err != nil {
		return parsed{}, err
	}
	t, err := p.operandOf(q)
	if err != nil {
		return parsed{}, err
	}
	if t.kind == gotNumber && !p.arithmeticFollows() {
		t, err = p.number(t, q)
	} else {
		t, err = p.asTerm(t)
	}
	if err != nil {
		return parsed{}, err
	}
	t.pred = not(t.pred)
	return t, nil
}

// parenthesis reads what is in parentheses, of whatever kind it is. What
// follows them takes over the qualifier from before them.
func (p *parser) parenthesis(q qualifier) (parsed, error) {
	if err := p.enter(); err != nil {
		return parsed{}, err
	}
	defer func() { p.depth-- }()
	if _, err := p.advance(); err != nil {
		return parsed{}, err
	}
	t, err := p.operandOf(q)
	if err != nil {
		return parsed{}, err
	}
	if t, err = p.inParenthesis(t, q); err != nil {
		return parsed{}, err
	}
	if err := p.expect(")"); err != nil {
		return parsed{}, err
	}
	t.q = q
	return t, nil
}

// inParenthesis goes on behind the first operand up to the closing bracket.
func (p *parser) inParenthesis(t parsed, q qualifier) (parsed, error) {
	var err error
	switch t.kind {
	case gotNumber, gotArithmetic:
		if p.arithmeticFollows() && !p.comparisonFollows() {
			o, err := p.arithmeticFrom(t.operand)
			if err != nil {
				return parsed{}, err
			}
			t = parsed{kind: gotArithmetic, operand: o}
		}
		switch {
		case p.comparisonFollows():
			t, err = p.comparison(t)
		case p.tok.is(")"):
			return t, nil
		case t.kind == gotNumber:
			t, err = p.number(t, q)
		default:
			return parsed{}, p.unexpected("a comparison")
		}
		if err != nil {
			return parsed{}, err
		}
	}
	return p.chain(t)
}
