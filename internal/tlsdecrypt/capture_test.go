package tlsdecrypt

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
)

const pcapDir = "../../testdata/pcaps"

// readCapture returns the TCP payloads of a capture of Ethernet frames, of one
// connection, in which nothing was lost or sent twice. Port 5432 is the
// server's.
func readCapture(t testing.TB, name string) []chunk {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(pcapDir, name))
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader, packetHeader, ethernet = 24, 16, 14
	var out []chunk
	for b = b[fileHeader:]; len(b) > 0; {
		n := int(binary.LittleEndian.Uint32(b[8:]))
		ip := b[packetHeader+ethernet : packetHeader+n]
		b = b[packetHeader+n:]
		ip = ip[:binary.BigEndian.Uint16(ip[2:])]
		tcp := ip[int(ip[0]&15)*4:]
		payload := tcp[int(tcp[12]>>4)*4:]
		if len(payload) > 0 {
			out = append(out, chunk{fromClient: binary.BigEndian.Uint16(tcp[2:]) == 5432, b: payload})
		}
	}
	return out
}

// afterSSLRequest takes the negotiation off, which has to be there.
func afterSSLRequest(t testing.TB, chunks []chunk) []chunk {
	t.Helper()
	sslRequest := []byte("\x00\x00\x00\x08\x04\xd2\x16\x2f")
	if len(chunks) < 3 || !bytes.Equal(chunks[0].b, sslRequest) || string(chunks[1].b) != "S" {
		t.Fatal("the capture does not begin with SSLRequest and S")
	}
	return chunks[2:]
}

func captureKeys(t testing.TB, name string) *KeyLog {
	t.Helper()
	k := NewKeyLog(func(w Warning) { t.Error(w) })
	if err := k.OpenFile(filepath.Join(pcapDir, name)); err != nil {
		t.Fatal(err)
	}
	return k
}

// messagesIn counts a direction's PostgreSQL messages, all of which must be
// whole.
func messagesIn(t *testing.T, b []byte, startup bool) int {
	t.Helper()
	n := 0
	for ; len(b) > 0; n++ {
		head := 1
		if startup && n == 0 {
			head = 0
		}
		if len(b) < head+4 {
			t.Fatalf("message %d is cut", n)
		}
		size := head + int(binary.BigEndian.Uint32(b[head:]))
		if size < head+4 || size > len(b) {
			t.Fatalf("message %d of %d bytes, %d left", n, size, len(b))
		}
		b = b[size:]
	}
	return n
}

// The counts of messages and bytes are those that the client's own trace has.
var captures = []struct {
	name, version, suite  string
	requests, clientBytes int
	replies, serverBytes  int
}{
	{"tls13_aes128gcm", "TLSv1.3", "TLS_AES_128_GCM_SHA256", 21, 926, 343, 66688},
	{"tls13_chacha20", "TLSv1.3", "TLS_CHACHA20_POLY1305_SHA256", 21, 926, 343, 66688},
	{"tls12_RSA_AES256_GCM", "TLSv1.2", "TLS_RSA_WITH_AES_256_GCM_SHA384", 21, 926, 341, 66678},
	{"tls12_ECDHE_RSA_AES128_CBC_SHA", "TLSv1.2", "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA", 21, 926, 341, 66678},
}

func TestCaptures(t *testing.T) {
	for _, c := range captures {
		t.Run(c.name, func(t *testing.T) {
			chunks := afterSSLRequest(t, readCapture(t, c.name+".pcap"))
			r, info := play(captureKeys(t, c.name+".keys"), chunks, 0)
			if info.State != Decrypting || info.Version != c.version || info.CipherSuite != c.suite {
				t.Fatalf("%+v", info)
			}
			client, server := r.bytesOf(true), r.bytesOf(false)
			if len(client) < 8 || !bytes.Equal(client[4:8], []byte{0, 3, 0, 0}) {
				t.Fatalf("no StartupMessage: %q", client[:min(len(client), 16)])
			}
			if n := messagesIn(t, client, true); n != c.requests || len(client) != c.clientBytes {
				t.Errorf("client: %d messages, %d bytes", n, len(client))
			}
			if n := messagesIn(t, server, false); n != c.replies || len(server) != c.serverBytes {
				t.Errorf("server: %d messages, %d bytes", n, len(server))
			}
			if info.Gaps != [2]uint64{} || info.Unauthentic != [2]uint64{} {
				t.Errorf("%+v", info)
			}
		})
	}
}
