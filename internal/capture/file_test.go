package capture

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func slurp(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// bound fails if f allocates more than limit bytes altogether.
func bound(t testing.TB, limit uint64, f func()) {
	t.Helper()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > limit {
		t.Fatalf("%d bytes were allocated, the bound is %d", n, limit)
	}
}

// sameInPieces reads b as a whole and byte by byte, and wants the same.
func sameInPieces(t *testing.T, b []byte) {
	whole, errWhole := readBytes(t, b)
	pieces, errPieces := readStream(t, iotest.OneByteReader(bytes.NewReader(b)), FileOptions{NoReadAhead: true})
	equalRecs(t, pieces, whole)
	if (errWhole == nil) != (errPieces == nil) || errWhole != nil && errWhole.Error() != errPieces.Error() {
		t.Fatalf("errors differ: %v, and in pieces %v", errWhole, errPieces)
	}
	var e *FileError
	if errWhole != nil && !errors.As(errWhole, &e) {
		t.Fatalf("error %T: %v", errWhole, errWhole)
	}
}

// Records that span blocks, reads of every size, with and without reading ahead.
func TestReadInPieces(t *testing.T) {
	b := slurp(t, testdata("base_mix.pcap"))
	want, err := readBytes(t, b)
	wantKind(t, err, nil)
	for name, wrap := range map[string]func(io.Reader) io.Reader{
		"one byte": iotest.OneByteReader,
		"half":     iotest.HalfReader,
		"data and error together": func(r io.Reader) io.Reader {
			return iotest.DataErrReader(r)
		},
	} {
		for _, direct := range []bool{true, false} {
			t.Run(name, func(t *testing.T) {
				got, err := readStream(t, wrap(bytes.NewReader(b)), FileOptions{NoReadAhead: direct})
				wantKind(t, err, nil)
				equalRecs(t, got, want)
			})
		}
	}
}

func TestFilesCountOn(t *testing.T) {
	first := writeFile(t, "a", buildPcap(littleMicro, sample()))
	second := writeFile(t, "b", join(ngSection(little), ngInterface(little, 1, 0), ngInterface(little, 101, 0),
		ngEnhanced(little, 1, 1, rec{data: "x"})))
	third := writeFile(t, "c", buildPcap(littleMicro, sample()))
	f, err := OpenFiles([]string{first, second, third}, FileOptions{})
	wantKind(t, err, nil)
	defer f.Close()
	got, err := readAll(t, f) // checks that frames count on
	wantKind(t, err, nil)
	n := len(sample())
	if len(got) != 2*n+1 || got[0].iface != 0 || got[n].iface != 2 || got[n+1].iface != 3 {
		t.Fatalf("%d packets, interfaces %d, %d, %d", len(got), got[0].iface, got[n].iface, got[n+1].iface)
	}
	read, total, ok := f.Progress()
	if !ok || read != total || total == 0 {
		t.Fatalf("progress %d of %d, %v", read, total, ok)
	}
}

func TestFilesThatCannotBeOpened(t *testing.T) {
	good := writeFile(t, "good", buildPcap(littleMicro, sample()))
	dir := t.TempDir()
	for _, c := range []struct {
		name  string
		paths []string
		kind  error
	}{
		{"missing", []string{filepath.Join(dir, "none")}, ErrNotFound},
		{"missing later", []string{good, filepath.Join(dir, "none")}, ErrNotFound},
		{"directory", []string{dir}, ErrDirectory},
		{"empty", []string{writeFile(t, "e", nil)}, ErrEmpty},
		{"text", []string{writeFile(t, "t", []byte("hello, world\n"))}, ErrNotCapture},
		{"standard input twice", []string{"-", "-"}, ErrUnreadable},
	} {
		t.Run(c.name, func(t *testing.T) {
			f, err := OpenFiles(c.paths, FileOptions{Stdin: strings.NewReader("")})
			if f != nil {
				t.Fatal("a source beside an error")
			}
			wantKind(t, err, c.kind)
			if len(c.paths) == 1 && !strings.HasPrefix(err.Error(), c.paths[0]+": ") {
				t.Errorf("the error does not name the file: %v", err)
			}
		})
	}
}

func TestNotACaptureSaysWhatItIs(t *testing.T) {
	tar := make([]byte, 512)
	copy(tar[257:], "ustar")
	for want, b := range map[string][]byte{
		"looks like text":          []byte("GET / HTTP/1.1\r\nHost: für\r\n"),
		"looks like a zip archive": []byte("PK\x03\x04........"),
		"bzcat":                    []byte("BZh91AY&SY...."),
		"looks like a tar archive": tar,
		"editcap":                  []byte("snoop\x00\x00\x00\x00\x00\x00\x02"),
		"gzip data with text":      compressors["gzip"](t, []byte("hello")),
		"zstd data, but no":        compressors["zstd"](t, []byte("\x00\x01\x02\x03\x04\x05")),
		"further gzip data":        compressors["xz"](t, compressors["gzip"](t, []byte("x"))),
		"gzip data with nothing":   compressors["gzip"](t, nil),
		"pgsniff reads pcap":       {0, 1, 2, 3, 4, 5, 6, 7},
	} {
		_, err := readBytes(t, b)
		if !errors.Is(err, ErrNotCapture) && !errors.Is(err, ErrEmpty) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q in it", err, want)
		}
	}
}

