package app

import (
	"bytes"
	"fmt"
	"html"
	"os"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// pictured are the commands of the picture in README.md, as one would type them among
// the captures.
var pictured = []string{
	"pgsniff base_mix.pcap --view queries --min-duration 1ms",
	"pgsniff cancel_pg18_proto32.pcap --type Query,CancelRequest,ErrorResponse --conn 1,2 --until 500ms",
	"pgsniff terminate_57P01.pcap --view transactions",
}

// TestPicture wants docs/pgsniff.svg to show what the program prints; -update draws it
// anew.
func TestPicture(t *testing.T) {
	t.Setenv("TZ", "UTC")
	var text bytes.Buffer
	for _, command := range pictured {
		args := strings.Fields(command)[1:]
		args[0] = pcaps + "/" + args[0]
		fmt.Fprintf(&text, "\x1b[1m$ %s\x1b[0m\n", command)
		text.Write(output(t, append(append([]string{"read"}, args...), "--color", "always", "--time", "utc")...))
		text.WriteByte('\n')
	}
	compareFile(t, "../../docs/pgsniff.svg", draw(strings.TrimRight(text.String(), "\n")))
}

func compareFile(t *testing.T, path string, got []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if want, err := os.ReadFile(path); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what the program prints (%v); -update draws it anew", path, err)
	}
}

// styleCode is a change of style in a terminal's output.
var styleCode = regexp.MustCompile("\x1b\\[([0-9;]*)m")

// draw makes a picture of a terminal's output.
func draw(text string) []byte {
	const (
		width, line, margin = 998, 18, 14 // pixels: 128 columns of 7.8
		columns             = 128
	)
	lines := strings.Split(text, "\n")
	var b bytes.Buffer
	fmt.Fprintf(&b, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"13\">\n",
		width+2*margin, len(lines)*line+2*margin)
	b.WriteString("<rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"#14161a\"/>\n")
	class := ""
	for i, l := range lines {
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" xml:space=\"preserve\" fill=\"#d5d8dd\">", margin, margin+(i+1)*line-5)
		room := columns
		for l != "" && room > 0 {
			part, code := l, ""
			if m := styleCode.FindStringSubmatchIndex(l); m != nil {
				part, code, l = l[:m[0]], l[m[2]:m[3]]+";", l[m[1]:]
			} else {
				l = ""
			}
			if n := utf8.RuneCountInString(part); n > room {
				part = string([]rune(part)[:room-1]) + "…"
				room = 0
			} else {
				room -= n
			}
			if part != "" {
				fmt.Fprintf(&b, "<tspan%s>%s</tspan>", class, html.EscapeString(part))
			}
			if code != "" {
				class = styled(class, code)
			}
		}
		b.WriteString("</text>\n")
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

// offs are the attributes that a code ends.
var offs = map[string]*regexp.Regexp{
	"22": regexp.MustCompile(` font-weight="bold"`), "24": regexp.MustCompile(` text-decoration="underline"`),
	"27": regexp.MustCompile(` text-decoration="underline"`), "39": regexp.MustCompile(` fill="[^"]*"`),
}

// styled returns the attributes after a change of style.
func styled(class, codes string) string {
	colors := map[string]string{
		"31": "#ff7b72", "32": "#7ee787", "33": "#e3b341", "34": "#79c0ff", "35": "#d2a8ff", "36": "#76e3ea",
		"90": "#8b949e", "91": "#ffa198", "92": "#aff5b4", "93": "#f2cc60", "94": "#a5d6ff", "95": "#e2c5ff", "96": "#b3f0ff",
	}
	for _, code := range strings.Split(strings.TrimSuffix(codes, ";"), ";") {
		switch {
		case code == "" || code == "0":
			class = ""
		case offs[code] != nil:
			class = offs[code].ReplaceAllString(class, "")
		case code == "1":
			class = offs["22"].ReplaceAllString(class, "") + ` font-weight="bold"`
		case code == "2":
			class = ` fill="#8b949e"`
		case code == "4", code == "7": // there is no background: what is selected is underlined
			class = offs["24"].ReplaceAllString(class, "") + ` text-decoration="underline"`
		case colors[code] != "":
			class = offs["39"].ReplaceAllString(class, "") + fmt.Sprintf(` fill=%q`, colors[code])
		}
	}
	return class
}
