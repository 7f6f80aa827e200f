package sqlnorm

import (
	"strconv"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// Append appends the normalised text of sql to dst and returns the extended
// slice, as the built-in append does. The two must not overlap; sql is read
// only and not kept. The text of a statement without any token is empty. Sql
// may hold several statements, separated by semicolons, and may be cut off
// anywhere.
//
// A password that was written without the quotes of a constant is a name here
// and stays; where [MayHoldSecret] says so, normalise what [Redact] returns.
//
// A constant of one byte becomes a parameter of several, so the text of a
// statement made of nothing else is a small multiple of its length; that of
// ordinary SQL is shorter.
func Append(dst, sql []byte) []byte { return AppendIn(dst, sql, false) }

// AppendIn is [Append] for a text in which backslashes in plain constants are
// escapes, as the server reported by standard_conforming_strings, or are not.
func AppendIn(dst, sql []byte, escapes bool) []byte {
	n := normalizer{start: len(dst)}
	n.Escapes = escapes
	out := n.run(dst, sql)
	if !n.params || n.literals == 0 && !n.squashed {
		return out // no parameter gets in the way of another
	}
	if n.marks.complete() {
		return n.numberAgain()
	}
	again := normalizer{start: len(dst), number: n.highest}
	again.Escapes = escapes
	if n.squashed {
		again.number, again.renumber = 0, true
	}
	return again.run(out[:len(dst)], sql)
}

// Limits of parameters' numbers. The protocol can bind 65,535 parameters, the
// server reads numbers up to an int32.
const (
	maxParam  = 1<<31 - 1 // constants are not numbered after what exceeds it
	maxNumber = 1 << 40   // what exceeds it is written as this
)

// before is the class of the token that was written last. It decides the space
// before the next one and whether that begins an operand.
type before uint8

const (
	beforeNothing  before = iota
	beforeIdent           // names and the words that end an operand
	beforeSpaced          // those of them that a parenthesis stands apart from
	beforeKeyword         // words that an operand follows
	beforeConstant        // constants and parameters
	beforeOperator
	beforeDot
	beforeColon
	beforeCast
	beforeComma
	beforeOpen // both kinds
	beforeClose
	beforeOther
)

// operandEnded tells whether the token before ends an operand, so that a sign
// is an operator and NULL a word of a clause.
func (b before) operandEnded() bool {
	return b == beforeIdent || b == beforeSpaced || b == beforeConstant || b == beforeClose
}

// normalizer is the state of one pass over a statement.
type normalizer struct {
	sqltext.Lexer
	dst   []byte
	start int // where the normalised text starts in dst

	before    before
	word      wordClass // class of the word before, if a word was before
	afterIs   bool      // the word before is the NOT of IS NOT
	semicolon bool      // one is to be written if anything follows

	// A minus that began an operand is undone if a number follows.
	minusAt     int // its place in dst; -1: not before
	minusBefore before

	renumber bool // all parameters are numbered in order of appearance
	number   int  // the last number given
	literals int  // how many constants were replaced
	params   bool // the statement has parameters
	highest  int  // the highest of them
	squashed bool // a list was cut short

	lists lists
	marks marks
	kept  kept
}

// run normalises sql and returns dst with the text.
func (n *normalizer) run(dst, sql []byte) []byte {
	n.dst, n.Src, n.Pos, n.minusAt = dst, sql, 0, -1
	for {
		t := n.Next()
		if t.Kind == sqltext.EOF {
			break
		}
		n.token(t)
	}
	n.dropUnfinished()
	return n.dst
}

// token writes one token.
func (n *normalizer) token(t sqltext.Token) {
	if n.lists.n > 0 && n.lists.inRows() && !n.rowsGoOn(t) {
		n.leaveRows()
	}
	minusAt := n.minusAt
	n.minusAt = -1
	stays := n.kept.next(t, &n.Lexer)
	switch t.Kind {
	case sqltext.Word:
		n.writeWord(n.Src[t.Start:t.End], stays)
	case sqltext.String:
		n.constant()
	case sqltext.Number:
		if stays {
			n.space(sqltext.Param)
			n.dst = append(n.dst, n.Src[t.Start:t.End]...)
			n.before, n.word = beforeConstant, wordPlain
			return
		}
		if minusAt >= 0 { // the sign belongs to the constant
			n.dst, n.before = n.dst[:minusAt], n.minusBefore
		}
		n.constant()
	case sqltext.Param:
		n.param(n.Src[t.Start+1 : t.End])
	case sqltext.Comma:
		n.endItem()
		n.write(t, beforeComma)
		n.startItem()
	case sqltext.Semicolon:
		n.semicolon = n.semicolon || len(n.dst) > n.start
	case sqltext.Open, sqltext.OpenBracket:
		n.open(t)
	case sqltext.Close, sqltext.CloseBracket:
		n.close(t)
	case sqltext.Operator:
		n.operator(t)
	case sqltext.Dots:
		n.write(t, beforeOther)
		n.endRow()
	default:
		n.write(t, writtenAs[t.Kind])
	}
}

// writtenAs says what a token that is written as it is leaves behind.
var writtenAs = [...]before{
	sqltext.QuotedIdent: beforeIdent,
	sqltext.Dot:         beforeDot,
	sqltext.Colon:       beforeColon,
	sqltext.Cast:        beforeCast,
	sqltext.Other:       beforeOther,
}

// write writes a token as it is.
func (n *normalizer) write(t sqltext.Token, b before) {
	n.space(t.Kind)
	n.dst = append(n.dst, n.Src[t.Start:t.End]...)
	n.before, n.word = b, wordPlain
}

// operator writes an operator, and remembers a minus that is a sign.
func (n *normalizer) operator(t sqltext.Token) {
	n.flushSemicolon()
	if t.End == t.Start+1 && n.Src[t.Start] == '-' && !n.before.operandEnded() {
		n.minusAt, n.minusBefore = len(n.dst), n.before
	}
	n.write(t, beforeOperator)
}

// writeWord writes a word in lower case, or replaces it if it is a constant and no
// label.
func (n *normalizer) writeWord(w []byte, label bool) {
	n.flushSemicolon()
	mark := len(n.dst)
	n.space(sqltext.Word)
	at := len(n.dst)
	n.dst = sqltext.AppendLower(n.dst, w)
	c := wordPlain
	if n.before != beforeDot { // a name after a dot is never a keyword
		c = classify(n.dst[at:])
	}
	if (c == wordBool || c == wordNull) && !label && n.isConstant(c) {
		n.dst = n.dst[:mark]
		n.constant()
		return
	}
	n.afterIs = c == wordNot && n.word == wordIs
	n.before, n.word = beforeKeyword, c
	switch c {
	case wordPlain, wordArray, wordBool, wordNull:
		n.before = beforeIdent
	case wordSpaced:
		n.before = beforeSpaced
	case wordValues:
		n.enterRows()
	}
}

// isConstant tells a constant true, false or null from the same word in IS NOT
// TRUE, NOT NULL, ON NULL INPUT, SET NULL and the like.
func (n *normalizer) isConstant(c wordClass) bool {
	switch {
	case n.before.operandEnded(), n.word == wordIs, n.word == wordNot && n.afterIs:
		return false
	case c == wordNull:
		return n.word != wordNot && n.word != wordOn
	}
	return true
}

// constant writes a new parameter in the place of a constant.
func (n *normalizer) constant() {
	n.literals++
	n.number++
	n.writeParam(n.number, true)
}

// param writes a parameter of the statement.
func (n *normalizer) param(digits []byte) {
	number := 0
	for _, c := range digits {
		number = min(number*10+int(c-'0'), maxNumber)
	}
	n.params = true
	if number <= maxParam {
		n.highest = max(n.highest, number)
	}
	if n.renumber {
		n.number++
		number = n.number
	}
	n.writeParam(number, false)
}

func (n *normalizer) writeParam(number int, literal bool) {
	n.space(sqltext.Param)
	n.marks.add(len(n.dst), literal)
	n.dst = append(n.dst, '$')
	n.dst = strconv.AppendInt(n.dst, int64(number), 10)
	n.before, n.word = beforeConstant, wordPlain
}

// flushSemicolon writes the semicolon that separates two statements, now that
// the second begins.
func (n *normalizer) flushSemicolon() {
	if n.semicolon {
		n.dst = append(n.dst, ';')
		n.semicolon = false
		n.before, n.word = beforeOther, wordPlain
	}
}

// space writes what separates the next token from the one before. Two tokens
// stand together only where they cannot be read as one.
func (n *normalizer) space(next sqltext.Kind) {
	if n.semicolon {
		n.flushSemicolon()
	}
	if together[n.before]&(1<<next) == 0 {
		n.dst = append(n.dst, ' ')
	}
}

// Sets of kinds of tokens that follow without a space.
const (
	closing      = 1<<sqltext.Comma | 1<<sqltext.Close | 1<<sqltext.CloseBracket // whatever is before
	afterOperand = closing | 1<<sqltext.OpenBracket | 1<<sqltext.Dot | 1<<sqltext.Colon | 1<<sqltext.Cast
	afterColon   = closing | 1<<sqltext.Word | 1<<sqltext.QuotedIdent | 1<<sqltext.Param
	everything   = 1<<(sqltext.Other+1) - 1
)

// together has, for what is before, the set of what follows without a space.
var together = [...]uint32{
	beforeNothing:  everything,
	beforeIdent:    afterOperand | 1<<sqltext.Open,
	beforeSpaced:   afterOperand,
	beforeKeyword:  closing,
	beforeConstant: afterOperand,
	beforeOperator: closing,
	beforeDot:      afterColon | 1<<sqltext.Operator,
	beforeColon:    afterColon,
	beforeCast:     afterColon,
	beforeComma:    closing,
	beforeOpen:     everything,
	beforeClose:    afterOperand,
	beforeOther:    closing,
}
