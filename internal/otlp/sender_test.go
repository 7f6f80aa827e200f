package otlp

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// collector answers what its handler says and keeps the bodies that it took.
type collector struct {
	*httptest.Server
	mu     sync.Mutex
	bodies []string
	header http.Header
}

func newCollector(t *testing.T, answer func(n int, w http.ResponseWriter)) *collector {
	c := new(collector)
	n := 0
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body := io.Reader(r.Body)
		if r.Header.Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(r.Body)
			if err != nil {
				t.Error(err)
				return
			}
			body = z
		}
		b, err := io.ReadAll(body)
		if err != nil {
			t.Error(err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		n++
		c.bodies = append(c.bodies, r.URL.Path+" "+string(b))
		c.header = r.Header
		answer(n, w)
	}))
	t.Cleanup(c.Close)
	return c
}

func send(t *testing.T, c *collector, env map[string]string, bodies ...string) (sent uint64, d Dropped, warnings int64) {
	t.Helper()
	cfg, err := FromEnvironment(c.URL+"/", "pgsniff", func(k string) string { return env[k] })
	if err != nil {
		t.Fatal(err)
	}
	var warned atomic.Int64
	s := NewSender(cfg, func(error) { warned.Add(1) })
	for _, b := range bodies {
		s.Send("/v1/traces", []byte(b), 10)
	}
	sent, d = s.Close(time.Minute)
	return sent, d, warned.Load()
}

func TestSend(t *testing.T) {
	c := newCollector(t, func(_ int, w http.ResponseWriter) { w.WriteHeader(http.StatusOK) })
	sent, d, warned := send(t, c, map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=a%20b,x=y"}, "one", "two")
	if got := strings.Join(c.bodies, "|"); got != "/v1/traces one|/v1/traces two" {
		t.Error(got)
	}
	if sent != 20 || d.Total() != 0 || warned != 0 {
		t.Error(sent, d, warned)
	}
	if c.header.Get("Api-Key") != "a b" || c.header.Get("X") != "y" || c.header.Get("Content-Type") != "application/json" {
		t.Error(c.header)
	}
}

// TestRetry holds that what a collector cannot take for the moment comes again, and
// that it is said once that it was away and once that it is back.
func TestRetry(t *testing.T) {
	c := newCollector(t, func(n int, w http.ResponseWriter) {
		if n <= 2 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	sent, d, warned := send(t, c, nil, "one", "two")
	if sent != 20 || d.Total() != 0 || len(c.bodies) != 4 || warned != 2 {
		t.Error(sent, d, c.bodies, warned)
	}
}

func TestRejected(t *testing.T) {
	c := newCollector(t, func(n int, w http.ResponseWriter) {
		switch n {
		case 1:
			w.WriteHeader(http.StatusBadRequest)
		case 2:
			_, _ = io.WriteString(w, `{"partialSuccess":{"rejectedSpans":"3","errorMessage":"x"}}`)
		}
	})
	sent, d, warned := send(t, c, nil, "one", "two", "three")
	if sent != 17 || d != (Dropped{Rejected: 13}) || warned != 3 { // refused, took in part and says why, takes again
		t.Error(sent, d, warned)
	}
}

// TestQueue holds that a collector that does not answer costs a bounded queue, that
// sending never waits, and that what was lost is counted in full.
func TestQueue(t *testing.T) {
	hold := make(chan struct{})
	c := newCollector(t, func(int, http.ResponseWriter) { <-hold })
	defer close(hold)
	cfg, err := FromEnvironment(c.URL, "pgsniff", func(string) string { return "" })
	if err != nil {
		t.Fatal(err)
	}
	s := NewSender(cfg, func(error) {})
	const n = 100
	for range n {
		s.Send("/v1/traces", make([]byte, 1<<20), 1)
	}
	s.mu.Lock()
	held := s.bytes
	s.mu.Unlock()
	if held > maxQueueBytes {
		t.Errorf("%d bytes in the queue", held)
	}
	sent, d := s.Close(0)
	if sent != 0 || d.Total() != n || d.Queue < n-maxQueueBytes>>20-1 {
		t.Error(sent, d)
	}
}

func TestFromEnvironment(t *testing.T) {
	for _, test := range []struct{ name, endpoint, value, want string }{
		{"", "localhost:4318", "", "must be a URL"},
		{"", "http://h:4317", "", "gRPC"},
		{"OTEL_EXPORTER_OTLP_TIMEOUT", "http://h", "soon", "milliseconds"},
		{"OTEL_EXPORTER_OTLP_COMPRESSION", "http://h", "zstd", "gzip or none"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "http://h", "secret", "key=value"},
		{"OTEL_EXPORTER_OTLP_HEADERS", "http://h", "api key=secret", `"api key" cannot be a header`},
		{"OTEL_EXPORTER_OTLP_HEADERS", "http://h", "api-key=secret%0d%0ax: y", `"api-key" cannot be a header`},
		{"OTEL_EXPORTER_OTLP_CERTIFICATE", "https://h", "/nonexistent", "no such file"},
		{"OTEL_EXPORTER_OTLP_CLIENT_KEY", "https://h", "x", "go together"},
	} {
		_, err := FromEnvironment(test.endpoint, "x", func(k string) string {
			if k == test.name {
				return test.value
			}
			return ""
		})
		if err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s=%s: %v", test.name, test.value, err)
		}
	}
	env := map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": "https://h:4318/", "OTEL_RESOURCE_ATTRIBUTES": "service.name=a,host.name=b%2Cc", "OTEL_EXPORTER_OTLP_TIMEOUT": "250"}
	c, err := FromEnvironment("", "pgsniff", func(k string) string { return env[k] })
	if err != nil || c.Endpoint != "https://h:4318" || c.Timeout != 250*time.Millisecond ||
		len(c.Resource) != 2 || c.Resource[0] != (KeyValue{"service.name", "a"}) || c.Resource[1] != (KeyValue{"host.name", "b,c"}) {
		t.Errorf("%+v %v", c, err)
	}
}

// TestRetryAfter wants no try before the collector asked for one, in either form of it.
func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-1": 0, "0": 0, "3": 3 * time.Second, "99999": maxAsked, "99999999999999999999": 0,
		"Sat, 28 Nov 2026 12:00:04 GMT": 4 * time.Second, "Sat, 28 Nov 2026 11:00:00 GMT": 0, "Sun, 29 Nov 2026 12:00:00 GMT": maxAsked,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %v, not %v", value, got, want)
		}
	}
	for range 1000 {
		if d := pauseFor(firstBackoff, 3*time.Second); d < 3*time.Second || d > 4*time.Second {
			t.Errorf("asked for 3 s, waits %v", d)
		}
		if d := pauseFor(firstBackoff, 0); d < firstBackoff/2 || d > firstBackoff {
			t.Errorf("waits %v", d)
		}
	}
}

