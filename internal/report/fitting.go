package report

import (
	"bytes"
	"encoding/json"
)

// maxData bounds the data of a page, in bytes: with the rest a page stays below 1.5 MB.
const maxData = 1_400_000

// Texts of which each character takes six in JSON, and no two are the same, may be more
// than there is room for even so. Then all texts of the page are cut, to longText at first
// and to shortText in the end, which holds a time and an address.
const (
	fewConns  = maxConns / 8
	longText  = 320
	shortText = 40
)

// fitting returns the data as JSON. Where it is too much, fewer classes have executions,
// then there are fewer connections, then texts are cut.
func fitting(d *data) (text []byte, err error) {
	detailed := maxDetailed
	for {
		for i, c := range d.Classes {
			c.trim(i, detailed)
		}
		if text, err = json.Marshal(d); err != nil || len(text) <= maxData {
			return text, err
		}
		switch n := len(d.Connections); {
		case detailed > 0:
			detailed /= 4
		case n > fewConns:
			d.Connections = telling(d.Connections, n/2)
			d.MoreConns += uint64(n - len(d.Connections))
		default:
			return shortened(text)
		}
	}
}

// shortened returns JSON whose texts are cut until it fits.
func shortened(text []byte) ([]byte, error) {
	var all any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&all); err != nil {
		return nil, err
	}
	for most := longText; ; most /= 2 {
		all = cutTexts(all, most)
		text, err := json.Marshal(all)
		if err != nil || len(text) <= maxData || most <= shortText {
			return text, err
		}
	}
}

// cutTexts cuts all texts in a value of JSON.
func cutTexts(v any, most int) any {
	switch v := v.(type) {
	case string:
		return cut([]byte(v), most)
	case []any:
		for i := range v {
			v[i] = cutTexts(v[i], most)
		}
	case map[string]any:
		for k := range v {
			v[k] = cutTexts(v[k], most)
		}
	}
	return v
}
