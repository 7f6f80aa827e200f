package filter

import (
	"fmt"
	"math"
)

// DefaultSnaplen is what an accepting program returns where no length is
// given: as much of any packet as tcpdump keeps.
const DefaultSnaplen = 262144

// CompileOptions say for what a program is, where it is not for the packets of
// an ordinary file.
type CompileOptions struct {
	// VLANAux makes a program for a packet socket of Linux, whose kernel takes
	// the outermost VLAN tag off each packet and keeps it beside: vlan asks the
	// kernel for it, and inbound, outbound and ifindex work on every link layer.
	// Only the kernel can run such a program; Match refuses what needs its help.
	VLANAux bool
	// BigEndian tells that a file of link type NULL was written by a big-endian
	// host, as the byte order of its header shows.
	BigEndian bool
}

// generator compiles tests. Its link moves while the expression is read.
type generator struct {
	vs      *values
	sys     *system
	opts    CompileOptions
	expr    string
	at      token // what is being compiled, for errors
	link    link
	tag     tagPlace
	sawVLAN bool
}

// errorf refuses the token that is being compiled.
func (g *generator) errorf(format string, args ...any) error {
	return &SyntaxError{Expr: g.expr, Pos: g.at.pos, Token: g.at.raw, Msg: fmt.Sprintf(format, args...)}
}

// unsupported refuses what tcpdump would compile.
func (g *generator) unsupported(format string, args ...any) error {
	return &SyntaxError{
		Expr: g.expr, Pos: g.at.pos, Token: g.at.raw,
		Msg: fmt.Sprintf(format, args...), Hint: hintDDD,
	}
}

// Compile compiles an expression of pcap-filter(7) for packets of a file with
// the given LINKTYPE_ number. The program returns snaplen for what it accepts,
// DefaultSnaplen if that is 0 or less. Names are looked up while compiling:
// hosts with the system's resolver, the others in /etc. Errors are of type
// *SyntaxError.
func Compile(expr string, linkType uint16, snaplen int) (*Program, error) {
	return CompileWith(expr, linkType, snaplen, CompileOptions{})
}

// CompileWith is Compile with options.
func CompileWith(expr string, linkType uint16, snaplen int, opts CompileOptions) (*Program, error) {
	return compile(expr, linkType, snaplen, opts, &realSystem)
}

func compile(expr string, linkType uint16, snaplen int, opts CompileOptions, sys *system) (*Program, error) {
	start, ok := newLink(linkType)
	if !ok {
		return nil, &SyntaxError{
			Expr: expr, Hint: hintDDD,
			Msg: fmt.Sprintf("filters for link type %d are not supported: "+
				"there are Ethernet, raw IP, BSD loopback and Linux cooked captures", linkType),
		}
	}
	if len(expr) > maxExpression {
		return nil, &SyntaxError{
			Msg: fmt.Sprintf("an expression of %d bytes is too long: at most %d are compiled", len(expr), maxExpression),
		}
	}
	if snaplen <= 0 || snaplen > math.MaxInt32 {
		snaplen = DefaultSnaplen
	}
	g := generator{vs: newValues(), sys: sys, opts: opts, expr: expr, link: start}
	accept, reject := &block{accepts: true}, &block{}
	root, err := g.graph(accept, reject)
	if err != nil {
		return nil, err
	}
	if root = optimize(root); g.vs.certainly(root) == reject {
		return nil, &SyntaxError{Expr: expr, Msg: "no packet can ever match this"}
	}
	code, ok := emit(g.vs.simplify(root), uint32(snaplen))
	if !ok {
		return nil, &SyntaxError{Expr: expr, Msg: "an arithmetic expression is too deep for the filter machine"}
	}
	return newProgram(code)
}

// graph compiles the expression, twice where the place of a VLAN tag makes a
// difference.
func (g *generator) graph(accept, reject *block) (*block, error) {
	inPacket := *g
	p := parser{generator: &inPacket, lex: lexer{expr: g.expr}}
	pred, err := p.parse()
	if err != nil {
		return nil, err
	}
	if !inPacket.sawVLAN || !g.opts.VLANAux {
		return graph(pred, accept, reject), nil
	}
	inKernel := *g
	inKernel.tag = tagInKernel
	p = parser{generator: &inKernel, lex: lexer{expr: g.expr}}
	stripped, err := p.parse()
	if err != nil {
		return nil, err
	}
	tagged := g.vs.equal(g.vs.load(kernelVLANTagged, 4), 1)
	return graph(tagged, graph(stripped, accept, reject), graph(pred, accept, reject)), nil
}
