package session

import (
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/exchange"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// heard keeps what a session hands out, as texts.
type heardTexts struct {
	recorder
	said []string
}

func (h *heardTexts) Message(e *Event) {
	m := e.Kind.New()
	text := e.Kind.String()
	if m.Decode(e.Body) == nil {
		text = fmt.Sprint(m)
	}
	for _, n := range e.Notes {
		text += " ! " + n.Text
	}
	h.said = append(h.said, fmt.Sprintf("%d %s", e.At.Frame, text))
}

// untyped is a packet of the startup.
func untyped(parts ...[]byte) []byte {
	b := make([]byte, 4)
	for _, p := range parts {
		b = append(b, p...)
	}
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

// TestVerticaStartup sends Vertica's protocol_version, which is a number among texts, of
// each version at each place: the other parameters are those that were sent, each with its
// value, in any division of the packet.
func TestVerticaStartup(t *testing.T) {
	others := [][2]string{{"user", "dbadmin"}, {"database", "vmart"}, {"client_label", "protocol_version"}, {"client_type", "vertica-python"}}
	for _, version := range []uint32{3 << 16, 3<<16 | 5, 3<<16 | 9, 3<<16 | 12, 3<<16 | 16, 3<<16 | 0x100, 3<<16 | 0x0c00, 4 << 16} {
		for at := range len(others) + 1 {
			body := binary.BigEndian.AppendUint32(nil, 3<<16|5)
			var want []string
			for i := range len(others) + 1 {
				if i == at {
					body = append(binary.BigEndian.AppendUint32(append(body, "protocol_version\x00"...), version), 0)
					want = append(want, fmt.Sprintf("protocol_version=%d.%d", version>>16, version&0xffff))
				}
				if i < len(others) {
					body = append(body, others[i][0]+"\x00"+others[i][1]+"\x00"...)
					want = append(want, others[i][0]+"="+others[i][1])
				}
			}
			packet := untyped(body, []byte{0})
			for _, cut := range []int{0, 5, 20, 27, len(packet) - 1} {
				h := new(heardTexts)
				s := NewShared(Config{Messages: true}, exchange.Limits{}, h).New(Opening{ID: 1})
				s.Data(messages.Frontend, packet[:cut], Stamp{Frame: 1})
				s.Data(messages.Frontend, packet[cut:], Stamp{Frame: 1})
				var got []string
				var m messages.StartupMessage
				if i := s.Info(); i.User != "dbadmin" || i.Database != "vmart" || i.Product != productVertica {
					t.Errorf("version %x at %d: %q %q %q", version, at, i.User, i.Database, i.Product)
				}
				if err := m.Decode(verticaStartup(packet[4:])); err != nil {
					t.Errorf("version %x at %d: %v", version, at, err)
				}
				for _, p := range m.Parameters {
					got = append(got, string(p.Name)+"="+string(p.Value))
				}
				if !slices.Equal(got, want) {
					t.Errorf("version %x at %d: %q, want %q", version, at, got, want)
				}
				if len(h.said) != 1 || !strings.Contains(h.said[0], "vmart") {
					t.Errorf("version %x at %d: %q", version, at, h.said)
				}
			}
		}
	}
	// What PostgreSQL's clients send is read as it is.
	for _, value := range []string{"", "3.0", "\x03", "abcd"} {
		body := append([]byte{0, 3, 0, 0}, "protocol_version\x00"+value+"\x00user\x00u\x00\x00"...)
		if got := verticaStartup(body); string(got) != string(body) {
			t.Errorf("%q became %q", body, got)
		}
	}
}

// TestVerticaLoadBalance: the answer to a LoadBalanceRequest is not taken for that to
// what the client asks for next, whether it is sent alone or not.
func TestVerticaLoadBalance(t *testing.T) {
	type part struct {
		d     messages.Direction
		bytes []byte
	}
	f, b := messages.Frontend, messages.Backend
	balance, ssl := untyped([]byte{0x04, 0xd3, 0, 0}), untyped([]byte{0x04, 0xd2, 0x16, 0x2f})
	binary.BigEndian.PutUint32(balance[4:], codeLoadBalance)
	startup := untyped([]byte{0, 3, 0, 5}, []byte("user\x00u\x00\x00"))
	ok := []byte{'R', 0, 0, 0, 8, 0, 0, 0, 0}
	for name, c := range map[string]struct {
		parts []part
		want  []string
	}{
		"refused, then TLS": {
			[]part{{f, balance}, {b, []byte("N")}, {f, ssl}, {b, []byte("N")}, {f, startup}, {b, ok}},
			[]string{"1 Unknown", "3 SSLRequest", "4 SSLResponse", "5 StartupMessage", "6 AuthenticationOk"},
		},
		"refused, no TLS": {
			[]part{{f, balance}, {b, []byte("N")}, {f, startup}, {b, ok}},
			[]string{"1 Unknown", "3 StartupMessage", "4 AuthenticationOk"},
		},
		"another host": {
			[]part{{f, balance}, {b, append([]byte{'Y', 0, 0, 0, 17, 0, 0, 0x15, 0x39}, "10.0.0.8\x00"...)}},
			[]string{"1 Unknown", "2 Unknown"},
		},
	} {
		h := new(heardTexts)
		s := NewShared(Config{Messages: true}, exchange.Limits{}, h).New(Opening{ID: 1})
		for i, p := range c.parts {
			s.Data(p.d, p.bytes, Stamp{Frame: uint64(i + 1)})
		}
		if len(h.said) != len(c.want) {
			t.Errorf("%s: %q", name, h.said)
			continue
		}
		for i, want := range c.want {
			if !strings.HasPrefix(h.said[i], want) {
				t.Errorf("%s: %q, want %s", name, h.said[i], want)
			}
		}
		if !strings.Contains(h.said[0], "LoadBalanceRequest") || name == "another host" && !strings.Contains(h.said[1], "LoadBalanceResponse") {
			t.Errorf("%s: %q", name, h.said)
		}
		if got := s.Info().Product; got != productVertica {
			t.Errorf("%s: the product is %q", name, got)
		}
	}
}
