package sqlnorm

import (
	"bytes"

	"github.com/pgsniff/pgsniff/internal/sqltext"
)

// command is what the redactor knows of the statement that it is in, from the
// tokens so far.
type command struct {
	words int
	meta  bool   // it is one of psql's own, or no command at all
	slash bool   // a backslash, or another sign, stands before its first word
	verb  []byte // its first word
	kind  commandKind
	data  bool // it deals with rows: what it names are columns
	depth int  // of parentheses
	code  bool // DO, or CREATE of a function
	// takes tells that constants in it are secrets: COPY … PROGRAM, IDENTIFIED BY.
	takes     bool
	mention   bool // it names a secret
	constants bool // it has a constant
	options   bool // the options of a role are due
	call      callState
	setting   setState
	items     items
	plain     bool // what the token at hand names is no secret: see besideNumber

	named namedState
	last  sqltext.Kind // the token before
	lead  sqltext.Kind // the one before the name that goes on with the token before
	word  []byte       // the token before, if it is a word or a quoted name
}

type commandKind uint8

const (
	kindOther   commandKind = iota
	kindRole                // CREATE or ALTER of a role, user or group
	kindMapping             // of user mappings, subscriptions, servers, foreign tables; of what is not known
)

// setState is where in SET name = value the statement is.
type setState uint8

const (
	setNone    setState = iota
	setName             // the name is due
	setSecret           // it was a secret's
	setOther            // it was not
	setToValue          // the values of a secret are due
)

// callState is where in set_config('name', or current_setting('name', the statement is.
type callState uint8

const (
	callNone callState = iota
	callSetConfig
	callName
	callSetting
	callRead // its name is due
)

// namedState is where behind the name of a secret the statement is.
type namedState uint8

const (
	namedNone   namedState = iota
	namedName              // right behind it
	namedBeside            // behind what gives it a value
)

// follow takes note of a token that was dealt with. It reports whether it shows
// that the text takes a secret.
func (s *command) follow(t sqltext.Token, text []byte, nesting int) (takes bool) {
	before := s.named
	if s.last != sqltext.Dot && t.Kind != sqltext.Dot {
		s.lead = s.last
	}
	switch t.Kind {
	case sqltext.Word:
		takes = s.followWord(text, nesting)
	case sqltext.QuotedIdent:
		takes = s.followName(text)
	case sqltext.Open:
		s.items.open(s)
		s.depth++
		s.beside()
	case sqltext.Close:
		s.depth = max(s.depth-1, 0)
		s.named = namedNone
	case sqltext.Operator, sqltext.Other:
		s.beside()
	case sqltext.String, sqltext.Number:
		s.constants = s.constants || t.Kind == sqltext.String
		s.named = namedNone
		if s.setting == setSecret {
			s.setting = setToValue
		}
	case sqltext.Comma:
		s.named = namedNone
		s.items.comma(s)
	case sqltext.Param, sqltext.Cast:
		s.named = namedNone
	}
	switch t.Kind {
	case sqltext.Operator, sqltext.Other:
		switch {
		case s.setting == setSecret:
			s.setting = setToValue
		case s.setting == setOther:
			s.setting = setNone
		}
	}
	if s.data && before == namedName {
		switch t.Kind {
		case sqltext.Operator, sqltext.Other, sqltext.String, sqltext.Number, sqltext.Param, sqltext.Open, sqltext.Close:
			takes = true
		case sqltext.Word:
			takes = takes || s.named == namedBeside && !sqltext.EqualFold(text, "is") && !sqltext.EqualFold(text, "for")
		}
	}
	s.call = s.call.after(t.Kind)
	s.last = t.Kind
	s.word = nil
	if t.Kind == sqltext.Word || t.Kind == sqltext.QuotedIdent {
		s.word = text
	}
	return takes || !s.data && s.mention && s.constants
}

func (c callState) after(k sqltext.Kind) callState {
	switch {
	case c == callNone:
		return c
	case k == sqltext.Word, (k == sqltext.Operator || k == sqltext.Other) && (c == callName || c == callRead):
		return c // the name itself, or that of the argument: setting_name => …
	case k == sqltext.Open && c == callSetConfig:
		return callName
	case k == sqltext.Open && c == callSetting:
		return callRead
	}
	return callNone
}

func (s *command) beside() {
	if s.named != namedNone {
		s.named = namedBeside
	}
}

