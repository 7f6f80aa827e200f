package report

import "strings"

// command is the command line that made the page, as a shell takes it. What was searched
// for may be a value.
func command(args []string, noValues bool) string {
	if len(args) == 0 {
		return ""
	}
	for i, a := range args {
		noValues = noValues || a == "--redact=all" || a == "--redact" && i+1 < len(args) && args[i+1] == "all"
	}
	var b strings.Builder
	b.WriteString("pgsniff")
	hide := false
	for _, a := range args {
		if name, _, ok := strings.Cut(a, "="); noValues && ok && name == "--grep" {
			a = name + "=…"
		} else if hide {
			a = "…"
		}
		hide = noValues && a == "--grep"
		b.WriteByte(' ')
		b.WriteString(quoted(a))
	}
	return b.String()
}

// quoted is a word of a shell's command line.
func quoted(word string) string {
	if word != "" && !strings.ContainsFunc(word, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-_./:,=+@%…", r)
	}) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
