package zoneinfo

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write zones.gz anew from Go's lib/time/zoneinfo.zip")

// goZones are the zones that Go comes with.
func goZones(t *testing.T) (names []string, zones map[string][]byte) {
	t.Helper()
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		t.Skip("no Go: ", err)
	}
	z, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	if err != nil {
		t.Skip("Go has no zones here: ", err)
	}
	defer z.Close()
	zones = make(map[string][]byte)
	for _, f := range z.File {
		if strings.HasSuffix(f.Name, "/") {
			continue
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		names, zones[f.Name] = append(names, f.Name), data
	}
	return names, zones
}

// TestPacked holds that each zone of Go's can be had, though not that it is the same: what
// Go has when the test is run may be newer.
func TestPacked(t *testing.T) {
	names, zones := goZones(t)
	if *update {
		var b []byte
		for _, name := range names {
			for _, field := range [][]byte{[]byte(name), zones[name]} {
				b = append(binary.BigEndian.AppendUint16(b, uint16(len(field))), field...)
			}
		}
		var out bytes.Buffer
		w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is one
		if _, err := w.Write(b); err != nil || w.Close() != nil {
			t.Fatal(err)
		}
		packed = out.Bytes()
		if err := os.WriteFile("zones.gz", packed, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := unpack(packed)
	if err != nil {
		t.Fatal(err)
	}
	if len(names) < 500 || len(have) < len(names) {
		t.Errorf("%d zones, Go has %d", len(have), len(names))
	}
	for _, name := range names {
		if _, err := time.LoadLocationFromTZData(name, have[name]); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestWithoutHost holds what zones say that a host has not.
func TestWithoutHost(t *testing.T) {
	summer := time.Date(2024, 7, 1, 12, 0, 0, 0, time.UTC)
	for name, want := range map[string]string{"Europe/Berlin": "14:00 CEST", "America/St_Johns": "09:30 NDT", "Asia/Kolkata": "17:30 IST", "UTC": "12:00 UTC"} {
		zone, err := time.LoadLocationFromTZData(name, database()[name])
		if err != nil {
			t.Fatal(err)
		}
		if got := summer.In(zone).Format("15:04 MST"); got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
	if _, err := Load("No/Such"); err == nil {
		t.Error("a zone that there is not")
	}
}