func (s *command) followWord(w []byte, nesting int) (takes bool) {
	if nesting > 0 {
		switch {
		case sqltext.EqualFold(w, "begin"), sqltext.EqualFold(w, "then"), sqltext.EqualFold(w, "else"), sqltext.EqualFold(w, "loop"), sqltext.EqualFold(w, "declare"):
			*s = command{mention: s.mention, constants: s.constants} // PL/pgSQL: a statement begins
			return false
		}
	}
	s.words++
	s.classify(w)
	s.items.word(s, w)
	s.meta = s.meta && nesting == 0
	if sqltext.EqualFold(w, "identified") && !s.data {
		s.named, s.takes = namedName, true
		return false
	}
	if s.named != namedNone && (inSet(besideWords, w) || sqltext.EqualFold(w, "from") && sqltext.EqualFold(s.word, "distinct")) {
		s.named = namedBeside
		if s.setting == setSecret {
			s.setting = setToValue
		}
		return false
	}
	if !s.data && sqltext.EqualFold(w, "set") && s.depth == 0 {
		s.setting, s.options = setName, false
		s.named = namedNone
		return false
	}
	return s.followName(w)
}

// followName looks at a name, or a word that may be one.
func (s *command) followName(w []byte) (takes bool) {
	secret := !(s.plain && s.data) && namesSecret(w) || s.last == sqltext.Dot && sqltext.EqualFold(s.verb, "show") && secretPart(w)
	switch {
	case s.setting == setName || s.setting >= setSecret && s.setting <= setOther && s.last == sqltext.Dot:
		switch {
		case s.last != sqltext.Dot && (sqltext.EqualFold(w, "local") || sqltext.EqualFold(w, "session") || sqltext.EqualFold(w, "global")):
		case secret || s.last == sqltext.Dot && secretPart(w) || sqltext.EqualFold(s.verb, "alter") && commandSetting(w):
			s.setting, secret = setSecret, true
		case s.setting != setSecret:
			s.setting = setOther
		}
	case s.setting == setSecret:
		s.setting = setToValue
	case s.setting == setOther:
		s.setting = setNone
	}
	if !secret {
		s.named = namedNone
		return false
	}
	s.mention = true
	if s.kind == kindRole && s.words == 3 && !s.data {
		s.named = namedNone // a role's own name
		return false
	}
	s.named = namedName
	if !s.data {
		return false
	}
	switch s.lead {
	case sqltext.Operator, sqltext.Other, sqltext.String, sqltext.Number, sqltext.Param, sqltext.Close, sqltext.Cast:
		return true
	}
	target := sqltext.EqualFold(s.verb, "update") && s.words <= 3 && s.setting == setNone // UPDATE public.api_tokens
	return s.depth > 0 || target || sqltext.EqualFold(s.verb, "insert") || sqltext.EqualFold(s.word, "as")
}

// commandSetting tells whether a setting of the server's own holds a secret though its name
// does not say so: a command, or how a standby comes to its primary, rightly written or not.
func commandSetting(w []byte) bool {
	const primary = "primary_"
	name := bytes.Trim(w, `"`)
	return hasSuffixFold(w, "_command") ||
		len(name) > len(primary) && sqltext.EqualFold(name[:len(primary)], primary) && !sqltext.EqualFold(name, "primary_slot_name")
}

func hasSuffixFold(w []byte, suffix string) bool {
	w = bytes.TrimSuffix(w, []byte(`"`))
	return len(w) >= len(suffix) && sqltext.EqualFold(w[len(w)-len(suffix):], suffix)
}

// classify finds out from its first words what a statement is.
func (s *command) classify(w []byte) {
	switch {
	case s.words == 1:
		s.verb = w
		s.code = sqltext.EqualFold(w, "do")
		define := sqltext.EqualFold(w, "create") || sqltext.EqualFold(w, "alter")
		s.slash = s.last == sqltext.Other
		s.meta = s.slash || !define && lookupOperation(w) == ""
		s.data = !define && !sqltext.EqualFold(w, "set") && !sqltext.EqualFold(w, "grant") && lookupOperation(w) != "" && !s.code
		if sqltext.EqualFold(w, "set") {
			s.depth = 0
		}
	case sqltext.EqualFold(s.verb, "create") || sqltext.EqualFold(s.verb, "alter"):
		s.classifyObject(w)
	case sqltext.EqualFold(s.verb, "copy"):
		s.takes = s.takes || sqltext.EqualFold(w, "program")
	}
}