// After an error with one file, Next goes on with the next; a cut file is a
// warning if somebody listens.
func TestFilesGoOnAfterAnError(t *testing.T) {
	good := buildPcap(littleMicro, sample())
	corrupt := bytes.Clone(good)
	little.PutUint32(corrupt[pcapHeaderLen+8:], 0x7fffffff)
	paths := []string{
		writeFile(t, "cut", good[:len(good)-1]),
		writeFile(t, "corrupt", corrupt),
		writeFile(t, "text", []byte("text")),
		writeFile(t, "header", good[:10]),
		writeFile(t, "good", good),
	}
	for _, listen := range []bool{true, false} {
		var seen []string
		note := func(err error) {
			for _, kind := range []error{ErrTruncated, ErrCorrupt, ErrNotCapture} {
				if errors.Is(err, kind) {
					seen = append(seen, filepath.Base(err.(*FileError).Path)+": "+kind.Error())
				}
			}
		}
		opt := FileOptions{}
		if listen {
			opt.OnWarning = func(err error) { seen = append(seen, "warning"); note(err) }
		}
		f, err := OpenFiles(paths, opt)
		wantKind(t, err, nil)
		var p Packet
		n := 0
		for {
			err := f.Next(&p)
			if err == io.EOF {
				break
			}
			if err == nil {
				n++
				continue
			}
			note(err)
		}
		f.Close()
		want := "cut: cut off|corrupt: corrupt|text: not a capture file|header: cut off"
		if listen {
			want = strings.ReplaceAll(strings.ReplaceAll(want, "cut:", "warning|cut:"), "header:", "warning|header:")
		}
		if got := strings.Join(seen, "|"); got != want || n != 2*len(sample())-1 {
			t.Errorf("%d packets, %s; want %s", n, got, want)
		}
	}
}

func TestFileErrorText(t *testing.T) {
	good := buildPcap(littleMicro, sample())
	path := writeFile(t, "x.pcap", good[:len(good)-4])
	f, err := OpenFiles([]string{path}, FileOptions{})
	wantKind(t, err, nil)
	defer f.Close()
	_, err = readAll(t, f)
	want := path + ": cut off after packet 5 (byte 1745): the last record needs 349 bytes, 345 are there"
	if err == nil || err.Error() != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	_, err = OpenFiles([]string{filepath.Join(path, "y")}, FileOptions{})
	if !errors.Is(err, ErrUnreadable) || !strings.HasSuffix(err.Error(), "y: cannot be read: not a directory") {
		t.Errorf("%v", err)
	}
}

