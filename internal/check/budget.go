package check

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"

	"github.com/pgsniff/pgsniff/internal/findings"
)

// Scopes of budgets: what each counts for itself.
var scopes = []string{"capture", "connection", "transaction", "application", "section"}

// measures are what can be limited, in the order of reports.
var measures = []string{"queries", "round_trips", "rows", "bytes", "errors", "duration"}

// Budget limits what a capture, or each connection, transaction, application or
// section of it, may ask for.
type Budget struct {
	Name  string `toml:"name"`
	Scope string `toml:"scope"` // one of scopes; capture where it is empty
	// Match names sections, or applications, of which connections and transactions are,
	// with * and ?; all where it is empty.
	Match      string `toml:"match"`
	Queries    *int64 `toml:"queries"`
	RoundTrips *int64 `toml:"round_trips"`
	Rows       *int64 `toml:"rows"`
	Bytes      *int64 `toml:"bytes"`
	Errors     *int64 `toml:"errors"`
	Duration   *Time  `toml:"duration"`
}

// Time is a duration in a budget file, such as "250ms".
type Time time.Duration

// UnmarshalText reads it.
func (t *Time) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	*t = Time(d)
	return err
}

// Rules are what a check forbids.
type Rules struct {
	FailOn  string   `toml:"fail_on"` // a severity of findings; empty: none
	Deny    []string `toml:"deny"`    // codes of findings
	Budgets []Budget `toml:"budget"`
}

// maxFile bounds a budget file, in bytes.
const maxFile = 1 << 20

// Read reads a budget file. What it does not know in it is an error: a limit with a
// name that is mistyped would never be broken.
func Read(r io.Reader) (*Rules, error) {
	text, err := io.ReadAll(io.LimitReader(r, maxFile))
	if err != nil {
		return nil, err
	}
	rules := &Rules{}
	meta, err := toml.Decode(string(text), rules)
	if err != nil {
		return nil, err
	}
	if unknown := meta.Undecoded(); len(unknown) > 0 {
		return nil, fmt.Errorf("unknown key %q", unknown[0].String())
	}
	return rules, rules.Valid()
}

// Valid checks names.
func (r *Rules) Valid() error {
	if _, ok := findings.ParseSeverity(r.FailOn); r.FailOn != "" && !ok {
		return fmt.Errorf("fail_on %q: must be info, warning or critical", r.FailOn)
	}
	codes := findings.Codes()
	for _, c := range r.Deny {
		if !slices.Contains(codes, c) {
			return fmt.Errorf("deny %q: no finding has that code", c)
		}
	}
	for i := range r.Budgets {
		b := &r.Budgets[i]
		if b.Scope == "" {
			b.Scope = "capture"
		}
		if !slices.Contains(scopes, b.Scope) {
			return fmt.Errorf("scope %q: must be one of %s", b.Scope, strings.Join(scopes, ", "))
		}
		if b.Match != "" && b.Scope == "capture" {
			return fmt.Errorf("match %q: a capture has no name; the scope must be one of %s", b.Match, strings.Join(scopes[1:], ", "))
		}
		any := false
		for _, m := range measures {
			limit, ok := b.limit(m)
			any = any || ok
			if ok && limit < 0 {
				return fmt.Errorf("%s of %s: must not be negative", m, b.title())
			}
		}
		if !any {
			return fmt.Errorf("%s limits nothing: it has none of %s", b.title(), strings.Join(measures, ", "))
		}
	}
	return nil
}

// Max adds a limit of the command line: NAME=N, or SCOPE.NAME=N.
func (r *Rules) Max(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok {
		return errors.New("must be NAME=N, such as queries=20")
	}
	b := Budget{Scope: "capture"}
	if scope, rest, ok := strings.Cut(name, "."); ok {
		b.Scope, name = scope, rest
	}
	if name == "duration" {
		t := new(Time)
		if err := t.UnmarshalText([]byte(value)); err != nil {
			return fmt.Errorf("%q is no duration, such as 250ms", value)
		}
		b.Duration = t
	} else {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil {
			return fmt.Errorf("%q is no number", value)
		}
		place := b.place(name)
		if place == nil {
			return fmt.Errorf("%q: must be one of %s", name, strings.Join(measures, ", "))
		}
		*place = &n
	}
	r.Budgets = append(r.Budgets, b)
	return r.Valid()
}

func (b *Budget) place(measure string) **int64 {
	switch measure {
	case "queries":
		return &b.Queries
	case "round_trips":
		return &b.RoundTrips
	case "rows":
		return &b.Rows
	case "bytes":
		return &b.Bytes
	case "errors":
		return &b.Errors
	}
	return nil
}

// limit returns what a budget allows of a measure, and whether it limits it.
func (b *Budget) limit(measure string) (int64, bool) {
	if measure == "duration" {
		if b.Duration == nil {
			return 0, false
		}
		return int64(*b.Duration), true
	}
	if n := *b.place(measure); n != nil {
		return *n, true
	}
	return 0, false
}

func (b *Budget) title() string {
	if b.Name != "" {
		return b.Name
	}
	if b.Match != "" {
		return b.Scope + " " + b.Match
	}
	return b.Scope
}

// fits reports whether a budget is for a thing with that name.
func (b *Budget) fits(name string) bool { return b.Match == "" || like(name, b.Match) }

// like reports whether a name is what a pattern says, in which * stands for any text and ?
// for any character.
func like(name, pattern string) bool {
	text, p := []rune(name), []rune(pattern)
	i, k, star, from := 0, 0, -1, 0
	for i < len(text) {
		switch {
		case k < len(p) && p[k] == '*':
			star, from = k, i
			k++
		case k < len(p) && (p[k] == '?' || p[k] == text[i]):
			i++
			k++
		case star >= 0: // the last * takes one more
			from++
			i, k = from, star+1
		default:
			return false
		}
	}
	for k < len(p) && p[k] == '*' {
		k++
	}
	return k == len(p)
}
