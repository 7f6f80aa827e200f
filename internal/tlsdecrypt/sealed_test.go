package tlsdecrypt

import (
	"bytes"
	"strings"
	"testing"
)

// wantPlay plays a fake and compares the transcript.
func wantPlay(t *testing.T, f *fake, log []byte, want ...string) Info {
	t.Helper()
	var info Info
	for _, size := range []int{0, 1, 1000} {
		var r *recorder
		r, info = play(keyLogOf(t, log), f.chunks, size)
		if got := r.String(); got != strings.Join(want, "\n")+"\n" {
			t.Fatalf("pieces of %d: got\n%s(%s: %s)", size, got, info.State, info.Reason)
		}
	}
	return info
}

var suites13 = []uint16{0x1301, 0x1302, 0x1303}

func TestSealed13(t *testing.T) {
	for _, id := range suites13 {
		f := newFake(t, versionTLS13, id, false)
		f.open()
		f.send(false, typeHandshake, message(msgNewSessionTicket, make([]byte, 200)))
		f.data(true, "Q1")
		f.keyUpdate(true)
		f.data(true, "Q2")
		f.data(false, "A1")
		f.keyUpdate(false)
		f.keyUpdate(false)
		f.data(false, "A2")
		f.raw(true, f.sealers[toServer].seal(typeApplicationData, []byte("padded"), 300))
		f.raw(true, f.sealers[toServer].seal(typeApplicationData, nil, 40))
		f.data(false, "A3")
		f.send(true, typeAlert, []byte{1, 0})
		info := wantPlay(t, f, f.log(), `C "Q1Q2"`, `S "A1A2"`, `C "padded"`, `S "A3"`)
		if info.KeyUpdates != [2]uint64{1, 2} || info.LastAlert != "close_notify" || info.Alerts != [2]uint64{1, 0} {
			t.Errorf("%+v", info)
		}
	}
}

// TestFragmentedHandshake: messages over several records, several in one.
func TestFragmentedHandshake(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1301, false)
	hello := f.clientHello(extension{extALPN, []byte("\x00\x0b\x0apostgresql")},
		extension{extServerName, []byte("\x00\x07\x00\x00\x04name")})
	for _, part := range [][]byte{hello[:3], hello[3:40], hello[40:]} {
		f.raw(true, recordOf(typeHandshake, versionTLS10, part))
	}
	sh := f.serverHello()
	f.raw(false, recordOf(typeHandshake, versionTLS12, sh[:50]))
	f.raw(false, recordOf(typeHandshake, versionTLS12, sh[50:]))
	f.raw(false, recordOf(typeChangeCipherSpec, versionTLS12, []byte{1}))
	f.use13(labelClientHandshake, labelServerHandshake)
	flight := message(msgEncryptedExtensions, []byte("\x00\x11\x00\x10\x00\x0d\x00\x0b\x0apostgresql"))
	flight = append(flight, message(15, bytes.Repeat([]byte{20}, 300))...) // CertificateVerify, read by nobody
	flight = append(flight, message(msgFinished, make([]byte, 32))...)
	f.send(false, typeHandshake, flight[:1])
	f.send(false, typeHandshake, flight[1:30])
	f.send(false, typeHandshake, flight[30:])
	f.sealers[toClient] = f.sealer13(f.secrets[labelServerTraffic])
	f.data(false, "early answer")
	f.raw(true, recordOf(typeChangeCipherSpec, versionTLS12, []byte{1}))
	f.send(true, typeHandshake, message(msgFinished, make([]byte, 32)))
	f.sealers[toServer] = f.sealer13(f.secrets[labelClientTraffic])
	f.data(true, "Q")
	info := wantPlay(t, f, f.log(), `S "early answer"`, `C "Q"`)
	if info.ALPN != "postgresql" || info.ServerName != "name" || len(info.OfferedALPN) != 1 {
		t.Errorf("%+v", info)
	}
}

// TestEarlyData: 0-RTT data is passed over, refused or accepted.
func TestEarlyData(t *testing.T) {
	for _, accepted := range []bool{false, true} {
		f := newFake(t, versionTLS13, 0x1301, false)
		f.raw(true, recordOf(typeHandshake, versionTLS10, f.clientHello(extension{extEarlyData, nil})))
		early := f.sealer13(bytes.Repeat([]byte{7}, 32))
		f.raw(true, early.seal(typeApplicationData, []byte("early 1"), 0))
		f.raw(false, recordOf(typeHandshake, versionTLS12, f.serverHello()))
		f.raw(true, early.seal(typeApplicationData, []byte("early 2"), 0))
		f.use13(labelClientHandshake, labelServerHandshake)
		extensions := []byte{0, 0}
		if accepted {
			extensions = []byte{0, 4, 0, extEarlyData, 0, 0}
		}
		f.send(false, typeHandshake, message(msgEncryptedExtensions, extensions))
		f.raw(true, early.seal(typeHandshake, message(5, nil), 0)) // EndOfEarlyData
		f.finish13()
		f.data(true, "Q")
		f.data(false, "A")
		want := []string{`C "Q"`, `S "A"`}
		if accepted {
			want = append([]string{"C-gap -1"}, want...)
		}
		info := wantPlay(t, f, f.log(), want...)
		if info.EarlyData != 3 || info.EarlyDataAccepted != accepted || info.State != Decrypting {
			t.Errorf("%+v", info)
		}
	}
}

// cbcCases are the block cipher suites with both places of the MAC.
var cbcCases = []struct{ version, suite uint16 }{
	{versionTLS10, 0xC013},
	{versionTLS11, 0xC014},
	{versionTLS12, 0xC009},
	{versionTLS12, 0xC027},
	{versionTLS12, 0xC028},
	{versionTLS12, 0x003D},
}

