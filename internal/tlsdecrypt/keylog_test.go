package tlsdecrypt

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
)

var (
	randomHex = strings.Repeat("0a", randomLen)
	secret32  = strings.Repeat("1b", 32)
	secret48  = strings.Repeat("2C", 48)
)

func TestAdd(t *testing.T) {
	for _, c := range []struct {
		line string
		err  error
		l    label
		n    int // length of the secret that is there afterwards; 0: none
	}{
		{"", nil, 0, 0},
		{"  \r\n", nil, 0, 0},
		{"# CLIENT_RANDOM", nil, 0, 0},
		{"CLIENT_RANDOM " + randomHex + " " + secret48, nil, labelMaster, 48},
		{"CLIENT_RANDOM " + randomHex + "  " + secret48 + "\r\n", nil, labelMaster, 48},
		{"CLIENT_HANDSHAKE_TRAFFIC_SECRET " + randomHex + " " + secret32, nil, labelClientHandshake, 32},
		{"SERVER_HANDSHAKE_TRAFFIC_SECRET " + randomHex + " " + secret48 + "\n", nil, labelServerHandshake, 48},
		{"CLIENT_TRAFFIC_SECRET_0 " + randomHex + " " + secret32, nil, labelClientTraffic, 32},
		{"SERVER_TRAFFIC_SECRET_0 " + randomHex + " " + secret48, nil, labelServerTraffic, 48},
		{"SERVER_TRAFFIC_SECRET_1 " + randomHex + " " + secret48, nil, labelServerTraffic, 0},
		{"EXPORTER_SECRET " + randomHex + " " + secret48, nil, 0, 0},
		{"CLIENT_EARLY_TRAFFIC_SECRET " + randomHex + " " + secret48, nil, 0, 0},
		{"RSA 0123456789abcdef " + secret48, nil, 0, 0},
		{"RSA Session-ID:00 Master-Key:00", nil, 0, 0},
		{"SOMETHING_NEW what ever it says", nil, 0, 0},

		{"CLIENT_RANDOM", errFields, labelMaster, 0},
		{"CLIENT_RANDOM " + randomHex, errFields, labelMaster, 0},
		{"CLIENT_RANDOM " + randomHex[1:] + " " + secret48, errRandom, labelMaster, 0},
		{"CLIENT_RANDOM " + randomHex[2:] + "zz " + secret48, errRandom, labelMaster, 0},
		{"CLIENT_RANDOM " + randomHex + " " + secret32, errMaster, labelMaster, 0},
		{"CLIENT_RANDOM " + randomHex + " " + secret48 + " more", errMaster, labelMaster, 0},
		{"CLIENT_RANDOM " + randomHex + " " + secret48[2:] + "xx", errMaster, labelMaster, 0},
		{"CLIENT_TRAFFIC_SECRET_0 " + randomHex + " " + secret32[2:], errSecret, labelClientTraffic, 0},
		{"CLIENT_TRAFFIC_SECRET_0 " + randomHex + " ", errFields, labelClientTraffic, 0},
		{"CLIENT_TRAFFIC_SECRET_0 " + randomHex + " " + secret32[1:] + "g", errSecret, labelClientTraffic, 0},
		{"hello", errFields, 0, 0},
		{"HELLO", errFields, 0, 0},
		{"\x00\x01\x02 binary", errFields, 0, 0},
		{"client_random " + randomHex + " " + secret48, errFields, labelMaster, 0},
	} {
		k := NewKeyLog(nil)
		if err := k.Add([]byte(c.line)); !errors.Is(err, c.err) {
			t.Errorf("%.40q: %v, want %v", c.line, err, c.err)
		}
		r := clientRandom(bytes.Repeat([]byte{0x0a}, randomLen))
		if got := k.secret(c.l, r, c.n); c.n > 0 && len(got) != c.n {
			t.Errorf("%.40q: no secret", c.line)
		}
		if n := k.Len(); (n > 0) != (c.n > 0) {
			t.Errorf("%.40q: secrets of %d connections", c.line, n)
		}
	}
}

// TestWarnings: the numbers of malformed lines, however the text comes; none of
// them shows a secret.
func TestWarnings(t *testing.T) {
	text := "# comment\nbad line\n\nCLIENT_RANDOM " + randomHex + " " + secret48 + "\n" +
		strings.Repeat("x", maxLine+1) + "\nCLIENT_RANDOM " + secret48 + "\nlast"
	want := []int{2, 5, 6, 7}
	var got []int
	k := NewKeyLog(func(w Warning) {
		got = append(got, w.Line)
		if w.File != "" || w.Text == "" || strings.Contains(w.String(), secret48) {
			t.Error(w)
		}
	})
	if err := k.Load(iotest.OneByteReader(strings.NewReader(text))); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) || k.Len() != 1 {
		t.Errorf("warnings of lines %v, want %v; %d connections", got, want, k.Len())
	}
	got = nil
	if err := k.Load(strings.NewReader(text)); err != nil || !slices.Equal(got, want) {
		t.Errorf("at once: %v, %v", got, err)
	}
	if err := k.Load(iotest.ErrReader(fs.ErrClosed)); !errors.Is(err, fs.ErrClosed) {
		t.Error(err)
	}
}