func (s *command) classifyObject(w []byte) {
	switch {
	case sqltext.EqualFold(w, "function") || sqltext.EqualFold(w, "procedure"):
		s.code = s.code || s.words <= 4
	case s.kind == kindRole && s.words == 3 && sqltext.EqualFold(w, "mapping"):
		s.kind, s.options = kindMapping, false
	case s.words == 2:
		switch {
		case sqltext.EqualFold(w, "role") || sqltext.EqualFold(w, "group") || sqltext.EqualFold(w, "user"):
			s.kind, s.options = kindRole, true
		case !inSet(knownObjects, w):
			s.kind = kindMapping
		}
	}
}

// constant tells whether a constant that comes now is a secret because of what the
// statement is.
func (s *command) constant() bool {
	return (s.kind != kindOther || s.takes) && !s.harmless() || s.setting == setSecret || s.setting == setToValue ||
		s.mention && sqltext.EqualFold(s.verb, "notify")
}

// secret tells whether a constant that comes now is one because of the names in
// the statement.
func (s *command) secret() bool {
	return s.named != namedNone || s.mention && !s.data
}

// harmless tells whether a constant that comes now is one that may be shown.
func (s *command) harmless() bool {
	return !s.data && s.word != nil && inSet(harmlessOptions, bytes.Trim(s.word, `"`)) && s.setting == setNone
}

// holdsCode tells whether what is in dollar quotes now is code.
func (s *command) holdsCode() bool {
	return s.code || sqltext.EqualFold(s.word, "execute")
}

// redactsNumber tells whether a number is redacted in a text that takes secrets.
func (s *command) redactsNumber(number []byte) bool {
	const small = 4 // digits of what may be a PIN
	switch {
	case s.setting == setToValue, s.named != namedNone:
		return true
	case inSet(numberWords, s.word), inSet(harmlessOptions, s.word):
		return false
	}
	return s.kind == kindRole || len(number) >= small
}

// redactsQuoted tells whether a quoted name is redacted in a text that takes
// secrets, since it is meant to be a constant. next is the byte behind it.
func (s *command) redactsQuoted(name []byte, next byte, library bool) bool {
	switch {
	case s.last == sqltext.Dot || next == '.' || next == '(':
		return false
	case s.setting == setToValue:
		return true
	case s.data && library && s.last != sqltext.Open:
		return s.word == nil || !inSet(placeWords, s.word)
	case s.data:
		return s.named == namedBeside && s.last != sqltext.Open
	case s.kind == kindRole:
		return s.named != namedNone && s.words > 2
	}
	return s.named != namedNone
}

type bareState uint8

const (
	bareNone   bareState = iota
	bareSecret           // it is redacted
	bareRest             // and all that follows
)

// bareWord tells whether a word that is not quoted stands where a secret is due.
func (s *command) bareWord(w []byte) bareState {
	switch {
	case s.setting == setToValue:
		if !sqltext.EqualFold(w, "default") {
			return bareSecret
		}
	case s.data:
	case s.meta && s.mention && s.words >= 2 && s.named == namedNone: // \password bob x
		return bareRest
	case s.meta && s.words == 1 && s.named == namedName && sqltext.EqualFold(s.verb, "password") && !s.slash:
		return bareRest
	case s.setting == setSecret && s.last != sqltext.Dot:
		if !sqltext.EqualFold(w, "to") && !sqltext.EqualFold(w, "from") {
			return bareSecret
		}
	case s.takes && s.named == namedBeside, s.options && s.words > 2 && s.named != namedNone:
		if !sqltext.EqualFold(w, "null") && !sqltext.EqualFold(w, "by") {
			return bareRest
		}
	case s.options && s.words > 2:
		if !inSet(roleWords, w) && !s.isName() {
			return bareSecret
		}
	case s.kind == kindMapping && s.words > 2 && s.named != namedNone:
		if !inSet(besideWords, w) {
			return bareSecret
		}
	}
	return bareNone
}

// isName tells whether the name of a role is due.
func (s *command) isName() bool {
	return s.last == sqltext.Comma || s.last == sqltext.Dot || inSet(nameWords, s.word)
}
