package redact

import (
	"encoding/binary"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/internal/sqlnorm"
	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
	"github.com/pgsniff/pgsniff/pkg/replication"
	"github.com/pgsniff/pgsniff/pkg/session"
)

// eventOf is a message in a cycle whose text is known to hold a secret, or not.
func eventOf(k messages.Kind, body []byte, secret bool) *session.Event {
	e := &session.Event{Session: &session.Session{ID: 1}}
	e.Kind, e.Body, e.Len = k, body, len(body)+5
	e.Exchange = &exchange.Exchange{Mark: known}
	if secret {
		e.Exchange.Mark |= uint16(sqlnorm.Hidden | sqlnorm.Takes)
	}
	return e
}

// FuzzBodies: a body keeps the format of its message, whatever is hidden of it, and
// what is no message does no harm.
func FuzzBodies(f *testing.F) {
	for _, s := range samples.All() {
		f.Add(uint8(s.Kind), s.Body(), true, false)
	}
	f.Add(uint8(messages.KindBind), []byte("\x00\x00\x00\x01\x00\x01\x00\x02\x00\x00\x00\x02ab\xff\xff\xff\xff\x00\x00"), true, false)
	f.Fuzz(func(t *testing.T, kind uint8, body []byte, secret, all bool) {
		k := messages.Kind(kind)
		if kind >= uint8(messages.NumKinds) || rewriters[k] == nil {
			return
		}
		level := Secrets
		if all {
			level = All
		}
		h := &Handler{level: level}
		before, after := k.New(), k.New()
		intact := before.Decode(body) == nil
		out, changed := rewriters[k](h, eventOf(k, body, secret))
		if err := after.Decode(out); intact && err != nil {
			t.Fatalf("%v %q became %q: %v", k, body, out, err)
		}
		if !changed && string(out) != string(body) {
			t.Fatalf("%v %q became %q, and it is not said", k, body, out)
		}
	})
}

// TestOrdinaryMessagesCostNothing: nothing is allocated for what holds no secret.
func TestOrdinaryMessagesCostNothing(t *testing.T) {
	h := NewHandler(Secrets, nil).(*Handler)
	for _, s := range samples.All() {
		if s.Kind == messages.KindRowDescription {
			continue // that is told once for each result, and decoded
		}
		e := eventOf(s.Kind, s.Body(), false)
		if n := testing.AllocsPerRun(100, func() { h.Event(e) }); n != 0 {
			t.Errorf("%v: %v allocations", s.Kind, n)
		}
	}
}

// TestTagsAndArchives: a command tag may repeat a setting, and archives hold whole files.
func TestTagsAndArchives(t *testing.T) {
	for _, tt := range []struct {
		tag, want string
		secret    bool
	}{
		{"SELECT 1", "SELECT 1", true},
		{"SET pool_mode=session", "SET pool_mode=session", false},
		{"SET auth_query=select 'x'", "SET auth_query=<redacted>", true},
		{"SET auth_query=select 'password=x'", "SET auth_query=<redacted>", false},
	} {
		h := NewHandler(Secrets, nil).(*Handler)
		e := eventOf(messages.KindCommandComplete, append([]byte(tt.tag), 0), tt.secret)
		if got := h.Event(e).Body; string(got) != tt.want+"\x00" {
			t.Errorf("%q became %q", tt.tag, got)
		}
		x := &exchange.Exchange{Results: []exchange.Result{{Tag: []byte(tt.tag)}}}
		c := Cycle{}
		if tt.secret {
			c.Secrecy = sqlnorm.Hidden
		}
		if h.results(x, c); string(x.Results[0].Tag) != tt.want {
			t.Errorf("of a query, %q became %q", tt.tag, x.Results[0].Tag)
		}
	}
	h := NewHandler(Secrets, nil).(*Handler)
	e := eventOf(messages.KindCopyData, []byte("dfiles of the server"), false)
	e.Replication = &replication.Event{Meaning: replication.Meaning{Kind: replication.KindArchiveData}}
	if got := h.Event(e); string(got.Body) != "d<redacted>" || got.Replication != e.Replication {
		t.Errorf("an archive became %q", got.Body)
	}
}

// TestOldArchives: servers before 15 send the archives of a base backup as what a COPY copies.
func TestOldArchives(t *testing.T) {
	for sql, want := range map[string]string{
		"BASE_BACKUP LABEL 'x' PROGRESS": Mark, "base_backup": Mark, "COPY t TO STDOUT": "files of the server",
	} {
		h := NewHandler(Secrets, nil).(*Handler)
		e := eventOf(messages.KindCopyData, []byte("files of the server"), false)
		e.Exchange.SQL = []byte(sql)
		for range 2 {
			if got := h.Event(e).Body; string(got) != want {
				t.Errorf("%s: an archive became %q", sql, got)
			}
		}
	}
}

// TestBinaryHstores: hstore in binary has its names between lengths.
func TestBinaryHstores(t *testing.T) {
	hstore := func(pairs ...string) (b []byte) {
		b = binary.BigEndian.AppendUint32(b, uint32(len(pairs)/2))
		for _, s := range pairs {
			b = append(binary.BigEndian.AppendUint32(b, uint32(len(s))), s...)
		}
		return b
	}
	for _, tt := range []struct {
		v    []byte
		want bool
	}{
		{hstore("password", "x"), true},
		{hstore("user", "bob", "api_key", ""), true},
		{hstore("user", "bob"), false},
		{hstore("user", "password"), false},
		{hstore("password", "x")[:12], false},
		{append(hstore("password", "x"), 0), false},
		{[]byte{0, 0, 0, 0, 0, 0, 0, 5}, false},
		{binary.BigEndian.AppendUint32(nil, 1<<31), false},
	} {
		if got := hstoreSecret(tt.v); got != tt.want {
			t.Errorf("%q: %v", tt.v, got)
		}
		if tt.want && !Value(tt.v) {
			t.Errorf("%q is shown", tt.v)
		}
	}
}

// TestSecretsAcrossCopyData: a client ends its messages anywhere.
func TestSecretsAcrossCopyData(t *testing.T) {
	whole := "1\thost=h user=u password=CANARYZQ\n"
	for cut := 1; cut < len(whole); cut++ {
		h := NewHandler(Secrets, nil).(*Handler)
		shown := ""
		x := &exchange.Exchange{ID: 5, Mark: known, SQL: []byte("COPY t FROM STDIN")}
		for _, part := range []string{whole[:cut], whole[cut:]} {
			e := eventOf(messages.KindCopyData, []byte(part), false)
			e.Exchange, e.Direction = x, messages.Frontend
			shown += string(h.Event(e).Body)
		}
		if strings.Contains(shown, "CANARYZQ") || strings.HasSuffix(shown, "ZQ\n") {
			t.Errorf("cut at %d: %q", cut, shown)
		}
	}
}
