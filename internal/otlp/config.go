package otlp

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"
)

// Config says where to send to and how (OpenTelemetry: "OTLP Exporter
// Configuration").
type Config struct {
	// Endpoint is the collector's base URL: http://host:4318. "/v1/traces" and
	// "/v1/metrics" are put behind it.
	Endpoint string
	Headers  map[string]string
	Timeout  time.Duration // of one request
	Plain    bool          // do not compress
	TLS      *tls.Config
	// Resource are the attributes of whoever sends.
	Resource []KeyValue
}

// KeyValue is an attribute.
type KeyValue struct{ Key, Value string }

// defaultTimeout is the one that the specification gives.
const defaultTimeout = 10 * time.Second

// FromEnvironment makes a Config of the usual OTEL_ variables; endpoint, if not
// empty, is used in place of theirs. service is the default for service.name.
func FromEnvironment(endpoint, service string, getenv func(string) string) (*Config, error) {
	c := &Config{Endpoint: endpoint, Timeout: defaultTimeout}
	if c.Endpoint == "" {
		c.Endpoint = getenv("OTEL_EXPORTER_OTLP_ENDPOINT")
	}
	if err := c.checkEndpoint(); err != nil {
		return nil, err
	}
	if err := c.encoding(getenv); err != nil {
		return nil, err
	}
	var err error
	if c.Headers, err = headers(getenv); err != nil {
		return nil, err
	}
	if c.TLS, err = certificates(getenv); err != nil {
		return nil, err
	}
	c.Resource, err = resource(service, getenv)
	return c, err
}

func (c *Config) checkEndpoint() error {
	u, err := url.Parse(c.Endpoint)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("OTLP endpoint %q: must be a URL like http://localhost:4318", c.Endpoint)
	}
	if u.Port() == "4317" {
		return fmt.Errorf("OTLP endpoint %q: 4317 is the port for gRPC; OTLP over HTTP has 4318", c.Endpoint)
	}
	c.Endpoint = strings.TrimRight(c.Endpoint, "/")
	return nil
}

func (c *Config) encoding(getenv func(string) string) error {
	if v := getenv("OTEL_EXPORTER_OTLP_TIMEOUT"); v != "" {
		ms, err := strconv.Atoi(v)
		if err != nil || ms <= 0 {
			return fmt.Errorf("OTEL_EXPORTER_OTLP_TIMEOUT=%q: must be milliseconds", v)
		}
		c.Timeout = time.Duration(ms) * time.Millisecond
	}
	switch v := getenv("OTEL_EXPORTER_OTLP_COMPRESSION"); v {
	case "", "gzip":
	case "none":
		c.Plain = true
	default:
		return fmt.Errorf("OTEL_EXPORTER_OTLP_COMPRESSION=%q: must be gzip or none", v)
	}
	return nil
}

// pairs reads a list like key1=value1,key2=value2, with values in URL encoding.
func pairs(name string, getenv func(string) string) (map[string]string, error) {
	m := make(map[string]string)
	for _, part := range strings.Split(getenv(name), ",") {
		if strings.TrimSpace(part) == "" {
			continue
		}
		key, value, ok := strings.Cut(part, "=")
		decoded, err := url.PathUnescape(strings.TrimSpace(value))
		if key = strings.TrimSpace(key); !ok || key == "" || err != nil {
			return nil, fmt.Errorf("%s: must be a list like key=value,key=value", name) // the value may be a secret
		}
		m[key] = decoded
	}
	return m, nil
}

// headers are those of each request. What cannot be one is refused here: it would be told
// as trouble with the collector.
func headers(getenv func(string) string) (map[string]string, error) {
	const name = "OTEL_EXPORTER_OTLP_HEADERS"
	m, err := pairs(name, getenv)
	for key, value := range m {
		if strings.ContainsFunc(key, notOfToken) || strings.ContainsFunc(value, notOfValue) {
			return nil, fmt.Errorf("%s: %q cannot be a header", name, key) // the value may be a secret
		}
	}
	return m, err
}

// notOfToken and notOfValue are what RFC 9110 does not have in names and values of fields.
func notOfToken(r rune) bool {
	return r <= ' ' || r >= 0x7f || strings.ContainsRune("\"(),/:;<=>?@[\\]{}", r)
}

func notOfValue(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }

func certificates(getenv func(string) string) (*tls.Config, error) {
	ca, cert, key := getenv("OTEL_EXPORTER_OTLP_CERTIFICATE"), getenv("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"), getenv("OTEL_EXPORTER_OTLP_CLIENT_KEY")
	if ca == "" && cert == "" && key == "" {
		return nil, nil
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if ca != "" {
		pem, err := os.ReadFile(ca)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: %w", err)
		}
		if c.RootCAs = x509.NewCertPool(); !c.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CERTIFICATE: no certificate in %s", ca)
		}
	}
	if (cert == "") != (key == "") {
		return nil, errors.New("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY go together")
	}
	if cert != "" {
		pair, err := tls.LoadX509KeyPair(cert, key)
		if err != nil {
			return nil, fmt.Errorf("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: %w", err)
		}
		c.Certificates = []tls.Certificate{pair}
	}
	return c, nil
}

func resource(service string, getenv func(string) string) ([]KeyValue, error) {
	m, err := pairs("OTEL_RESOURCE_ATTRIBUTES", getenv)
	if err != nil {
		return nil, err
	}
	if v := getenv("OTEL_SERVICE_NAME"); v != "" {
		service = v
	} else if v := m["service.name"]; v != "" {
		service = v
	}
	list := []KeyValue{{"service.name", service}}
	for _, key := range sortedKeys(m) {
		if key != "service.name" {
			list = append(list, KeyValue{key, m[key]})
		}
	}
	return list, nil
}
