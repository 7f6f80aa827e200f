package render

import (
	"strings"

	"github.com/fatih/color"
)

// Theme holds the colours of pretty output, by meaning.
type Theme struct {
	time, conn, frontend, backend, name paint
	sql, value, null, good, warn, bad   paint
	dim                                 paint
}

// paint is what is written before and after coloured text; both are empty
// without colour.
type paint struct{ on, off string }

// newPaint takes the sequences from fatih/color once, so that colouring a word
// costs two appends.
func newPaint(attributes ...color.Attribute) paint {
	c := color.New(attributes...)
	c.EnableColor()
	on, off, _ := strings.Cut(c.Sprint("\x00"), "\x00")
	return paint{on, off}
}

// NewTheme returns the colours, or none.
func NewTheme(colored bool) *Theme {
	if !colored {
		return &Theme{}
	}
	return &Theme{
		time:     newPaint(color.FgHiBlack),
		conn:     newPaint(color.FgHiBlack),
		frontend: newPaint(color.FgCyan),
		backend:  newPaint(color.FgBlue),
		name:     newPaint(color.Bold),
		sql:      newPaint(color.FgGreen),
		value:    paint{},
		null:     newPaint(color.FgHiBlack, color.Italic),
		good:     newPaint(color.FgGreen),
		warn:     newPaint(color.FgYellow),
		bad:      newPaint(color.FgRed, color.Bold),
		dim:      newPaint(color.FgHiBlack),
	}
}
