package replication

import (
	"strings"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// ParseCommand reads a command as the server's own grammar does (repl_scanner.l
// and repl_gram.y in PostgreSQL's source, of versions 9.4 to 19): keywords are in
// upper case. ok is false for text that is none, or that ends early; what was
// read of it is set.
func ParseCommand(sql string) (c Command, ok bool) {
	l := lexer{s: sql}
	first := l.next()
	if first.kind != tokenWord {
		return c, false
	}
	for k := CommandIdentifySystem; k <= CommandUploadManifest; k++ {
		if first.text == k.String() {
			c.Kind = k
		}
	}
	p := parser{l: l, c: &c}
	p.advance()
	switch c.Kind {
	case CommandNone:
		return c, false
	case CommandIdentifySystem, CommandUploadManifest:
	case CommandShow:
		p.setting()
	case CommandTimelineHistory:
		c.Timeline = p.number()
	case CommandCreateReplicationSlot:
		p.createSlot()
	case CommandAlterReplicationSlot:
		c.Slot = p.name()
		p.options(tokenOpen)
	case CommandReadReplicationSlot:
		c.Slot = p.name()
	case CommandDropReplicationSlot:
		c.Slot = p.name()
		c.Wait = p.keyword("WAIT")
	case CommandStartReplication:
		p.start()
	case CommandBaseBackup:
		p.backup()
	}
	if p.t.kind == tokenSemicolon {
		p.advance()
	}
	return c, !p.failed && p.t.kind == tokenEnd
}

// maxOptions bounds a list of options; a command has some ten.
const maxOptions = 64

// parser has one token to look at.
type parser struct {
	l      lexer
	t      token
	c      *Command
	failed bool
}

func (p *parser) advance() { p.t = p.l.next() }

// keyword takes a word if it is the next.
func (p *parser) keyword(w string) bool {
	if p.t.kind != tokenWord || p.t.text != w {
		return false
	}
	p.advance()
	return true
}

// name takes an identifier: unless it is quoted, with its letters of ASCII in lower case.
func (p *parser) name() string {
	s := p.t.text
	switch p.t.kind {
	case tokenWord:
		s = string(sqltext.AppendLower(nil, []byte(s)))
	case tokenIdentifier:
	default:
		p.failed = true
		return ""
	}
	p.advance()
	return s
}

func (p *parser) number() uint32 {
	if p.t.kind != tokenWord {
		p.failed = true
		return 0
	}
	v, ok := parseUint32(p.t.text)
	p.failed = p.failed || !ok
	p.advance()
	return v
}

func parseUint32(s string) (uint32, bool) {
	var v uint64
	for i := range len(s) {
		if !digit(s[i]) || i > 9 {
			return 0, false
		}
		v = v*10 + uint64(s[i]-'0')
	}
	return uint32(v), s != "" && v <= 1<<32-1
}

// setting takes a name with dots in it.
func (p *parser) setting() {
	p.c.Setting = p.name()
	for p.t.kind == tokenDot {
		p.advance()
		p.c.Setting += "." + p.name()
	}
}

func (p *parser) createSlot() {
	c := p.c
	c.Slot = p.name()
	c.Temporary = p.keyword("TEMPORARY")
	switch {
	case p.keyword("PHYSICAL"):
	case p.keyword("LOGICAL"):
		c.Logical = true
		c.Plugin = p.name()
	default:
		p.failed = true
	}
	if p.t.kind == tokenOpen {
		p.options(tokenOpen)
		return
	}
	p.words("EXPORT_SNAPSHOT", "NOEXPORT_SNAPSHOT", "USE_SNAPSHOT", "RESERVE_WAL", "TWO_PHASE")
}

// words takes options of the older syntax that are words alone.
func (p *parser) words(known ...string) {
	for p.t.kind == tokenWord && !p.failed {
		found := false
		for _, w := range known {
			found = found || p.t.text == w
		}
		if !found {
			return
		}
		p.add(Option{Name: strings.ToLower(p.t.text)})
		p.advance()
	}
}

func (p *parser) add(o Option) {
	if len(p.c.Options) == maxOptions {
		p.failed = true
		return
	}
	p.c.Options = append(p.c.Options, o)
}

func (p *parser) start() {
	c := p.c
	if p.keyword("SLOT") {
		c.Slot = p.name()
	}
	if p.keyword("LOGICAL") {
		c.Logical = true
	} else {
		p.keyword("PHYSICAL")
	}
	if p.t.kind == tokenWord {
		c.Start, c.HasStart = ParseLSN(p.t.text)
	}
	p.failed = p.failed || !c.HasStart
	p.advance()
	if p.keyword("TIMELINE") {
		c.Timeline = p.number()
	}
	if p.t.kind == tokenOpen {
		p.options(tokenOpen)
	}
}

// backup takes the options of BASE_BACKUP: a list in parentheses, or the words of
// servers before PostgreSQL 15.
func (p *parser) backup() {
	if p.t.kind == tokenOpen {
		p.options(tokenOpen)
		return
	}
	for p.t.kind == tokenWord && !p.failed {
		o := Option{Name: strings.ToLower(p.t.text)}
		switch p.t.text {
		case "LABEL", "MAX_RATE", "MANIFEST", "MANIFEST_CHECKSUMS":
			p.advance()
			o.Value, o.HasValue = p.value()
			p.failed = p.failed || !o.HasValue
		case "PROGRESS", "FAST", "WAL", "NOWAIT", "TABLESPACE_MAP", "NOVERIFY_CHECKSUMS":
			p.advance()
		default:
			return
		}
		p.add(o)
	}
}

// options takes a list in parentheses.
func (p *parser) options(open tokenKind) {
	if p.t.kind != open {
		p.failed = true
		return
	}
	p.advance()
	for !p.failed {
		o := Option{Name: p.optionName()}
		o.Value, o.HasValue = p.value()
		p.add(o)
		switch p.t.kind {
		case tokenComma:
			p.advance()
		case tokenClose:
			p.advance()
			return
		default:
			p.failed = true
		}
	}
}

// optionName takes the name of an option; in upper case, as clients write the
// options of commands, it is the same as in lower case.
func (p *parser) optionName() string { return p.name() }

// value takes the value of an option, if there is one.
func (p *parser) value() (v string, ok bool) {
	switch p.t.kind {
	case tokenWord, tokenIdentifier, tokenString:
		v = p.t.text
		p.advance()
		return v, true
	}
	return "", false
}
