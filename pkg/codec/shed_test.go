package codec

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/pgsniff/pgsniff/pkg/messages"
)

// shedFrames reads all that a Stream has to say until it needs more.
func shedFrames(s *Stream, p messages.Phase) (list []string) {
	for {
		switch s.Next(p) {
		case FrameReady:
			f := s.Frame()
			list = append(list, fmt.Sprint(f.Kind, " ", f.Len, " ", len(f.Body), " ", f.Truncated, " ", f.Lost))
		case SkipReady:
			list = append(list, fmt.Sprint("skip ", s.Skip().Bytes))
		default:
			return list
		}
	}
}

func queryOf(n int) []byte {
	b := binary.BigEndian.AppendUint32([]byte{'Q'}, uint32(n+4))
	return append(append(b, bytes.Repeat([]byte{'x'}, n-1)...), 0)
}

// TestShed takes the memory away at every place of a message: the message is
// delivered without its body, and what follows is not lost.
func TestShed(t *testing.T) {
	const n = 3000
	q := queryOf(n)
	for _, limit := range []int{0, 1000} { // the second is stepped over
		for cut := 1; cut < len(q); cut += 7 {
			s := NewStream(messages.Frontend, StreamOptions{MaxMessage: limit})
			s.Feed(q[:cut])
			got := shedFrames(s, messages.PhaseReady)
			s.Shed()
			if h := s.Held(); h > 64 {
				t.Fatalf("cut at %d: %d bytes are held after Shed", cut, h)
			}
			s.Feed(q[cut:])
			got = append(got, shedFrames(s, messages.PhaseReady)...)
			s.Feed(queryOf(5))
			got = append(got, shedFrames(s, messages.PhaseReady)...)
			want := []string{fmt.Sprint("Query ", n+5, " 0 true 0"), "Query 10 5 false 0"}
			if cut < standardHead { // only part of the header was there: it stays
				want[0] = fmt.Sprint("Query ", n+5, " ", n, " false 0")
				if limit > 0 {
					want[0] = fmt.Sprint("Query ", n+5, " ", limit, " true 0")
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(want) {
				t.Fatalf("limit %d, cut at %d: got %v, want %v", limit, cut, got, want)
			}
		}
	}
}

// TestShedWhileSearching passes over what is held and finds the next boundary
// all the same.
func TestShedWhileSearching(t *testing.T) {
	s := NewStream(messages.Frontend, StreamOptions{})
	s.MidStream()
	s.Feed(append([]byte("rest of a text\x00"), queryOf(200)[:100]...))
	got := shedFrames(s, messages.PhaseUnknown)
	s.Shed()
	if h := s.Held(); h > 4096 {
		t.Fatalf("%d bytes are held after Shed", h)
	}
	s.Feed(queryOf(200)[100:])
	for range 4 {
		s.Feed(queryOf(20))
		got = append(got, shedFrames(s, messages.PhaseReady)...)
	}
	if n := len(got); n == 0 || got[n-1] != "Query 25 20 false 0" {
		t.Fatalf("got %v", got)
	}
}

// TestShedDoubtful gives up a message of an undefined type.
func TestShedDoubtful(t *testing.T) {
	s := NewStream(messages.Backend, StreamOptions{})
	b := binary.BigEndian.AppendUint32([]byte{'y'}, 1004)
	s.Feed(append(b, make([]byte, 500)...))
	if got := shedFrames(s, messages.PhaseReady); got != nil {
		t.Fatalf("got %v", got)
	}
	s.Shed()
	if h := s.Held(); h > 64 {
		t.Fatalf("%d bytes are held after Shed", h)
	}
	s.Feed([]byte("C\x00\x00\x00\x0dSELECT 1\x00Z\x00\x00\x00\x05I"))
	if got := fmt.Sprint(shedFrames(s, messages.PhaseReady)); got != "[skip 505 CommandComplete 14 9 false 0 ReadyForQuery 6 1 false 0]" {
		t.Fatalf("got %v", got)
	}
}
