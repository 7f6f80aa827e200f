package codec_test

import (
	"errors"
	"fmt"

	"github.com/pgsniff/pgsniff/pkg/codec"
	"github.com/pgsniff/pgsniff/pkg/messages"
)

// A driver reads what its server sent, in whatever pieces it came.
func ExampleDecoder() {
	d := codec.NewBackendDecoder(codec.DecoderOptions{Phase: messages.PhaseSimpleQuery})

	var sent []byte
	sent = (&messages.CommandComplete{Tag: []byte("SELECT 1")}).Append(sent)
	sent = (&messages.ReadyForQuery{Status: 'I'}).Append(sent)

	for _, chunk := range [][]byte{sent[:9], sent[9:]} {
		d.Feed(chunk)
		for m, err := range d.All() {
			if err != nil {
				fmt.Println(err)
				continue
			}
			switch m := m.(type) {
			case *messages.CommandComplete:
				fmt.Printf("%v %s\n", m.Kind(), m.Tag)
			default:
				fmt.Println(m.Kind())
			}
		}
		fmt.Println("bytes kept for the next message:", d.Buffered())
	}
	// Output:
	// bytes kept for the next message: 9
	// CommandComplete SELECT 1
	// ReadyForQuery
	// bytes kept for the next message: 0
}

// A server reads what a client sends; the phase, which its program sets, tells how it is
// framed: a startup packet has no type byte.
func ExampleDecoder_SetPhase() {
	d := codec.NewFrontendDecoder(codec.DecoderOptions{})
	fmt.Println(d.Phase())
	sent := (&messages.StartupMessage{Parameters: []messages.Pair{{Name: []byte("user"), Value: []byte("alice")}}}).Append(nil)
	sent = (&messages.Query{SQL: []byte("SELECT 1")}).Append(sent)
	for ; len(sent) > 0; sent = sent[min(10, len(sent)):] {
		d.Feed(sent[:min(10, len(sent))])
		for m, err := range d.All() {
			fmt.Println(m, err)
			if m.Kind() == messages.KindStartupMessage {
				d.SetPhase(messages.PhaseReady)
			}
		}
	}
	// Output:
	// startup
	// StartupMessage protocol_version="3.0" parameters=["user"="alice"] <nil>
	// Query query="SELECT 1" <nil>
}

// The error of a Decoder tells where the stream is broken.
func ExampleDecoder_Next() {
	d := codec.NewFrontendDecoder(codec.DecoderOptions{Phase: messages.PhaseReady})
	d.Feed([]byte("S\x00\x00\x00\x04Q\x00\x00\x00\x03"))
	for {
		m, err := d.Next()
		if errors.Is(err, codec.ErrNeedMore) {
			return
		}
		var broken *codec.FramingError
		if errors.As(err, &broken) {
			fmt.Println("broken at byte", broken.Offset)
			return
		}
		fmt.Println(m.Kind())
	}
	// Output:
	// Sync
	// broken at byte 5
}

// A passive reader goes on after bytes that were not captured.
func ExampleStream() {
	s := codec.NewStream(messages.Backend, codec.StreamOptions{})
	report := func() {
		for {
			switch s.Next(messages.PhaseReady) {
			case codec.FrameReady:
				f := s.Frame()
				fmt.Printf("%v of %d bytes, %d lost\n", f.Kind, f.Len, f.Lost)
			case codec.SkipReady:
				fmt.Printf("skipped: %+v\n", s.Skip())
			default:
				return
			}
		}
	}
	s.Feed([]byte("D\x00\x00\x00\x14\x00\x01\x00\x00\x00\x0aabc"))
	report()
	s.Gap(7)
	s.Feed([]byte("C\x00\x00\x00\x0dSELECT 1\x00Z\x00\x00\x00\x05I"))
	report()
	// Output:
	// DataRow of 21 bytes, 7 lost
	// CommandComplete of 14 bytes, 0 lost
	// ReadyForQuery of 6 bytes, 0 lost
}