func TestEncryptThenMAC(t *testing.T) {
	for _, c := range cbcCases {
		for _, etm := range []bool{false, true} {
			f := newFake(t, c.version, c.suite, etm)
			f.open()
			f.data(true, "Q1")
			f.data(true, "")
			f.raw(false, f.sealers[toClient].seal(typeApplicationData, []byte("A1"), 9))
			f.data(false, strings.Repeat("x", 1<<14))
			f.send(false, typeAlert, []byte{2, 20})
			info := wantPlay(t, f, f.log(), `C "Q1"`, `S "A1xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"… 16386 bytes`)
			if info.EncryptThenMAC != etm || info.LastAlert != "bad_record_mac" {
				t.Errorf("%+v", info)
			}
		}
	}
}

// TestRenegotiation: the second handshake is inside the first.
func TestRenegotiation(t *testing.T) {
	for _, id := range []uint16{0xC02F, 0xCCA8, 0xC013} {
		f := newFake(t, versionTLS12, id, false)
		f.open()
		f.data(true, "Q1")
		log := f.log()
		f.send(false, typeHandshake, message(0, nil)) // HelloRequest
		f.newSecrets()
		f.send(true, typeHandshake, f.clientHello())
		f.data(false, "A1")
		f.send(false, typeHandshake, f.serverHello())
		f.send(false, typeHandshake, message(msgServerHelloDone, nil))
		f.change12()
		f.data(true, "Q2")
		f.data(false, "A2")
		wantPlay(t, f, append(log, f.log()...), `C "Q1"`, `S "A1"`, `C "Q2"`, `S "A2"`)

		r, info := play(keyLogOf(t, log), f.chunks, 0)
		if info.State != NoKeys || r.String() != "C \"Q1\"\nS \"A1\"\n" {
			t.Errorf("without the second secret: %+v\n%s", info, r)
		}
	}
}

// TestUnsupported: said with a reason, and what is visible is still read.
func TestUnsupported(t *testing.T) {
	for _, c := range []struct {
		version, suite uint16
		reason         string
	}{
		{versionTLS12, 0xC0AC, "cipher suite TLS_ECDHE_ECDSA_WITH_AES_128_CCM is not supported"},
		{versionTLS13, 0x1304, "cipher suite TLS_AES_128_CCM_SHA256 is not supported"},
		{versionTLS12, 0xC077, "cipher suite 0xC077 is not supported"},
		{versionSSL30, 0x002F, "version SSLv3 is not supported"},
	} {
		f := newFake(t, c.version, 0x1301, false)
		f.suite = suiteByID(c.suite)
		f.raw(true, recordOf(typeHandshake, versionTLS10, f.clientHello()))
		f.raw(false, recordOf(typeHandshake, min(c.version, versionTLS12), f.serverHello()))
		f.raw(true, recordOf(typeApplicationData, versionTLS12, make([]byte, 100)))
		r, info := play(keyLogOf(t, f.log()), f.chunks, 0)
		if info.State != Unsupported || info.Reason != c.reason || len(r.events) != 0 {
			t.Errorf("%04x: %s: %s\n%s", c.suite, info.State, info.Reason, r)
		}
		if info.Version != versionName(c.version) || info.CipherSuite != suiteByID(c.suite).name {
			t.Errorf("%+v", info)
		}
	}
}

// TestTrafficSecretsOnly: a key log without the handshake secrets.
func TestTrafficSecretsOnly(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1302, false)
	f.open()
	f.data(true, "Q")
	f.data(false, "A")
	var log []byte
	for line := range bytes.Lines(f.log()) {
		if !bytes.Contains(line, []byte("HANDSHAKE")) {
			log = append(log, line...)
		}
	}
	wantPlay(t, f, log, `C "Q"`, `S "A"`)
}

func TestWrongKeys(t *testing.T) {
	for _, c := range []struct {
		version, suite uint16
		spoil          []label
	}{
		{versionTLS12, 0xC02F, []label{labelMaster}},
		{versionTLS12, 0xC013, []label{labelMaster}},
		{versionTLS13, 0x1301, []label{labelClientHandshake, labelServerHandshake, labelClientTraffic, labelServerTraffic}},
		{versionTLS13, 0x1301, []label{labelClientTraffic, labelServerTraffic}},
	} {
		f := newFake(t, c.version, c.suite, false)
		f.open()
		for range 30 {
			f.data(true, "Q")
			f.data(false, "A")
		}
		for _, l := range c.spoil {
			f.secrets[l][0] ^= 1
		}
		for n := len(f.chunks); n > 0; n -= 7 { // the state does not wait for the end
			r, info := play(keyLogOf(t, f.log()), f.chunks[:n], 0)
			if len(r.events) != 0 {
				t.Fatalf("garbage from wrong keys:\n%s", r)
			}
			if n > 10 && (info.State != WrongKeys || info.Reason == "") {
				t.Errorf("%04x, %d chunks: %s (%s)", c.suite, n, info.State, info.Reason)
			}
		}
	}
}

func TestNotTLS(t *testing.T) {
	for _, b := range []string{"HTTP/1.1 400 Bad Request", "\x00\x00\x00\x08\x00\x03\x00\x00", "E"} {
		r, info := play(NewKeyLog(nil), []chunk{{true, []byte(b)}}, 0)
		if info.State != NotTLS || len(r.events) != 0 {
			t.Errorf("%q: %s", b, info.State)
		}
	}
}
