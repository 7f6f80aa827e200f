package otlp

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// explained adds to an error of sending what to do about it, where TLS is the trouble.
func (c *Config) explained(err error) error {
	var (
		unknown x509.UnknownAuthorityError
		name    x509.HostnameError
		invalid x509.CertificateInvalidError
	)
	switch {
	case err == nil:
		return nil
	case errors.As(err, &unknown) && c.TLS != nil && c.TLS.RootCAs != nil:
		return fmt.Errorf("%w: the file of OTEL_EXPORTER_OTLP_CERTIFICATE does not have the authority that signed the collector's certificate", err)
	case errors.As(err, &unknown):
		return fmt.Errorf("%w: OTEL_EXPORTER_OTLP_CERTIFICATE=FILE names the certificate of the collector's own authority", err)
	case errors.As(err, &name):
		return fmt.Errorf("%w: the URL has to have a name that the collector's certificate has", err)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Errorf("%w: the collector's certificate has to be renewed, or this host's clock set", err)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%w: the collector does not use TLS there: the URL has to begin with http://", err)
	case strings.HasPrefix(c.Endpoint, "http:") && strings.Contains(err.Error(), `malformed HTTP response "\x15\x03`):
		return fmt.Errorf("%w: %s", err, wantsTLS) // an alert of TLS
	}
	return err
}

// wantsTLS is what to do where a collector that uses TLS is spoken to without.
const wantsTLS = "the collector uses TLS there: the URL has to begin with https://"

// saysTLS reports whether an answer to a request without TLS is that of a server that wants
// TLS: of Go, as the OpenTelemetry Collector is, or of nginx.
func saysTLS(status int, answer []byte) bool {
	return status == http.StatusBadRequest &&
		(bytes.Contains(answer, []byte("sent an HTTP request to an HTTPS server")) ||
			bytes.Contains(answer, []byte("plain HTTP request was sent to HTTPS port")))
}
