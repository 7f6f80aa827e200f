package otlp

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

// The queue holds what waits for a collector that is slow or away, so that capturing
// never waits for it. What does not fit is dropped and counted.
const (
	maxQueueBytes = 32 << 20
	firstBackoff  = time.Second
	maxBackoff    = 30 * time.Second
	// maxTries bounds how often a request is sent again, as the specification's
	// exporters do: some minutes.
	maxTries = 8
	// maxAnswer is how much of an answer is read.
	maxAnswer = 64 << 10
)

// request is a body that waits to be sent.
type request struct {
	path  string
	body  []byte
	items int // spans or points in it
}

// Dropped counts what could not be delivered.
type Dropped struct {
	Queue    uint64 // the queue was full
	Rejected uint64 // the collector did not want it
	Failed   uint64 // given up after many tries, or at the end
}

// Total returns the sum.
func (d Dropped) Total() uint64 { return d.Queue + d.Rejected + d.Failed }

// Sender sends requests one after another, in a goroutine of its own. Its methods may
// be called from any goroutine.
type Sender struct {
	cfg    *Config
	client *http.Client
	warn   func(error)

	mu      sync.Mutex
	queue   []request
	bytes   int
	dropped Dropped
	sent    uint64
	warned  bool

	wake   chan struct{}
	stop   context.Context
	cancel context.CancelFunc
	closed chan struct{} // closed when no more will come
	done   chan struct{}
}

// NewSender starts a sender. warn is told of the first failure of each kind of
// trouble, and when it is over; it must not block.
func NewSender(cfg *Config, warn func(error)) *Sender {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig = cfg.TLS
	transport.MaxIdleConnsPerHost = 2
	s := &Sender{
		cfg: cfg, client: &http.Client{Transport: transport, Timeout: cfg.Timeout}, warn: warn,
		wake: make(chan struct{}, 1), closed: make(chan struct{}), done: make(chan struct{}),
	}
	s.stop, s.cancel = context.WithCancel(context.Background())
	go s.run()
	return s
}

// Send queues a body for a path, /v1/traces or /v1/metrics. The body is the sender's
// from then on.
func (s *Sender) Send(path string, body []byte, items int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.bytes+len(body) > maxQueueBytes {
		s.dropped.Queue += uint64(items)
		return
	}
	s.queue = append(s.queue, request{path, body, items})
	s.bytes += len(body)
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close waits until all is sent, at most for the given time, and returns what was
// sent and what was dropped.
func (s *Sender) Close(patience time.Duration) (sent uint64, dropped Dropped) {
	close(s.closed)
	timer := time.AfterFunc(patience, s.cancel)
	<-s.done
	timer.Stop()
	s.cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.queue {
		s.dropped.Failed += uint64(r.items)
	}
	s.queue = nil
	return s.sent, s.dropped
}

// Counts returns what was sent and dropped so far.
func (s *Sender) Counts() (sent uint64, dropped Dropped) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent, s.dropped
}

func (s *Sender) run() {
	defer close(s.done)
	for {
		r, ok := s.next()
		if !ok {
			select {
			case <-s.wake:
				continue
			case <-s.closed:
				if r, ok = s.next(); !ok {
					return
				}
			}
		}
		s.deliver(&r)
		if s.stop.Err() != nil {
			return
		}
	}
}

// next takes the oldest request off the queue.
func (s *Sender) next() (request, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return request{}, false
	}
	r := s.queue[0]
	s.queue[0] = request{}
	s.queue = s.queue[1:]
	s.bytes -= len(r.body)
	return r, true
}

// errRejected tells that sending the same again is of no use.
type errRejected struct{ error }

// deliver sends a request until the collector has taken or refused it.
func (s *Sender) deliver(r *request) {
	wait := firstBackoff
	for try := 1; ; try++ {
		rejected, after, err := s.post(r)
		if err == nil {
			s.delivered(r, rejected)
			return
		}
		var final errRejected
		if errors.As(err, &final) || try == maxTries || s.stop.Err() != nil {
			s.failed(r, err, errors.As(err, &final))
			return
		}
		s.trouble(err)
		if after > 0 {
			wait = after
		}
		// Half of it is by chance, so that many do not come at once.
		pause := time.NewTimer(wait/2 + rand.N(wait/2+1))
		select {
		case <-pause.C:
		case <-s.stop.Done():
			pause.Stop()
		}
		wait = min(2*wait, maxBackoff)
	}
}

func (s *Sender) delivered(r *request, rejected int) {
	s.mu.Lock()
	s.sent += uint64(max(r.items-rejected, 0))
	s.dropped.Rejected += uint64(min(rejected, r.items))
	was := s.warned
	s.warned = false
	s.mu.Unlock()
	if was {
		s.warn(errors.New("OTLP: the collector takes data again"))
	}
}

func (s *Sender) failed(r *request, err error, refused bool) {
	s.mu.Lock()
	if refused {
		s.dropped.Rejected += uint64(r.items)
	} else {
		s.dropped.Failed += uint64(r.items)
	}
	s.mu.Unlock()
	s.trouble(err)
}

// trouble tells of a failure, once until something is delivered.
func (s *Sender) trouble(err error) {
	s.mu.Lock()
	was := s.warned
	s.warned = true
	s.mu.Unlock()
	if !was {
		s.warn(fmt.Errorf("OTLP: %w", err))
	}
}

// post sends a request once. It returns how many items the collector did not want and
// how long it asks to wait.
func (s *Sender) post(r *request) (rejected int, after time.Duration, err error) {
	body := r.body
	if !s.cfg.Plain {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		_, _ = z.Write(body) // a bytes.Buffer takes all
		_ = z.Close()
		body = b.Bytes()
	}
	req, err := http.NewRequestWithContext(s.stop, http.MethodPost, s.cfg.Endpoint+r.path, bytes.NewReader(body))
	if err != nil {
		return 0, 0, errRejected{err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "pgsniff")
	if !s.cfg.Plain {
		req.Header.Set("Content-Encoding", "gzip")
	}
	for _, key := range sortedKeys(s.cfg.Headers) {
		req.Header.Set(key, s.cfg.Headers[key])
	}
	res, err := s.client.Do(req)
	if err != nil {
		return 0, 0, err
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // what there is of it
	switch {
	case res.StatusCode/100 == 2:
		return partial(answer), 0, nil
	case retryable(res.StatusCode):
		seconds, _ := strconv.Atoi(res.Header.Get("Retry-After"))
		return 0, min(time.Duration(seconds)*time.Second, maxBackoff), fmt.Errorf("%s: %s", req.URL.Redacted(), res.Status)
	}
	return 0, 0, errRejected{fmt.Errorf("%s: %s", req.URL.Redacted(), res.Status)}
}

// retryable are the answers after which a client may send again (OTLP: "Failures").
func retryable(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// partial returns how many items an answer says were rejected.
func partial(answer []byte) int {
	var v struct {
		PartialSuccess struct {
			RejectedSpans      json.RawMessage
			RejectedDataPoints json.RawMessage
		}
	}
	if json.Unmarshal(answer, &v) != nil {
		return 0
	}
	n := 0
	for _, raw := range []json.RawMessage{v.PartialSuccess.RejectedSpans, v.PartialSuccess.RejectedDataPoints} {
		i, err := strconv.Atoi(string(bytes.Trim(raw, `"`)))
		if err == nil && i > 0 {
			n += i
		}
	}
	return n
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
