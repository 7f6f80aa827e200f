// Package zoneinfo has the time zones of the tz database, for hosts that have none: an image
// with nothing but the program, Windows. Go's own time/tzdata is the same in four times
// the space.
package zoneinfo

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"sync"
	"time"
)

// packed is Go's lib/time/zoneinfo.zip as entries of a name and a zone, each after its
// length in two bytes, compressed with gzip. TestPacked writes it anew.
//
//go:embed zones.gz
var packed []byte

// Load returns a zone by its name, that of the host if it has one.
func Load(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err == nil {
		return zone, nil
	}
	data, known := database()[name]
	if !known {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}

// database returns what is packed. It is unpacked once, where it is needed at all.
var database = sync.OnceValue(func() map[string][]byte {
	zones, err := unpack(packed)
	if err != nil {
		panic(fmt.Errorf("the time zones within the program: %w", err)) // a test reads them
	}
	return zones
})

func unpack(packed []byte) (map[string][]byte, error) {
	r, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	rest, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	zones := make(map[string][]byte)
	for len(rest) > 0 {
		var name, data []byte
		name, rest = cut(rest)
		data, rest = cut(rest)
		zones[string(name)] = data
	}
	return zones, nil
}

// cut returns what stands after its length, and the rest.
func cut(b []byte) (field, rest []byte) {
	const width = 2
	end := width + int(binary.BigEndian.Uint16(b))
	return b[width:end], b[end:]
}
