package client

import (
	"errors"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/japanese"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/traditionalchinese"
)

// encodings are PostgreSQL's client encodings that x/text knows (manual:
// "Character Set Support"), by the names that the server reports. Missing are
// EUC_TW, EUC_JIS_2004, SHIFT_JIS_2004, JOHAB and MULE_INTERNAL.
var encodings = map[string]encoding.Encoding{
	"LATIN1": charmap.ISO8859_1, "LATIN2": charmap.ISO8859_2, "LATIN3": charmap.ISO8859_3,
	"LATIN4": charmap.ISO8859_4, "LATIN5": charmap.ISO8859_9, "LATIN6": charmap.ISO8859_10,
	"LATIN7": charmap.ISO8859_13, "LATIN8": charmap.ISO8859_14, "LATIN9": charmap.ISO8859_15,
	"LATIN10": charmap.ISO8859_16, "ISO_8859_5": charmap.ISO8859_5, "ISO_8859_6": charmap.ISO8859_6,
	"ISO_8859_7": charmap.ISO8859_7, "ISO_8859_8": charmap.ISO8859_8,
	"WIN866": charmap.CodePage866, "WIN874": charmap.Windows874, "WIN1250": charmap.Windows1250,
	"WIN1251": charmap.Windows1251, "WIN1252": charmap.Windows1252, "WIN1253": charmap.Windows1253,
	"WIN1254": charmap.Windows1254, "WIN1255": charmap.Windows1255, "WIN1256": charmap.Windows1256,
	"WIN1257": charmap.Windows1257, "WIN1258": charmap.Windows1258,
	"KOI8R": charmap.KOI8R, "KOI8U": charmap.KOI8U,
	"EUC_JP": japanese.EUCJP, "SJIS": japanese.ShiftJIS,
	"EUC_KR": korean.EUCKR, "UHC": korean.EUCKR,
	"EUC_CN": simplifiedchinese.GBK, "GBK": simplifiedchinese.GBK, "GB18030": simplifiedchinese.GB18030,
	"BIG5": traditionalchinese.Big5,
}

var errEncoding = errors.New("no conversion is known")

// textEncoding converts text between UTF-8 and a client_encoding.
type textEncoding struct {
	name string
	// plain tells that text is passed on as it is: UTF-8, or SQL_ASCII, of which
	// the server knows no more than that.
	plain    bool
	encoding encoding.Encoding // nil if plain or not known
}

func newTextEncoding(name string) *textEncoding {
	switch strings.ToUpper(name) {
	case "UTF8", "UNICODE", "UTF-8", "SQL_ASCII":
		return &textEncoding{name: name, plain: true}
	}
	return &textEncoding{name: name, encoding: encodings[strings.ToUpper(name)]}
}

// asIs reports whether b is the same in UTF-8: each of PostgreSQL's encodings has
// ASCII as its subset.
func (t *textEncoding) asIs(b []byte) bool {
	if t.plain {
		return true
	}
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// decode returns b in UTF-8; it is b itself where nothing is to be converted.
// Bytes that the encoding does not have become U+FFFD.
func (t *textEncoding) decode(b []byte) ([]byte, error) {
	if t.asIs(b) {
		return b, nil
	}
	if t.encoding == nil {
		return nil, &EncodingError{t.name, errEncoding}
	}
	out, err := t.encoding.NewDecoder().Bytes(b)
	if err != nil {
		return nil, &EncodingError{t.name, err}
	}
	return out, nil
}

// lossy is decode for text that people read: what cannot be converted becomes
// U+FFFD.
func (t *textEncoding) lossy(b []byte) string {
	out, err := t.decode(b)
	if err != nil {
		return strings.ToValidUTF8(string(b), "\uFFFD")
	}
	return string(out)
}

// encode returns UTF-8 in the encoding; it is s itself where nothing is to be
// converted. A character that the encoding does not have is an error.
func (t *textEncoding) encode(s []byte) ([]byte, error) {
	if t.asIs(s) {
		return s, nil
	}
	if t.encoding == nil {
		return nil, &EncodingError{t.name, errEncoding}
	}
	out, err := t.encoding.NewEncoder().Bytes(s)
	if err != nil {
		return nil, &EncodingError{t.name, err}
	}
	return out, nil
}

// texts encodes several strings of one request, with a sticky error.
type texts struct {
	*textEncoding
	err error
}

func (t *texts) of(s string) []byte {
	b, err := t.encode([]byte(s))
	if err != nil && t.err == nil {
		t.err = err
	}
	return b
}
