package messages_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/pgsniff/pgsniff/internal/test/samples"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

func allSamples() []samples.Sample { return slices.Concat(samples.All(), samples.Large()) }

func TestEveryKindHasSamples(t *testing.T) {
	seen := make(map[messages.Kind]bool)
	names := make(map[string]bool)
	for _, s := range allSamples() {
		seen[s.Kind] = true
		if names[s.Name] {
			t.Errorf("two samples are called %q", s.Name)
		}
		names[s.Name] = true
	}
	for k := range messages.Kind(messages.NumKinds) {
		if !seen[k] {
			t.Errorf("%v has no sample", k)
		}
	}
}

// The samples' own form is checked first: the other tests rely on it.
func TestSamplesAreFramed(t *testing.T) {
	for _, s := range allSamples() {
		switch n := s.HeaderLen(); n {
		case 4, 5:
			if got := int(binary.BigEndian.Uint32(s.Wire[n-4:])); got != len(s.Wire)-(n-4) {
				t.Errorf("%s: length field %d of %d bytes", s.Name, got, len(s.Wire))
			}
			if n == 5 && s.Kind != messages.KindUnknown && s.Wire[0] != s.Kind.Tag() {
				t.Errorf("%s: type byte %q, want %q", s.Name, s.Wire[0], s.Kind.Tag())
			}
		}
		if !s.Kind.Sides().Has(s.Direction) {
			t.Errorf("%s: not sent by the %v", s.Name, s.Direction)
		}
	}
}

func TestKindOfSamples(t *testing.T) {
	for _, s := range allSamples() {
		var got messages.Kind
		switch s.HeaderLen() {
		case 5:
			got = messages.KindOf(s.Direction, s.Phase, s.Wire[0], s.Body())
		case 4:
			got = messages.StartupKindOf(s.Body())
		default:
			continue // told by the phase alone
		}
		if got != s.Kind {
			t.Errorf("%s: taken for %v, want %v", s.Name, got, s.Kind)
		}
	}
}

func TestDecode(t *testing.T) {
	for _, s := range allSamples() {
		m := newFor(s)
		if err := m.Decode(s.Body()); err != nil {
			t.Errorf("%s: %v", s.Name, err)
			continue
		}
		if !reflect.DeepEqual(m, s.Message) {
			t.Errorf("%s: decoded\n%+v\nwant\n%+v", s.Name, m, s.Message)
		}
		if m.Kind() != s.Kind {
			t.Errorf("%s: decoded message is a %v", s.Name, m.Kind())
		}
	}
}

func TestAppend(t *testing.T) {
	for _, s := range allSamples() {
		got := s.Message.Append([]byte("before"))
		if !bytes.Equal(got, append([]byte("before"), s.Wire...)) {
			t.Errorf("%s: appended\n%.200x\nwant\n%.200x", s.Name, got[len("before"):], s.Wire)
		}
	}
}

// A struct that has held another message decodes as a new one does.
func TestDecodeReused(t *testing.T) {
	byKind := make(map[messages.Kind][]samples.Sample)
	for _, s := range allSamples() {
		byKind[s.Kind] = append(byKind[s.Kind], s)
	}
	for _, list := range byKind {
		m := newFor(list[0])
		for _, before := range list {
			for _, s := range list {
				if u, ok := m.(*messages.Unknown); ok {
					u.Tag = s.Wire[0]
				}
				_ = m.Decode(before.Body())
				_ = m.Decode(before.Body()[:len(before.Body())/2]) // leaves some fields set, some not
				if err := m.Decode(s.Body()); err != nil {
					t.Fatalf("%s after %s: %v", s.Name, before.Name, err)
				}
				if got := m.Append(nil); !bytes.Equal(got, s.Wire) {
					t.Errorf("%s after %s: appended %.200x", s.Name, before.Name, got)
				}
			}
		}
	}
}

// Views end where their field ends: appending to one must not write into the
// next field.
func TestViewsAreClipped(t *testing.T) {
	for _, s := range allSamples() {
		m := newFor(s)
		body := s.Body()
		if err := m.Decode(body[:len(body):len(body)]); err != nil {
			t.Fatal(err)
		}
		var d dump
		m.Visit(&d)
		before := bytes.Clone(s.Wire)
		for _, v := range d.views {
			if s.Kind == messages.KindStartupMessageV2 {
				continue // shows parts of its fields
			}
			_ = append(v, 0xee)
		}
		if !bytes.Equal(before, s.Wire) {
			t.Errorf("%s: a view reaches into its neighbour", s.Name)
		}
	}
}

// openEnded tells from which length on a kind's body may end anywhere.
func openEnded(k messages.Kind) (from int, ok bool) {
	switch k {
	case messages.KindCopyData, messages.KindSASLResponse, messages.KindGSSResponse, messages.KindUnknown:
		return 0, true
	case messages.KindAuthenticationGSSContinue, messages.KindAuthenticationSASLContinue,
		messages.KindAuthenticationSASLFinal:
		return 4, true
	case messages.KindBackendKeyData:
		return 8, true
	case messages.KindCancelRequest:
		return 12, true
	}
	return 0, false
}

func TestEveryPrefixIsAnError(t *testing.T) {
	for _, s := range samples.All() {
		from, open := openEnded(s.Kind)
		body := s.Body()
		m := newFor(s)
		for n := range len(body) {
			err := m.Decode(body[:n:n])
			if open && n >= from {
				if err != nil {
					t.Errorf("%s: %d bytes: %v", s.Name, n, err)
				}
				continue
			}
			checkFault(t, s, n, err)
		}
	}
}

func TestBytesLeftOverAreAnError(t *testing.T) {
	for _, s := range samples.All() {
		if _, open := openEnded(s.Kind); open && s.Kind != messages.KindBackendKeyData && s.Kind != messages.KindCancelRequest {
			continue
		}
		body := append(bytes.Clone(s.Body()), bytes.Repeat([]byte{0}, 257)...)
		m := newFor(s)
		for _, n := range []int{len(s.Body()) + 1, len(body)} {
			if n < len(body) && (s.Kind == messages.KindBackendKeyData || s.Kind == messages.KindCancelRequest) {
				continue
			}
			checkFault(t, s, n, m.Decode(body[:n]))
		}
	}
}

func checkFault(t *testing.T, s samples.Sample, n int, err error) {
	t.Helper()
	var fault *messages.DecodeError
	switch {
	case !errors.As(err, &fault):
		t.Errorf("%s: %d bytes: error %v, want a *DecodeError", s.Name, n, err)
	case fault.Kind != s.Kind || fault.Offset < 0 || fault.Offset > n || fault.Reason == "" || fault.Error() == "":
		t.Errorf("%s: %d bytes: %+v", s.Name, n, fault)
	}
}

// newFor returns an empty message for the sample's body.
func newFor(s samples.Sample) messages.Message {
	m := s.Kind.New()
	if u, ok := m.(*messages.Unknown); ok {
		u.Tag = s.Wire[0]
	}
	return m
}
