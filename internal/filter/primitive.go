package filter

// isProtocol tells whether a word names a protocol and so can qualify what
// follows it.
func isProtocol(word string) bool {
	switch word {
	case "ip", "ip6", "arp", "rarp", "link":
		return true
	}
	_, ok := abbreviations[word]
	return ok
}

// primitive reads a term that begins with a keyword.
func (p *parser) primitive() (parsed, error) {
	if p.tok.kind != tokWord {
		return parsed{}, p.unexpected("a test")
	}
	p.at = p.tok
	word := p.tok.text
	q := qualifier{typ: typeNone}
	if isProtocol(word) {
		if _, err := p.advance(); err != nil {
			return parsed{}, err
		}
		if p.tok.is("[") {
			o, err := p.accessFrom(word)
			return parsed{kind: gotArithmetic, operand: o}, err
		}
		q.proto = word
		word = ""
		if p.tok.kind == tokWord {
			word = p.tok.text
		}
	}
	switch word {
	case "src", "dst", "host", "net", "port", "portrange", "proto":
		return p.qualified(q)
	case "broadcast", "multicast":
		return p.cast(q.proto)
	}
	if q.proto != "" {
		pred, err := p.abbreviation(q.proto)
		return parsed{pred: pred}, err
	}
	pred, err := p.standalone(word)
	return parsed{pred: pred}, err
}

func (p *parser) cast(proto string) (parsed, error) {
	t, err := p.advance()
	if err != nil {
		return parsed{}, err
	}
	p.at = t
	pred, err := p.broadcastOrMulticast(t.text, proto)
	return parsed{pred: pred}, err
}

func (g *generator) broadcastOrMulticast(word, proto string) (*predicate, error) {
	if word == "broadcast" {
		return g.broadcast(proto)
	}
	return g.multicast(proto)
}

// standalone reads the keywords that take no qualifier.
func (p *parser) standalone(word string) (*predicate, error) {
	first, err := p.advance()
	if err != nil {
		return nil, err
	}
	p.at = first
	switch word {
	case "less", "greater", "ifindex":
		if p.tok.kind != tokNum {
			return nil, p.unexpected("a number")
		}
		n, err := p.advance()
		if err != nil {
			return nil, err
		}
		switch word {
		case "less":
			return not(p.vs.compare(relGreater, p.vs.length(), p.vs.constant(n.num))), nil
		case "greater":
			return p.vs.compare(relGreaterOrEqual, p.vs.length(), p.vs.constant(n.num)), nil
		}
		return p.interfaceIndex(n.num)
	case "inbound", "outbound":
		pred, err := p.outgoing()
		if err == nil && word == "inbound" {
			pred = not(pred)
		}
		return pred, err
	case "pppoed":
		return p.networkType(etherPPPoED)
	case "vlan", "mpls", "pppoes":
		n, has, err := p.optionalNumber()
		if err != nil {
			return nil, err
		}
		switch word {
		case "vlan":
			return p.vlan(n, has)
		case "mpls":
			return p.mpls(n, has)
		}
		return p.pppoes(n, has)
	}
	return nil, p.errorf("'%s' cannot begin a test", first.raw)
}

// optionalNumber reads the number that may follow vlan, mpls and pppoes, in
// parentheses or not.
func (p *parser) optionalNumber() (n uint32, has bool, err error) {
	brackets := 0
	for p.tok.is("(") {
		if brackets++; brackets > maxNesting {
			return 0, false, p.unexpected("a number")
		}
		if _, err := p.advance(); err != nil {
			return 0, false, err
		}
	}
	if p.tok.kind != tokNum {
		if brackets > 0 {
			return 0, false, p.unexpected("a number")
		}
		return 0, false, nil
	}
	t, err := p.advance()
	if err != nil {
		return 0, false, err
	}
	for range brackets {
		if err := p.expect(")"); err != nil {
			return 0, false, err
		}
	}
	return t.num, true, nil
}

// qualified reads the rest of a qualifier and the identifier behind it.
func (p *parser) qualified(q qualifier) (parsed, error) {
	if p.tok.is("src") || p.tok.is("dst") {
		var err error
		if q.dir, err = p.direction(); err != nil {
			return parsed{}, err
		}
	}
	types := map[string]addressType{
		"host": typeHost, "net": typeNet, "port": typePort, "portrange": typePortRange, "proto": typeProto,
	}
	if t, ok := types[p.tok.text]; ok && p.tok.kind == tokWord {
		if t == typeProto && q.dir != dirEither {
			return parsed{}, p.unexpected("'host', 'net', 'port' or an address")
		}
		q.typ = t
		if _, err := p.advance(); err != nil {
			return parsed{}, err
		}
	}
	t, err := p.identifierOrGroup(q)
	t.kind, t.q = gotTerm, q
	return t, err
}

// direction reads src, dst or both.
func (p *parser) direction() (direction, error) {
	first, err := p.advance()
	if err != nil {
		return 0, err
	}
	if p.tok.is("and") || p.tok.is("or") {
		op, err := p.advance()
		if err != nil {
			return 0, err
		}
		other := "dst"
		if first.text == "dst" {
			other = "src"
		}
		if err := p.expect(other); err != nil {
			return 0, err
		}
		if op.text == "and" {
			return dirBoth, nil
		}
		return dirEither, nil
	}
	if first.text == "src" {
		return dirSource, nil
	}
	return dirDestination, nil
}

// identifierOrGroup reads what a qualifier must be followed by.
func (p *parser) identifierOrGroup(q qualifier) (parsed, error) {
	if !p.isIdentifier() && p.tok.kind != tokNum && !p.tok.is("(") && !p.tok.is("not") {
		return parsed{}, p.unexpected("a name, number or address")
	}
	at := p.tok
	t, err := p.operandOf(q)
	switch {
	case err != nil:
		return parsed{}, err
	case t.kind == gotNumber:
		return p.number(t, q)
	case t.kind == gotID:
		return t, nil
	}
	p.at = at
	return parsed{}, p.errorf("a name, number or address should stand here, not a test")
}

// number compiles a bare number.
func (p *parser) number(t parsed, q qualifier) (parsed, error) {
	pred, err := p.byNumber(t.operand.value.k, q)
	return parsed{kind: gotID, pred: pred, q: q}, err
}

// identifier reads and compiles a name or address.
func (p *parser) identifier(q qualifier) (parsed, error) {
	id, err := p.advance()
	if err != nil {
		return parsed{}, err
	}
	p.at = id
	var pred *predicate
	switch id.kind {
	case tokID:
		pred, err = p.byName(id.text, q)
	case tokMAC:
		pred, err = p.etherHost(parseMAC(id.text), q)
	case tokIPv4:
		pred, err = p.ipv4Identifier(id.text, q)
	case tokIPv6:
		pred, err = p.ipv6Identifier(id.text, q)
	}
	return parsed{kind: gotID, pred: pred, q: q}, err
}
