package app

import (
	"path/filepath"
	"testing"
)

// A connection's record tells where the keys came from: of a key log, of the capture,
// of neither; where both have them, the key log was there first.
func TestDecryptedBy(t *testing.T) {
	for _, name := range []string{"tls12_RSA_AES256_GCM", "tls12_ECDHE_RSA_AES128_CBC_SHA", "tls13_aes128gcm"} {
		path := filepath.Join("../../testdata/pcaps", name)
		with := filepath.Join(t.TempDir(), "with.pcapng")
		sniff(t, "--keylog", path+".keys", "-w", with, "--embed-keys", path+".pcap")
		for _, c := range []struct {
			args []string
			want any
		}{
			{[]string{path + ".pcap"}, nil},
			{[]string{"--keylog", path + ".keys", path + ".pcap"}, "keylog"},
			{[]string{with}, "capture"},
			{[]string{"--workers", "2", with}, "capture"},
			{[]string{"--keylog", path + ".keys", with}, "keylog"},
		} {
			records, _ := sniff(t, c.args...)
			conns := ofType(records, "connection", 0)
			if len(conns) != 1 || conns[0]["decrypted_by"] != c.want || conns[0]["decrypted"] != (c.want != nil) {
				t.Errorf("%v: %v, want %v", c.args, conns, c.want)
			}
		}
	}
}