func logLine(l label, random byte, secret string) string {
	return fmt.Sprintf("%s %x %s", labelNames[l], bytes.Repeat([]byte{random}, randomLen), secret)
}

func (k *KeyLog) has(l label, random byte, n int) bool {
	return k.secret(l, clientRandom(bytes.Repeat([]byte{random}, randomLen)), n) != nil
}

// TestFollow: what is appended is read, also where a line comes in two halves;
// a file that was cut or replaced is read anew.
func TestFollow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys")
	var warned []Warning
	k := NewKeyLog(func(w Warning) { warned = append(warned, w) })
	if err := k.OpenFile(path); !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	appendTo := func(s string) {
		t.Helper()
		f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.WriteString(s); err != nil {
			t.Fatal(err)
		}
		f.Close()
		if err := k.Refresh(); err != nil {
			t.Fatal(err)
		}
	}
	appendTo(logLine(labelMaster, 1, secret48) + "\n")
	if !k.has(labelMaster, 1, 48) {
		t.Fatal("the first line was not read")
	}
	half := logLine(labelClientTraffic, 2, secret48)
	appendTo(half[:len(half)-40])
	if k.has(labelClientTraffic, 2, 48) || len(warned) > 0 {
		t.Fatal("half a line was taken for one", warned)
	}
	before := k.generation.Load()
	if err := k.Refresh(); err != nil || k.generation.Load() != before {
		t.Error("a refresh without news changed something", err)
	}
	appendTo(half[len(half)-40:]) // complete, but for its line end
	if !k.has(labelClientTraffic, 2, 48) {
		t.Error("a last line without its end was not read")
	}
	appendTo("\nnonsense\n" + logLine(labelMaster, 3, secret48) + "\n")
	if !k.has(labelMaster, 3, 48) || len(warned) != 1 || warned[0].Line != 3 || warned[0].File != path {
		t.Error(warned)
	}
	if err := os.Truncate(path, 0); err != nil {
		t.Fatal(err)
	}
	appendTo(logLine(labelMaster, 4, secret48) + "\n")
	if !k.has(labelMaster, 4, 48) {
		t.Error("a truncated file was not read anew")
	}
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := k.Refresh(); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	appendTo("# " + strings.Repeat("x", 400) + "\n" + logLine(labelMaster, 5, secret48) + "\n")
	if !k.has(labelMaster, 5, 48) || !k.has(labelMaster, 1, 48) {
		t.Error("a replaced file was not read anew")
	}
}

// TestHalfSecret: a SHA-384 secret cut to the length of a SHA-256 one must not
// be used, and has to give way to the whole one.
func TestHalfSecret(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1302, false)
	f.open()
	f.data(true, "Q")
	path := filepath.Join(t.TempDir(), "keys")
	log := f.log()
	cut := bytes.TrimSuffix(log, []byte("\n"))
	cut = cut[:len(cut)-32]
	if err := os.WriteFile(path, cut, 0o600); err != nil {
		t.Fatal(err)
	}
	k := NewKeyLog(func(w Warning) { t.Error(w) })
	if err := k.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	r, c := new(recorder), NewConn(k, Options{})
	f.data(false, "A")
	feed(c, f.chunks, 0, r)
	if c.State() != NoKeys {
		t.Errorf("%+v", c.Info())
	}
	if err := os.WriteFile(path, log, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.Refresh(); err != nil {
		t.Fatal(err)
	}
	c.Close(At{}, r)
	if r.String() != "C \"Q\"\nS \"A\"\n" {
		t.Errorf("%+v\n%s", c.Info(), r)
	}
}

// TestKeyLogIsBounded: the oldest connections are forgotten, all at once never.
func TestKeyLogIsBounded(t *testing.T) {
	m := newFIFOMap[int, int](3)
	for i := range 10 {
		m.put(i, i)
		m.put(max(0, i-1), i) // an old key keeps its age
	}
	var newest []int
	m.newest(func(k int) bool { newest = append(newest, k); return true })
	if !slices.Equal(newest, []int{9, 8, 7}) || len(m.m) != 3 || len(m.order) != 3 {
		t.Errorf("%v, %v", newest, m.m)
	}
	if _, ok := m.get(6); ok {
		t.Error("6 is still there")
	}
}

// TestConcurrentUse is for the race detector: readers, writers and followers.
func TestConcurrentUse(t *testing.T) {
	f := newFake(t, versionTLS13, 0x1301, false)
	f.open()
	f.data(true, "Q")
	k := keyLogOf(t, f.log())
	path := filepath.Join(t.TempDir(), "keys")
	if err := os.WriteFile(path, f.log(), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := k.OpenFile(path); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			if r, _ := play(k, f.chunks, 0); r.String() != "C \"Q\"\n" {
				t.Errorf("%s", r)
			}
			if err := k.Add([]byte(logLine(labelMaster, byte(i), secret48))); err != nil {
				t.Error(err)
			}
			if err := k.Refresh(); err != nil {
				t.Error(err)
			}
			k.Used()
		})
	}
	wg.Wait()
	if got := string(k.Used()); got != string(f.log()) {
		t.Errorf("used:\n%s", got)
	}
}
