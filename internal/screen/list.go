package screen

import (
	"slices"
	"strings"
)

// column is a column of a list.
type column[T any] struct {
	name  string
	hot   string // the key that sorts by it
	width int    // 0: what is left
	left  bool   // aligned
	from  int    // columns of the terminal from which on it is shown
	cell  func(m *model, t *T) span
	less  func(a, b *T) int // greatest first where it is descending
	up    bool              // sorts ascending at first
}

// list shows items as a table that is sorted, filtered and moved in.
type list[T any] struct {
	columns []column[T]
	key     func(*T) any         // what stays the same of an item
	text    func(*T) string      // what the filter looks at
	fill    func(m *model, t *T) // gets what is shown of an item and not sorted by; may be nil
	empty   string               // where there are no items
	none    string               // likewise, where none are to come any more; empty: the same

	items    []T
	shown    []int
	sort     int
	desc     bool
	filter   string
	at       any // key of the selected item
	sel, top int
	height   int
	cols     []int // of the latest view: where each column begins
	which    []int
}

// set takes the items of now. The selected one stays selected.
func (l *list[T]) set(items []T) {
	l.items = items
	l.arrange()
}

func (l *list[T]) arrange() {
	l.shown = l.shown[:0]
	filter := strings.ToLower(l.filter)
	for i := range l.items {
		if filter == "" || strings.Contains(strings.ToLower(l.text(&l.items[i])), filter) {
			l.shown = append(l.shown, i)
		}
	}
	if less := l.columns[l.sort].less; less != nil {
		slices.SortStableFunc(l.shown, func(a, b int) int {
			n := less(&l.items[a], &l.items[b])
			if l.desc {
				n = -n
			}
			return n
		})
	}
	for i, k := range l.shown {
		if l.at != nil && l.key(&l.items[k]) == l.at {
			l.sel = i
			return
		}
	}
	l.sel = max(0, min(l.sel, len(l.shown)-1))
	l.hold()
}

// hold remembers which item is selected. The first one is not held: what comes to the
// top is to be seen.
func (l *list[T]) hold() {
	l.at = nil
	if l.sel > 0 && l.sel < len(l.shown) {
		l.at = l.key(&l.items[l.shown[l.sel]])
	}
}

// current returns the selected item, nil if there is none.
func (l *list[T]) current() *T {
	if l.sel >= len(l.shown) {
		return nil
	}
	return &l.items[l.shown[l.sel]]
}

func (l *list[T]) move(to int) {
	l.sel = max(0, min(to, len(l.shown)-1))
	l.hold()
}

// sortBy sorts by a column, and the other way where it does already.
func (l *list[T]) sortBy(i int) {
	if l.columns[i].less == nil {
		return
	}
	if l.sort == i {
		l.desc = !l.desc
	} else {
		l.sort, l.desc = i, !l.columns[i].up
	}
	l.at, l.sel, l.top = nil, 0, 0
	l.arrange()
}

// press takes a key that moves or sorts.
func (l *list[T]) press(k string) bool {
	switch k {
	case "up", "k":
		l.move(l.sel - 1)
	case "down", "j":
		l.move(l.sel + 1)
	case "pgup", "ctrl+b":
		l.move(l.sel - max(l.height-1, 1))
	case "pgdown", "ctrl+f":
		l.move(l.sel + max(l.height-1, 1))
	case "home", "g":
		l.move(0)
	case "end", "G":
		l.move(len(l.shown) - 1)
	case "<", ",":
		l.nextSort(-1)
	case ">", ".":
		l.nextSort(1)
	case "r":
		l.sortBy(l.sort)
	case "esc":
		if l.filter == "" {
			return false
		}
		l.filter = ""
		l.arrange()
	default:
		for i := range l.columns {
			if l.columns[i].hot == k && k != "" {
				l.sortBy(i)
				return true
			}
		}
		return false
	}
	return true
}

func (l *list[T]) nextSort(step int) {
	for i := l.sort + step; i >= 0 && i < len(l.columns); i += step {
		if l.columns[i].less != nil {
			l.sortBy(i)
			return
		}
	}
}

// wider is the width of a column of names: so many columns, and more on a wide terminal.
func wider(least, w int) int { return min(max(least, w/8), 2*least) }

// layout chooses the columns that fit.
func (l *list[T]) layout(w int) (which, widths []int) {
	left := w
	flex := -1
	for i := range l.columns {
		c := &l.columns[i]
		if w < c.from {
			continue
		}
		which, widths = append(which, i), append(widths, c.width)
		if c.width == 0 {
			flex = len(which) - 1
		}
		left -= c.width + 1
	}
	if flex >= 0 {
		widths[flex] = max(left+1, 8)
	}
	return which, widths
}

// view draws the list in h lines, of which there may be none.
func (l *list[T]) view(m *model, w, h int) []textLine {
	h = max(h, 1)
	which, widths := l.layout(w)
	l.which, l.cols = which, l.cols[:0]
	l.height = h - 1
	head := newComposer(w, false, len(which))
	x := 0
	for i, n := range which {
		c := &l.columns[n]
		name := c.name
		if n == l.sort && c.less != nil {
			if l.desc {
				name += "▼"
			} else {
				name += "▲"
			}
		}
		l.cols = append(l.cols, x)
		head.add(&span{name, m.theme.head}, widths[i], !c.left)
		x += widths[i] + 1
	}
	lines := append(make([]textLine, 0, h), head.done())
	l.top = min(max(l.top, l.sel-l.height+1), l.sel)
	l.top = max(0, min(l.top, len(l.shown)-l.height))
	for i := l.top; i < min(len(l.shown), l.top+l.height); i++ {
		t := &l.items[l.shown[i]]
		if l.fill != nil {
			l.fill(m, t)
		}
		row := newComposer(w, i == l.sel, len(which))
		for k, n := range which {
			c := &l.columns[n]
			s := c.cell(m, t)
			columns := widths[k]
			if c.left && k == len(which)-1 {
				columns = 0 // blanks at the end need not be written
			}
			row.add(&s, columns, !c.left)
		}
		lines = append(lines, row.done())
	}
	if len(l.shown) == 0 {
		text := l.empty
		if m.ended && l.none != "" {
			text = l.none
		}
		if l.filter != "" {
			text = "nothing matches /" + l.filter
		}
		lines = append(lines, compose(w, false, span{"  " + text, m.theme.dim}))
	}
	return lines
}

// click takes a click on a line of the view. It reports whether an item was clicked that
// was selected already.
func (l *list[T]) click(x, y int) (again bool) {
	if y == 0 {
		for i := len(l.cols) - 1; i >= 0; i-- {
			if x >= l.cols[i] {
				l.sortBy(l.which[i])
				return false
			}
		}
		return false
	}
	i := l.top + y - 1
	if i >= len(l.shown) {
		return false
	}
	again = i == l.sel
	l.move(i)
	return again
}
