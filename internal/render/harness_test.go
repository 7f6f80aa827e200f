package render

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/pgsniff/pgsniff/internal/test/conversation"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// play leads scripts through a session into a writer, to the connection's end.
func play(w Writer, scripts ...string) {
	sh := session.NewShared(session.Config{Messages: true, Exchanges: true}, exchange.Limits{}, w)
	packets := conversation.Packets(scripts...)
	s := sh.New(session.Opening{
		ID: 1, Client: "10.0.0.1:40001", Server: "[2001:db8::2]:5432", At: session.Stamp{Time: packets[0].Time, Frame: 1},
	})
	var at session.Stamp
	for _, p := range packets {
		at = session.Stamp{Time: p.Time, Frame: p.Frame}
		if p.Gap != 0 {
			s.Gap(p.Direction, p.Gap, at)
		} else {
			s.Data(p.Direction, p.Bytes, at)
		}
	}
	s.End(session.EndFIN, at, session.Traffic{
		Bytes: [2]uint64{1000, 2000}, Lost: [2]uint64{3, 4}, Retransmitted: [2]uint64{5, 6},
	})
	sh.Finish()
	_ = w.Flush()
}

// jsonLine is a JSON object in the order of its keys.
type jsonLine struct {
	keys   []string
	values map[string]string // as text
}

func (r *jsonLine) get(t *testing.T, key, want string) {
	t.Helper()
	if r.values[key] != want {
		t.Errorf("%s: got %s, want %s", key, r.values[key], want)
	}
}

// object decodes an object and demands that its keys are unique, in all depths.
func object(t *testing.T, text string) *jsonLine {
	t.Helper()
	if !utf8.ValidString(text) {
		t.Errorf("not UTF-8: %q", text)
	}
	d := json.NewDecoder(strings.NewReader(text))
	if err := unique(d, ""); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	r := &jsonLine{values: map[string]string{}}
	d = json.NewDecoder(strings.NewReader(text))
	_, _ = d.Token()
	for d.More() {
		k, _ := d.Token()
		var v json.RawMessage
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%v in %s", err, text)
		}
		r.keys = append(r.keys, k.(string))
		r.values[k.(string)] = string(v)
	}
	return r
}

func unique(d *json.Decoder, path string) error {
	tok, err := d.Token()
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		seen := map[string]bool{}
		for d.More() {
			k, err := d.Token()
			if err != nil {
				return err
			}
			if seen[k.(string)] {
				return fmt.Errorf("key %s.%q comes twice", path, k)
			}
			seen[k.(string)] = true
			if err := unique(d, path+"."+k.(string)); err != nil {
				return err
			}
		}
	case json.Delim('['):
		for d.More() {
			if err := unique(d, path+"[]"); err != nil {
				return err
			}
		}
	default:
		return nil
	}
	_, err = d.Token()
	return err
}

// records plays scripts into JSON and returns the records, each checked.
func records(t *testing.T, opt Options, scripts ...string) (list []*jsonLine) {
	t.Helper()
	var out bytes.Buffer
	play(NewJSON(&out, opt), scripts...)
	for line := range strings.Lines(out.String()) {
		list = append(list, object(t, strings.TrimSuffix(line, "\n")))
	}
	return list
}

// only returns the records of a type, and of a message's name if one is given.
func only(list []*jsonLine, kind, msg string) (some []*jsonLine) {
	for _, r := range list {
		if r.values["type"] == `"`+kind+`"` && (msg == "" || r.values["msg"] == `"`+msg+`"`) {
			some = append(some, r)
		}
	}
	return some
}

// one returns the record of a message that comes once.
func one(t *testing.T, msg string, opt Options, scripts ...string) *jsonLine {
	t.Helper()
	list := only(records(t, opt, scripts...), "message", msg)
	if len(list) != 1 {
		t.Fatalf("%d %s messages", len(list), msg)
	}
	return list[0]
}
