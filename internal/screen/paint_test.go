package screen

import (
	"math/rand/v2"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/vt"

	"github.com/pgsniff/pgsniff/internal/termsafe"
)

// hostileTexts are all code points, as many at a time as 80 columns have room for, bytes
// that are none, and what terminals take for commands. Of planes in which nothing is
// assigned, or all is for private use, some do.
func hostileTexts() (list []string) {
	const some = 39
	var b strings.Builder
	n := 0
	for r := rune(0); r <= unicode.MaxRune; r++ {
		if r >= 0x40000 && r < 0xe0000 || r > 0xf0000 {
			r = min(r+0x1000, unicode.MaxRune)
		}
		b.WriteRune(r)
		if n++; n%some == 0 {
			list = append(list, b.String())
			b.Reset()
		}
	}
	var bytes []byte
	for c := range 256 {
		bytes = append(bytes, byte(c), 'x')
	}
	return append(list, b.String(), string(bytes), "\x1b]0;owned\x07\x1b[2J\x9b2J\xc2\x9b2J\x1bP1\x1b\\\x1b[6n", "e"+strings.Repeat("\u0301", 300),
		strings.Repeat("👩‍👩‍👧‍👦", 30), strings.Repeat("\u200b", 500)+"x", strings.Repeat("漢", 200), "\u202egnp.\u2066", "\xe6\xbc", "a\r\nb\tc")
}

// TestNothingSteers holds that no text brings anything to the terminal that steers it,
// nor more columns than there are, whichever way lines are made.
func TestNothingSteers(t *testing.T) {
	th := newTheme(true)
	styles := strings.NewReplacer(th.bad.on, "", th.bad.off, "", th.bad.selOn, "", th.plain.selOn, "", th.plain.selOff, "")
	for _, text := range hostileTexts() {
		for _, w := range []int{7, 80} {
			row := newComposer(w, false, 3)
			row.add(&span{text, th.bad}, 5, true)
			row.add(&span{text, th.plain}, 9, false)
			row.add(&span{text, th.bad}, 0, false)
			lines := []textLine{compose(w, false, span{text, th.bad}, span{text, th.plain}), compose(w, true, span{text, th.bad}), row.done()}
			for _, part := range wrap(text, w, 4) {
				lines = append(lines, compose(w, false, span{part, th.plain}))
			}
			lines = append(lines, compose(w, false, span{fit(text, w, true), th.plain}), compose(w, false, span{clean(text, w), th.plain}))
			for _, l := range lines {
				plain := styles.Replace(l.text)
				if i := strings.IndexFunc(plain, func(r rune) bool { return termsafe.Steers(r) }); i >= 0 || !utf8.ValidString(plain) {
					t.Fatalf("%q makes %q", text, l.text)
				}
				// Each piece goes to its place by itself, and stays in it. A mark that it begins
				// with may take no column of its own there.
				for i := range l.cuts {
					next := l.end
					if i+1 < len(l.cuts) {
						next = int(l.cuts[i+1].col)
					}
					if n := ansi.StringWidth(l.piece(i)); n > next-int(l.cuts[i].col) || next > w {
						t.Fatalf("%q: %q takes %d columns from %d to %d of %d", text, l.piece(i), n, l.cuts[i].col, next, w)
					}
				}
			}
			if l := lines[1]; l.end != w {
				t.Fatalf("%q fills %d columns of %d where it is selected", text, l.end, w)
			}
		}
	}
}

// TestPaintsTheSame paints screens one after the other, of which parts stay the same: the
// terminal shows what it shows of one that is painted as a whole.
func TestPaintsTheSame(t *testing.T) {
	const w, h = 60, 12
	r := rand.New(rand.NewPCG(1, 2))
	th := newTheme(true)
	inks := []ink{th.plain, th.bad, th.dim, th.head}
	texts := []string{"", "a", "select 1", strings.Repeat("wide ", 20), "żółć", "漢字漢字", "e\u0301e\u0301", "█▎", "…", "x\x1b[2Jy", " "}
	line := func() textLine {
		if r.IntN(2) == 0 { // a row of a table
			c := newComposer(w, r.IntN(5) == 0, 4)
			for range 4 {
				c.add(&span{texts[r.IntN(len(texts))], inks[r.IntN(len(inks))]}, 10, r.IntN(2) == 0)
			}
			return c.done()
		}
		return compose(w, r.IntN(5) == 0, span{texts[r.IntN(len(texts))], inks[r.IntN(len(inks))]}, span{texts[r.IntN(len(texts))], th.plain})
	}
	term := vt.NewEmulator(w, h)
	p := painter{out: term}
	_, _ = p.Write([]byte(ansi.SetModeAltScreenSaveCursor))
	lines := make([]textLine, h)
	for n := range 400 {
		lines = append([]textLine(nil), lines...)
		switch r.IntN(10) {
		case 0:
			lines = append(lines[1:], line()) // it moved
		default:
			for range r.IntN(h) {
				lines[r.IntN(h)] = line()
			}
		}
		at := noCursor
		if r.IntN(4) == 0 {
			at = place{r.IntN(w), h - 1}
		}
		p.set(w, lines, at)
		fresh := vt.NewEmulator(w, h)
		q := painter{out: fresh, lines: lines, w: w, at: at}
		_, _ = q.Write([]byte(ansi.SetModeAltScreenSaveCursor))
		if got, want := term.Render(), fresh.Render(); got != want {
			t.Fatalf("after %d screens the terminal shows\n%s\nwant\n%s", n, got, want)
		}
		if at != noCursor && term.CursorPosition() != fresh.CursorPosition() {
			t.Fatalf("the cursor is at %v, not %v", term.CursorPosition(), fresh.CursorPosition())
		}
	}
}

// written counts bytes.
type written int

func (n *written) Write(b []byte) (int, error) {
	*n += written(len(b))
	return len(b), nil
}

// TestPaintsWhatChanged holds that nothing is written for a screen that stays as it is,
// little for a number, and all of it where the renderer cleared the screen.
func TestPaintsWhatChanged(t *testing.T) {
	th := newTheme(true)
	row := func(n string) textLine {
		c := newComposer(80, false, 2)
		c.add(&span{n, th.plain}, 6, true)
		c.add(&span{strings.Repeat("select ", 10), th.sql}, 0, false)
		return c.done()
	}
	var n written
	p := painter{out: &n}
	p.set(80, []textLine{row("1"), row("2")}, noCursor)
	if n != 0 {
		t.Errorf("%d bytes are written before there is a screen", n)
	}
	_, _ = p.Write([]byte(ansi.SetModeAltScreenSaveCursor))
	for _, c := range []struct {
		b           string
		least, most written
	}{{"2", 0, 0}, {"3", 10, 50}} {
		n = 0
		if p.set(80, []textLine{row("1"), row(c.b)}, noCursor); n < c.least || n > c.most {
			t.Errorf("%d bytes for %s", n, c.b)
		}
	}
	n = 0
	if _, _ = p.Write([]byte("\x1b[2J")); n < 150 {
		t.Errorf("%d bytes after the screen was cleared", n)
	}
	n = 0
	_, _ = p.Write([]byte(ansi.ResetModeAltScreenSaveCursor))
	if p.set(80, []textLine{row("9"), row("9")}, noCursor); n != written(len(ansi.ResetModeAltScreenSaveCursor)) {
		t.Errorf("%d bytes are written after the screen was left", n)
	}
}
