package scram

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/x509"
)

// EndPoint returns what SCRAM-SHA-256-PLUS is bound to: the hash of the server's
// certificate, by the hash of its signature, but SHA-256 for MD5 and SHA-1 (RFC
// 5929, section 4). It is nil where there is no certificate, or its signature has no
// hash of its own (Ed25519), for which the RFC defines nothing.
func EndPoint(certificate *x509.Certificate) []byte {
	if certificate == nil {
		return nil
	}
	switch certificate.SignatureAlgorithm {
	case x509.MD5WithRSA, x509.SHA1WithRSA, x509.DSAWithSHA1, x509.ECDSAWithSHA1,
		x509.SHA256WithRSA, x509.SHA256WithRSAPSS, x509.DSAWithSHA256, x509.ECDSAWithSHA256:
		sum := sha256.Sum256(certificate.Raw)
		return sum[:]
	case x509.SHA384WithRSA, x509.SHA384WithRSAPSS, x509.ECDSAWithSHA384:
		sum := sha512.Sum384(certificate.Raw)
		return sum[:]
	case x509.SHA512WithRSA, x509.SHA512WithRSAPSS, x509.ECDSAWithSHA512:
		sum := sha512.Sum512(certificate.Raw)
		return sum[:]
	}
	return nil
}
