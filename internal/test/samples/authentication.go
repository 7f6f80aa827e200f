package samples

import "github.com/pgsniff/pgsniff/pkg/messages"

const (
	clientFirst = "n,,n=,r=fyko+d2lbbFgONRv9qkxdawL"
	serverFirst = "r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096"
	clientFinal = "c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts="
	serverFinal = "v=rmF9pqV8S7suAoZWja4dJRkFsKQ="
	bearer      = "n,,\x01auth=Bearer c2VjcmV0\x01\x01"
)

func authentication() []Sample {
	const (
		auth  = messages.PhaseAuthenticating
		gss   = messages.PhaseAuthenticatingGSS
		first = messages.PhaseSASLInitial
		cont  = messages.PhaseSASLContinue
	)
	return []Sample{
		backend("AuthenticationOk", auth, 'R', i32(0), &messages.AuthenticationOk{}),
		backend("AuthenticationKerberosV5", auth, 'R', i32(2), &messages.AuthenticationKerberosV5{}),
		backend("AuthenticationCleartextPassword", auth, 'R', i32(3), &messages.AuthenticationCleartextPassword{}),
		backend("AuthenticationMD5Password", auth, 'R', i32(5)+"\x00\xfe\x12\x34",
			&messages.AuthenticationMD5Password{Salt: [4]byte{0, 0xfe, 0x12, 0x34}}),
		backend("AuthenticationGSS", auth, 'R', i32(7), &messages.AuthenticationGSS{}),
		backend("AuthenticationGSSContinue", gss, 'R', i32(8)+"\x60\x00\xff", &messages.AuthenticationGSSContinue{Data: b("\x60\x00\xff")}),
		backend("AuthenticationGSSContinue, empty", gss, 'R', i32(8), &messages.AuthenticationGSSContinue{Data: b("")}),
		backend("AuthenticationSSPI", auth, 'R', i32(9), &messages.AuthenticationSSPI{}),
		backend("AuthenticationSASL", auth, 'R', i32(10)+"SCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00",
			&messages.AuthenticationSASL{Mechanisms: [][]byte{b("SCRAM-SHA-256-PLUS"), b("SCRAM-SHA-256")}}),
		backend("AuthenticationSASL, no mechanism", auth, 'R', i32(10)+"\x00", &messages.AuthenticationSASL{}),
		backend("AuthenticationSASLContinue", cont, 'R', i32(11)+serverFirst,
			&messages.AuthenticationSASLContinue{Data: b(serverFirst)}),
		backend("AuthenticationSASLFinal", cont, 'R', i32(12)+serverFinal,
			&messages.AuthenticationSASLFinal{Data: b(serverFinal)}),
		backend("AuthenticationSASLFinal, empty", cont, 'R', i32(12), &messages.AuthenticationSASLFinal{Data: b("")}),

		frontend("PasswordMessage", auth, 'p', "s3cret\x00", &messages.PasswordMessage{Password: b("s3cret")}),
		frontend("PasswordMessage, empty", auth, 'p', "\x00", &messages.PasswordMessage{Password: b("")}),
		frontend("SASLInitialResponse", first, 'p', "SCRAM-SHA-256\x00"+val(clientFirst),
			&messages.SASLInitialResponse{Mechanism: b("SCRAM-SHA-256"), Data: b(clientFirst)}),
		frontend("SASLInitialResponse, token", first, 'p', "OAUTHBEARER\x00"+val(bearer),
			&messages.SASLInitialResponse{Mechanism: b("OAUTHBEARER"), Data: b(bearer)}),
		frontend("SASLInitialResponse, empty data", first, 'p', "SCRAM-SHA-256\x00"+val(""),
			&messages.SASLInitialResponse{Mechanism: b("SCRAM-SHA-256"), Data: b("")}),
		frontend("SASLInitialResponse, no data", first, 'p', "SCRAM-SHA-256\x00"+null,
			&messages.SASLInitialResponse{Mechanism: b("SCRAM-SHA-256")}),
		frontend("SASLResponse", cont, 'p', clientFinal, &messages.SASLResponse{Data: b(clientFinal)}),
		frontend("SASLResponse, empty", cont, 'p', "", &messages.SASLResponse{Data: b("")}),
		frontend("GSSResponse", gss, 'p', "\x60\x82\x00\x01", &messages.GSSResponse{Data: b("\x60\x82\x00\x01")}),
		frontend("GSSResponse, empty", gss, 'p', "", &messages.GSSResponse{Data: b("")}),
	}
}
