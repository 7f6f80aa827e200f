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
	"strings"
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
	// maxAnswer is how much of an answer is read, maxMessage how much of its message is told.
	maxAnswer, maxMessage = 64 << 10, 200
	// maxAsked is how long a collector may have us wait (Retry-After).
	maxAsked = 5 * time.Minute
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

	complaint string // the latest of a collector that took something in part; of the goroutine

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
		cfg: cfg, client: &http.Client{Transport: transport, Timeout: cfg.Timeout, CheckRedirect: noRedirect}, warn: warn,
		wake: make(chan struct{}, 1), closed: make(chan struct{}), done: make(chan struct{}),
	}
	s.stop, s.cancel = context.WithCancel(context.Background())
	go s.run()
	return s
}

// noRedirect has an answer that names another place be taken as it is: a request that is
// sent on may lose its body and be answered all the same, and the headers, with keys in
// them, are not for others.
func noRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

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
		pause := time.NewTimer(pauseFor(wait, after))
		select {
		case <-pause.C:
		case <-s.stop.Done():
			pause.Stop()
		}
		wait = min(2*wait, maxBackoff)
	}
}

// pauseFor is how long to wait before the next try: half of the usual time and more by
// chance, so that many do not come at once, and never less than the collector asked for.
func pauseFor(usual, asked time.Duration) time.Duration {
	if asked > 0 {
		return asked + rand.N(asked/8+1)
	}
	return usual/2 + rand.N(usual/2+1)
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
		return 0, 0, s.cfg.explained(err)
	}
	defer res.Body.Close()
	answer, _ := io.ReadAll(io.LimitReader(res.Body, maxAnswer)) // what there is of it
	switch {
	case res.StatusCode/100 == 2:
		rejected, message := partial(answer)
		s.complain(rejected, message)
		return rejected, 0, nil
	case retryable(res.StatusCode):
		return 0, retryAfter(res.Header.Get("Retry-After"), time.Now()), fmt.Errorf("%s: %s", req.URL.Redacted(), res.Status)
	case req.URL.Scheme == "http" && saysTLS(res.StatusCode, answer):
		return 0, 0, errRejected{fmt.Errorf("%s: %s: %s", req.URL.Redacted(), res.Status, wantsTLS)}
	}
	return 0, 0, errRejected{fmt.Errorf("%s: %s", req.URL.Redacted(), res.Status)}
}

// retryAfter is how long an answer asks to wait, in seconds or until a time (RFC 9110); 0
// where it does not say.
func retryAfter(value string, now time.Time) time.Duration {
	if seconds, err := strconv.ParseUint(value, 10, 31); err == nil {
		return min(time.Duration(seconds)*time.Second, maxAsked)
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(until.Sub(now), 0), maxAsked)
}

// complain tells what a collector says of a body that it took in part, or with a warning:
// the first time, and when it says something else.
func (s *Sender) complain(rejected int, message string) {
	if message == "" || message == s.complaint {
		return
	}
	s.complaint = message
	if rejected > 0 {
		s.warn(fmt.Errorf("OTLP: the collector refused %d spans or points: %s", rejected, message))
		return
	}
	s.warn(fmt.Errorf("OTLP: the collector says: %s", message))
}

// retryable are the answers after which a client may send again (OTLP: "Failures").
func retryable(status int) bool {
	switch status {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// partial returns how many items an answer says were rejected, and what it says of that.
func partial(answer []byte) (rejected int, message string) {
	var v struct {
		PartialSuccess struct {
			RejectedSpans      json.RawMessage
			RejectedDataPoints json.RawMessage
			ErrorMessage       string
		}
	}
	if json.Unmarshal(answer, &v) != nil {
		return 0, ""
	}
	for _, raw := range []json.RawMessage{v.PartialSuccess.RejectedSpans, v.PartialSuccess.RejectedDataPoints} {
		i, err := strconv.Atoi(string(bytes.Trim(raw, `"`)))
		if err == nil && i > 0 {
			rejected += i
		}
	}
	message = v.PartialSuccess.ErrorMessage
	if len(message) > maxMessage {
		message = strings.ToValidUTF8(message[:maxMessage], "") + "…"
	}
	return rejected, message
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