// A failing disk is not a cut file.
func TestReadError(t *testing.T) {
	good := buildPcap(littleMicro, sample())
	bad := io.MultiReader(bytes.NewReader(good[:100]), iotest.ErrReader(errors.New("input/output error")))
	got, err := readStream(t, bad, FileOptions{})
	wantKind(t, err, ErrUnreadable)
	if len(got) != 1 || !strings.Contains(err.Error(), "input/output error") {
		t.Errorf("%d packets, %v", len(got), err)
	}
}

// What a live writer has sent is delivered while its pipe stays open.
func TestPipeIsNotHeldUp(t *testing.T) {
	r, w := io.Pipe()
	rs := sample()[:1]
	go w.Write(buildPcap(littleMicro, rs))
	f, err := OpenFiles([]string{"-"}, FileOptions{Stdin: r})
	wantKind(t, err, nil)
	defer f.Close()
	got := make(chan error, 1)
	go func() {
		var p Packet
		got <- f.Next(&p)
	}()
	select {
	case err := <-got:
		wantKind(t, err, nil)
	case <-time.After(time.Minute):
		t.Fatal("the packet did not come")
	}
	if _, _, ok := f.Progress(); ok {
		t.Error("a pipe has no length")
	}
	w.Close()
}

// Closing early ends the goroutine that reads ahead.
func TestCloseEndsReadingAhead(t *testing.T) {
	path := writeFile(t, "long", compressors["zstd"](t, buildPcap(littleMicro, longCapture(20000))))
	before := runtime.NumGoroutine()
	for range 10 {
		f, err := OpenFiles([]string{path}, FileOptions{})
		wantKind(t, err, nil)
		var p Packet
		wantKind(t, f.Next(&p), nil)
		wantKind(t, f.Close(), nil)
		if err := f.Next(&p); err != io.EOF {
			t.Fatalf("Next after Close: %v", err)
		}
	}
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatalf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

func longCapture(n int) []rec {
	rs := make([]rec, n)
	data := strings.Repeat("x", 100)
	for i := range rs {
		rs[i] = rec{time: int64(i) * 1e6, orig: 100, link: 1, data: data}
	}
	return rs
}

func TestNextDoesNotAllocate(t *testing.T) {
	rs := longCapture(30000)
	for name, b := range map[string][]byte{
		"pcap":   buildPcap(littleMicro, rs),
		"pcapng": buildPcapng(little, rs),
	} {
		for _, direct := range []bool{true, false} {
			f, err := OpenFiles([]string{"-"}, FileOptions{Stdin: bytes.NewReader(b), NoReadAhead: direct})
			wantKind(t, err, nil)
			var p Packet
			for range 8000 { // let buffers reach their size
				wantKind(t, f.Next(&p), nil)
			}
			if n := testing.AllocsPerRun(20000, func() {
				if err := f.Next(&p); err != nil {
					t.Fatal(err)
				}
			}); n != 0 {
				t.Errorf("%s, direct %v: %v allocations a packet", name, direct, n)
			}
			f.Close()
		}
	}
}

func BenchmarkNext(b *testing.B) {
	rs := longCapture(200000)
	pcap := buildPcap(littleMicro, rs)
	for name, file := range map[string][]byte{
		"pcap":   pcap,
		"pcapng": buildPcapng(little, rs),
		"gzip":   compressors["gzip"](b, pcap),
		"zstd":   compressors["zstd"](b, pcap),
	} {
		for mode, direct := range map[string]bool{"ahead": false, "direct": true} {
			b.Run(name+"/"+mode, func(b *testing.B) {
				path := writeFile(b, "f", file)
				b.ReportAllocs()
				var p Packet
				for n := 0; n < b.N; {
					f, err := OpenFiles([]string{path}, FileOptions{NoReadAhead: direct})
					if err != nil {
						b.Fatal(err)
					}
					for err = f.Next(&p); err == nil && n < b.N; err = f.Next(&p) {
						n++
					}
					f.Close()
				}
			})
		}
	}
}
