package attach

import "strings"

// CipherName translates OpenSSL's name of a cipher suite into the one that IANA
// registered; empty where it cannot. The names of TLS 1.3 are the same.
func CipherName(openssl string) string {
	if openssl == "" || strings.HasPrefix(openssl, "TLS_") {
		return openssl
	}
	rest, exchange := openssl, "RSA"
	for _, x := range []struct{ prefix, name string }{
		{"ECDHE-ECDSA-", "ECDHE_ECDSA"}, {"ECDHE-RSA-", "ECDHE_RSA"}, {"DHE-RSA-", "DHE_RSA"},
	} {
		if after, ok := strings.CutPrefix(openssl, x.prefix); ok {
			rest, exchange = after, x.name
		}
	}
	cipher := bulkNames[rest]
	if cipher == "" {
		return ""
	}
	return "TLS_" + exchange + "_WITH_" + cipher
}

// bulkNames are those of what encrypts and authenticates.
var bulkNames = map[string]string{
	"AES128-GCM-SHA256": "AES_128_GCM_SHA256",
	"AES256-GCM-SHA384": "AES_256_GCM_SHA384",
	"CHACHA20-POLY1305": "CHACHA20_POLY1305_SHA256",
	"AES128-CCM":        "AES_128_CCM",
	"AES256-CCM":        "AES_256_CCM",
	"AES128-SHA256":     "AES_128_CBC_SHA256",
	"AES256-SHA256":     "AES_256_CBC_SHA256",
	"AES256-SHA384":     "AES_256_CBC_SHA384",
	"AES128-SHA":        "AES_128_CBC_SHA",
	"AES256-SHA":        "AES_256_CBC_SHA",
}
