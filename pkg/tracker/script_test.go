package tracker

import (
	"strconv"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// A script is a conversation, a message a line: ">" from the frontend, "<" from
// the backend, the message's name with what its meaning depends on in
// parentheses, and after a colon what the Step must say:
//
//	> Parse: ready 1+
//	< ReadyForQuery(T): extended_query 1 =Sync
//
// a phase's name is Step.Phase, a number Step.Exchange, with + if the message begins
// it (without a number: 0), =Kind is Step.Request, over:N Step.Over (if not
// given: the exchange at ReadyForQuery, else 0), !code the anomaly (if not given:
// none), and discarded and inferred are the flags. Lines of dashes and empty
// ones are skipped; "gap >" and "gap <" are losses.
type line struct {
	text   string
	gap    bool
	dir    messages.Direction
	kind   messages.Kind
	facts  Facts
	expect []string
	blank  bool // nothing is expected
}

var kindNames = func() map[string]messages.Kind {
	names := make(map[string]messages.Kind)
	for k := range messages.Kind(messages.NumKinds) {
		names[k.String()] = k
	}
	return names
}()

// argument sets the facts that stand in parentheses.
func argument(t *testing.T, k messages.Kind, arg string) (f Facts) {
	t.Helper()
	switch {
	case k == messages.KindReadyForQuery:
		f.Status = (arg + "I")[0]
	case k == messages.KindSSLResponse, k == messages.KindGSSENCResponse:
		f.Status = (arg + "N")[0]
	case k == messages.KindErrorResponse:
		f.Fatal, f.Broken = arg == "FATAL", arg == "08P01"
	case k == messages.KindErrorResponseV2:
		f.Fatal = true
	case k == messages.KindStartupMessage && arg != "":
		major, minor, _ := strings.Cut(arg, ".")
		hi, err1 := strconv.Atoi(major)
		lo, err2 := strconv.Atoi(minor)
		if err1 != nil || err2 != nil {
			t.Fatalf("version %q", arg)
		}
		f.Protocol = uint32(hi<<16 | lo)
	case k == messages.KindStartupMessage:
		f.Protocol = messages.Version30
	}
	return f
}

func parseScript(t *testing.T, script string) (lines []line) {
	t.Helper()
	for text := range strings.Lines(script) {
		text = strings.TrimSpace(text)
		if strings.Trim(text, "-") == "" {
			continue
		}
		lines = append(lines, parseLine(t, text))
	}
	return lines
}

func parseLine(t *testing.T, text string) line {
	t.Helper()
	l := line{text: text}
	rest, expect, found := strings.Cut(text, ":")
	l.expect, l.blank = strings.Fields(expect), !found
	words := strings.Fields(rest)
	if words[0] == "gap" {
		l.gap, words = true, words[1:]
	}
	switch words[0] {
	case ">":
	case "<":
		l.dir = messages.Backend
	default:
		t.Fatalf("%q: no direction", text)
	}
	if l.gap {
		return l
	}
	name, arg, _ := strings.Cut(strings.TrimSuffix(words[1], ")"), "(")
	k, ok := kindNames[name]
	if !ok {
		t.Fatalf("%q: no message %q", text, name)
	}
	l.kind, l.facts = k, argument(t, k, arg)
	return l
}

// check compares a step with what its line says.
func (l *line) check(t *testing.T, s Step) {
	t.Helper()
	if l.blank {
		return
	}
	want := Step{Phase: s.Phase, After: s.After, Tx: s.Tx, Request: s.Request, Rested: s.Rested, Trial: s.Trial}
	code, over := "", false
	for _, w := range l.expect {
		switch {
		case w == "discarded":
			want.Discarded = true
		case w == "inferred":
			want.Inferred = true
		case w == "doubtful":
			want.Doubtful = true
		case w[0] == '!':
			code = w[1:]
		case w[0] == '=':
			want.Request = kindNames[w[1:]]
		case strings.HasPrefix(w, "spoiled:"):
			n, _ := strconv.Atoi(w[8:])
			want.Spoiled = uint64(n)
		case strings.HasPrefix(w, "over:"):
			n, _ := strconv.Atoi(w[5:])
			want.Over, over = uint64(n), true
		case w[0] >= '0' && w[0] <= '9':
			n, _ := strconv.Atoi(strings.TrimSuffix(w, "+"))
			want.Exchange, want.Begins = uint64(n), strings.HasSuffix(w, "+")
		default:
			if w != s.Phase.String() {
				t.Errorf("%s\n\tgot phase %v", l.text, s.Phase)
			}
		}
	}
	if !over && l.kind == messages.KindReadyForQuery {
		want.Over = want.Exchange
	}
	got := ""
	if s.Anomaly != nil {
		got = s.Anomaly.Code
	}
	s.Anomaly = nil
	if s != want {
		t.Errorf("%s\n\tgot  %+v\n\twant %+v", l.text, s, want)
	}
	if got != code {
		t.Errorf("%s\n\tgot anomaly %q, want %q", l.text, got, code)
	}
}

// play leads a script through a tracker.
func play(t *testing.T, tr *Tracker, script string) {
	t.Helper()
	for _, l := range parseScript(t, script) {
		if l.gap {
			tr.Gap(l.dir)
			continue
		}
		l.check(t, tr.ObserveFacts(l.dir, l.kind, l.facts))
	}
}

// message makes a message of the line's kind with its facts.
func (l *line) message() messages.Message {
	m := l.kind.New()
	switch m := m.(type) {
	case *messages.StartupMessage:
		m.Version = messages.ProtocolVersion(l.facts.Protocol)
	case *messages.Execute:
		m.MaxRows = 1 // so that the portal may be suspended
	case *messages.ReadyForQuery:
		m.Status = messages.TxStatus(l.facts.Status)
	case *messages.SSLResponse:
		m.Accepted = messages.TxStatus(l.facts.Status) == 'S'
	case *messages.GSSENCResponse:
		m.Accepted = messages.TxStatus(l.facts.Status) == 'G'
	case *messages.ErrorResponse:
		severity := "ERROR"
		if l.facts.Fatal {
			severity = "FATAL"
		}
		m.Fields = []messages.ErrorField{{Type: 'V', Value: []byte(severity)}}
	}
	return m
}

// started is what brings a connection to its first ReadyForQuery.
const started = `
	> StartupMessage
	< AuthenticationOk
	< BackendKeyData
	< ReadyForQuery
`