// TestRedirect holds that a body goes to no other place, and that one which was sent on
// is not counted as delivered.
func TestRedirect(t *testing.T) {
	other := newCollector(t, func(int, http.ResponseWriter) {})
	for _, status := range []int{http.StatusMovedPermanently, http.StatusFound, http.StatusTemporaryRedirect} {
		c := newCollector(t, func(_ int, w http.ResponseWriter) {
			w.Header().Set("Location", other.URL+"/v1/traces")
			w.WriteHeader(status)
		})
		sent, d, _ := send(t, c, map[string]string{"OTEL_EXPORTER_OTLP_HEADERS": "api-key=secret"}, "one")
		if sent != 0 || d != (Dropped{Rejected: 10}) || len(other.bodies) != 0 {
			t.Errorf("%d: %d sent, %+v, elsewhere %q", status, sent, d, other.bodies)
		}
	}
}

// TestAnswers holds that what a collector says of what it took is told, once, and that no
// answer does harm.
func TestAnswers(t *testing.T) {
	long := strings.Repeat("ż", maxMessage)
	for answer, want := range map[string]string{
		`{"partialSuccess":{"errorMessage":"please upgrade"}}`:                      "OTLP: the collector says: please upgrade",
		`{"partialSuccess":{"rejectedDataPoints":2,"errorMessage":"` + long + `"}}`: "OTLP: the collector refused 2 spans or points: " + long[:maxMessage] + "…",
		`{"partialSuccess":{"rejectedSpans":"-5"}}`:                                 "",
		`{"partialSuccess":{"rejectedSpans":"99999999999999999999"}}`:               "",
		`{}`: "", "": "", "nothing": "", `{"partialSuccess":7}`: "", strings.Repeat("[", 2*maxAnswer): "",
	} {
		c := newCollector(t, func(_ int, w http.ResponseWriter) { _, _ = io.WriteString(w, answer) })
		cfg, err := FromEnvironment(c.URL, "pgsniff", func(string) string { return "" })
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		s := NewSender(cfg, func(err error) { told = append(told, err.Error()) })
		s.Send("/v1/traces", []byte("one"), 10)
		s.Send("/v1/traces", []byte("two"), 10)
		if sent, d := s.Close(time.Minute); sent+d.Total() != 20 {
			t.Errorf("%q: %d sent, %+v", answer, sent, d)
		}
		if got := strings.Join(told, "|"); got != want {
			t.Errorf("%.80q: %q is told, not %q", answer, got, want)
		}
	}
}
