package samples

import (
	"strings"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

func startup() []Sample {
	return []Sample{
		packet("StartupMessage 3.0", "\x00\x03\x00\x00user\x00alice\x00database\x00app\x00application_name\x00psql\x00\x00",
			&messages.StartupMessage{Version: messages.Version30, Parameters: []messages.Pair{
				{Name: b("user"), Value: b("alice")},
				{Name: b("database"), Value: b("app")},
				{Name: b("application_name"), Value: b("psql")},
			}}),
		packet("StartupMessage 3.2, option, empty value, name twice",
			"\x00\x03\x00\x02user\x00bob\x00_pq_.test_option\x00on\x00options\x00\x00user\x00carol\x00\x00",
			&messages.StartupMessage{Version: messages.Version32, Parameters: []messages.Pair{
				{Name: b("user"), Value: b("bob")},
				{Name: b("_pq_.test_option"), Value: b("on")},
				{Name: b("options"), Value: b("")},
				{Name: b("user"), Value: b("carol")},
			}}),
		packet("StartupMessage 3.9999, replication", "\x00\x03\x27\x0fuser\x00r\x00replication\x00database\x00\x00",
			&messages.StartupMessage{Version: 3<<16 | 9999, Parameters: []messages.Pair{
				{Name: b("user"), Value: b("r")},
				{Name: b("replication"), Value: b("database")},
			}}),
		packet("StartupMessage 4.0", "\x00\x04\x00\x00user\x00alice\x00\x00",
			&messages.StartupMessage{Version: 4 << 16, Parameters: []messages.Pair{{Name: b("user"), Value: b("alice")}}}),
		packet("StartupMessage without parameters", "\x00\x03\x00\x00\x00",
			&messages.StartupMessage{Version: messages.Version30}),
		packet("StartupMessageV2", "\x00\x02\x00\x00"+padded("app", 64)+padded("alice", 32)+
			padded("-c geqo=off", 64)+padded("", 64)+padded("tty0", 64),
			&messages.StartupMessageV2{
				Version: 2 << 16, Database: b("app"), User: b("alice"), Options: b("-c geqo=off"), Unused: b(""), TTY: b("tty0"),
			}),
		{
			"ErrorResponseV2", messages.KindErrorResponseV2, messages.Backend, messages.PhaseAuthenticating,
			b("EFATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.0\n\x00"),
			&messages.ErrorResponseV2{Text: b("FATAL:  unsupported frontend protocol 2.0: server supports 3.0 to 3.0\n")},
		},
		packet("SSLRequest", "\x04\xd2\x16\x2f", &messages.SSLRequest{}),
		packet("GSSENCRequest", "\x04\xd2\x16\x30", &messages.GSSENCRequest{}),
		answer("SSLResponse accepted", "S", messages.PhaseSSLNegotiation, &messages.SSLResponse{Accepted: true}),
		answer("SSLResponse refused", "N", messages.PhaseSSLNegotiation, &messages.SSLResponse{}),
		answer("GSSENCResponse accepted", "G", messages.PhaseGSSNegotiation, &messages.GSSENCResponse{Accepted: true}),
		answer("GSSENCResponse refused", "N", messages.PhaseGSSNegotiation, &messages.GSSENCResponse{}),
		backend("NegotiateProtocolVersion", messages.PhaseAuthenticating, 'v', "\x00\x03\x00\x02"+i32(2)+"_pq_.a\x00_pq_.bc\x00",
			&messages.NegotiateProtocolVersion{Newest: messages.Version32, Unsupported: [][]byte{b("_pq_.a"), b("_pq_.bc")}}),
		backend("NegotiateProtocolVersion, minor number alone, no options", messages.PhaseAuthenticating, 'v', i32(0)+i32(0),
			&messages.NegotiateProtocolVersion{}),
		backend("ParameterStatus", messages.PhaseInitialization, 'S', "server_version\x0018.1 (Debian 18.1-1)\x00",
			&messages.ParameterStatus{Name: b("server_version"), Value: b("18.1 (Debian 18.1-1)")}),
		backend("ParameterStatus, empty value", messages.PhaseInitialization, 'S', "application_name\x00\x00",
			&messages.ParameterStatus{Name: b("application_name"), Value: b("")}),
	}
}

func padded(s string, size int) string { return s + strings.Repeat("\x00", size-len(s)) }

func answer(name, wire string, p messages.Phase, m messages.Message) Sample {
	return Sample{name, m.Kind(), messages.Backend, p, b(wire), m}
}

func cancel() []Sample {
	key4, key32, key256 := key(4), key(32), key(256)
	return []Sample{
		backend("BackendKeyData, 4 byte key", messages.PhaseInitialization, 'K', i32(4711)+key4,
			&messages.BackendKeyData{ProcessID: 4711, SecretKey: b(key4)}),
		backend("BackendKeyData, 32 byte key", messages.PhaseInitialization, 'K', i32(4712)+key32,
			&messages.BackendKeyData{ProcessID: 4712, SecretKey: b(key32)}),
		backend("BackendKeyData, 256 byte key", messages.PhaseInitialization, 'K', i32(4713)+key256,
			&messages.BackendKeyData{ProcessID: 4713, SecretKey: b(key256)}),
		packet("CancelRequest, 4 byte key", "\x04\xd2\x16\x2e"+i32(4711)+key4,
			&messages.CancelRequest{ProcessID: 4711, SecretKey: b(key4)}),
		packet("CancelRequest, 32 byte key", "\x04\xd2\x16\x2e"+i32(4712)+key32,
			&messages.CancelRequest{ProcessID: 4712, SecretKey: b(key32)}),
		packet("CancelRequest, 256 byte key", "\x04\xd2\x16\x2e"+i32(4713)+key256,
			&messages.CancelRequest{ProcessID: 4713, SecretKey: b(key256)}),
	}
}

// key returns n bytes with none like its neighbour, zeros and high bits among them.
func key(n int) string {
	k := make([]byte, n)
	for i := range k {
		k[i] = byte(i*37 + 0xca)
	}
	return string(k)
}
